"""indexes of what is still open: plans, opportunities; birthdays

Revision ID: 0016
Revises: 0015
"""
import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None
OPEN = [("payment_plan", "ix_payment_plan_open_own", ["owner_id", "due_on"], "deleted_at IS NULL AND received < amount"),
        ("payment_plan", "ix_payment_plan_open_all", ["due_on"], "deleted_at IS NULL AND received < amount"),
        ("opportunity", "ix_opportunity_open_own", ["owner_id", "staged_at"], "deleted_at IS NULL AND closed_on IS NULL"),
        ("opportunity", "ix_opportunity_open_all", ["staged_at"], "deleted_at IS NULL AND closed_on IS NULL"),
        ("contact", "ix_contact_birthday", ["owner_id", "birthday"], "deleted_at IS NULL AND birthday IS NOT NULL")]


def upgrade():
    op.drop_index('ix_credit_kind_owner_day', 'credit')
    op.create_index('ix_credit_kind_owner_day', 'credit', ['kind', 'owner_id', 'day', 'id'])
    op.create_index('ix_credit_kind_day', 'credit', ['kind', 'day', 'id'])
    for table, name, columns, where in OPEN:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade():
    op.drop_index('ix_credit_kind_day', 'credit')
    op.drop_index('ix_credit_kind_owner_day', 'credit')
    op.create_index('ix_credit_kind_owner_day', 'credit', ['kind', 'owner_id', 'day'])
    for table, name, _columns, _where in OPEN:
        op.drop_index(name, table)
