"""by which ways a notice has gone out already

Revision ID: 0029
Revises: 0028
"""
import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('notice') as table:
        table.add_column(sa.Column('told', sa.String(20), server_default='', nullable=False))


def downgrade():
    with op.batch_alter_table('notice') as table:
        table.drop_column('told')
