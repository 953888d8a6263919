"""sessions that were logged out

Revision ID: 0014
Revises: 0013
"""
import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('ended_session', sa.Column('mark', sa.String(64), primary_key=True), sa.Column('until', sa.DateTime(), nullable=False))


def downgrade():
    op.drop_table('ended_session')
