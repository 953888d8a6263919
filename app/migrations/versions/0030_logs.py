"""logs: the trash is found by an index, operations by their time; what an export took

Revision ID: 0030
Revises: 0029
"""
import sqlalchemy as sa
from alembic import op

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None

WHAT = {'subject': sa.String(length=40), 'rows': sa.Integer(), 'kind': sa.String(length=100)}


def upgrade():
    deleted = sa.text("verb = 'delete'")
    op.create_index('ix_change_deleted', 'change', ['id'], sqlite_where=deleted, postgresql_where=deleted)
    op.create_index('ix_batch_at', 'batch', ['at', 'id'])
    for name, type_ in WHAT.items():
        op.add_column('security_event', sa.Column(name, type_, nullable=True))


def downgrade():
    for name in WHAT:
        op.drop_column('security_event', name)
    op.drop_index('ix_batch_at', 'batch')
    op.drop_index('ix_change_deleted', 'change')
