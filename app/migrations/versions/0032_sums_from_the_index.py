"""the indexes that sums are read from hold deleted_at, too

Revision ID: 0032
Revises: 0031
"""
import sqlalchemy as sa
from alembic import op

revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None

LIVING = 'deleted_at IS NULL'
INDEXES = (
    ('ix_opportunity_cube', 'opportunity', LIVING, 'owner_id stage furthest loss_reason amount rate'),
    ('ix_opportunity_waiting', 'opportunity', LIVING, 'stage staged_at amount owner_id customer_id id'),
    ('ix_opportunity_ahead', 'opportunity', LIVING + ' AND closed_on IS NULL', 'closes_on amount rate'),
    ('ix_opportunity_cycle', 'opportunity', LIVING, 'stage closed_on created_at owner_id customer_id'),
    ('ix_contract_standing', 'contract', LIVING, 'state approval amount received'),
    ('ix_payment_plan_open_own', 'payment_plan', LIVING + ' AND received < amount', 'owner_id due_on amount received contract_id customer_id'),
    ('ix_payment_plan_open_all', 'payment_plan', LIVING + ' AND received < amount', 'due_on amount received contract_id customer_id owner_id'),
    ('ix_payment_plan_open_of', 'payment_plan', LIVING + ' AND received < amount', 'customer_id due_on amount received contract_id owner_id'))


RATED = 'stage staged_at amount rate owner_id customer_id id'


def _make_anew(*more):
    for name, table, where, columns in INDEXES:
        op.drop_index(name, table)
        held = RATED if more and name == 'ix_opportunity_waiting' else columns
        op.create_index(name, table, [*held.split(), *more], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade():
    _make_anew('deleted_at')


def downgrade():
    _make_anew()
