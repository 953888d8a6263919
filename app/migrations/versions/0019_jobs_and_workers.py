"""jobs know their worker

Revision ID: 0019
Revises: 0018
"""
import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('job', sa.Column('worker', sa.String(length=80), nullable=True))
    op.add_column('job', sa.Column('beat_at', sa.DateTime(), nullable=True))


def downgrade():
    with op.batch_alter_table('job') as batch_op:
        batch_op.drop_column('beat_at')
        batch_op.drop_column('worker')
