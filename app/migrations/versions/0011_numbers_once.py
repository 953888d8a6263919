"""numbers are found by an index, and are there only once

Revision ID: 0011
Revises: 0010
"""
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

ONCE = {'claim': True, 'contract': True, 'customer': False, 'expense': True, 'opportunity': True, 'payment': True, 'quote': True}


def upgrade():
    for table, once in ONCE.items():
        op.create_index(f'ix_{table}_number', table, ['number'], unique=once)


def downgrade():
    for table in ONCE:
        op.drop_index(f'ix_{table}_number', table)
