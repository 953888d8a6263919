"""indexes in which scope and sort sit together

Revision ID: 0002
Revises: 0001
"""
import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

IDLE = {'idle': 'coalesce(last_follow_at, created_at)'}
SORTED = {
    'customer': {**{n: n for n in 'created_at name next_follow_at last_follow_at level status industry source is_won'.split()}, **IDLE},
    'contact': {n: n for n in 'created_at name next_follow_at'.split()},
    'followup': {n: n for n in 'happened_at next_follow_at'.split()}}
PLAIN = [('customer', 'mobile'), ('customer', 'phone'), ('contact', 'mobile')]
FORMER = {'ix_customer_created': ['created_at'], 'ix_customer_name': ['name'], 'ix_customer_next': ['owner_id', 'next_follow_at'],
          'ix_customer_owner_changed': ['owner_id', 'id']}


def upgrade():
    for name in FORMER:
        op.drop_index(name, 'customer')
    living = sa.text('deleted_at IS NULL')
    for table, columns in SORTED.items():
        for name, what in columns.items():
            op.create_index(f'ix_{table}_own_{name}', table, ['owner_id', 'deleted_at', sa.text(what)])
            op.create_index(f'ix_{table}_all_{name}', table, [sa.text(what)], sqlite_where=living, postgresql_where=living)
    for table, column in PLAIN:
        op.create_index(f'ix_{table}_{column}', table, [column])


def downgrade():
    for table, column in PLAIN:
        op.drop_index(f'ix_{table}_{column}', table)
    for table, columns in SORTED.items():
        for name in columns:
            op.drop_index(f'ix_{table}_own_{name}', table)
            op.drop_index(f'ix_{table}_all_{name}', table)
    for name, columns in FORMER.items():
        op.create_index(name, 'customer', columns)
