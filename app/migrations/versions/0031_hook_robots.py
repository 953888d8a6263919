"""hooks tell the robots of groups

Revision ID: 0031
Revises: 0030
"""
import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None

NEW = {'format': sa.String(length=40), 'robot_key': sa.String(length=100)}


def upgrade():
    for name, type_ in NEW.items():
        op.add_column('hook', sa.Column(name, type_, nullable=True))
    op.execute("UPDATE hook SET format = 'json'")


def downgrade():
    for name in NEW:
        op.drop_column('hook', name)  # in place: deliveries lean on the table
