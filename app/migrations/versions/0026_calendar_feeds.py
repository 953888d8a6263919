"""secret links of calendars

Revision ID: 0026
Revises: 0025
"""
import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('calendar_feed',
    sa.Column('employee_id', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('made_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['employee_id'], ['ab_user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('employee_id'),
    sa.UniqueConstraint('digest')
    )


def downgrade():
    op.drop_table('calendar_feed')
