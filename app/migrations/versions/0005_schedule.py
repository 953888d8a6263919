"""what happens by itself

Revision ID: 0005
Revises: 0004
"""
import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'schedule', sa.Column('name', sa.String(60), primary_key=True), sa.Column('due_at', sa.DateTime(), nullable=False),
        sa.Column('taken_at', sa.DateTime()))


def downgrade():
    op.drop_table('schedule')
