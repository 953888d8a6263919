"""what board, funnel and receivables sum is read from indexes alone

Revision ID: 0020
Revises: 0019
"""
import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

LIVING = "deleted_at IS NULL"
NEW = [
    ('ix_opportunity_cube', 'opportunity', ['owner_id', 'stage', 'furthest', 'loss_reason', 'amount', 'rate'], LIVING),
    ('ix_opportunity_waiting', 'opportunity', ['stage', 'staged_at', 'amount', 'owner_id', 'customer_id', 'id'], LIVING),
    ('ix_opportunity_ahead', 'opportunity', ['closes_on', 'amount', 'rate'], LIVING + " AND closed_on IS NULL"),
    ('ix_opportunity_cycle', 'opportunity', ['stage', 'closed_on', 'created_at', 'owner_id', 'customer_id'], LIVING),
    ('ix_payment_plan_open_of', 'payment_plan', ['customer_id', 'due_on', 'amount', 'received', 'contract_id', 'owner_id'], LIVING + " AND received < amount"),
    ('ix_contract_not_in_force', 'contract', ['id'], "state = 'void' OR approval NOT IN ('none', 'approved') OR deleted_at IS NOT NULL"),
    ('ix_contract_standing', 'contract', ['state', 'approval', 'amount', 'received'], LIVING),
]


def _open(name, *columns):
    op.drop_index(name, table_name='payment_plan')
    where = sa.text(LIVING + " AND received < amount")
    op.create_index(name, 'payment_plan', list(columns), sqlite_where=where, postgresql_where=where)


def upgrade():
    for name, table, columns, where in NEW:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    _open('ix_payment_plan_open_all', 'due_on', 'amount', 'received', 'contract_id', 'customer_id', 'owner_id')
    _open('ix_payment_plan_open_own', 'owner_id', 'due_on', 'amount', 'received', 'contract_id', 'customer_id')


def downgrade():
    _open('ix_payment_plan_open_own', 'owner_id', 'due_on')
    _open('ix_payment_plan_open_all', 'due_on')
    for name, table, _columns, _where in NEW:
        op.drop_index(name, table_name=table)
