"""indexes of sorted lists hold the id, which breaks ties, and only living rows

Revision ID: 0003
Revises: 0002
"""
import importlib

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

SORTED = importlib.import_module('app.migrations.versions.0002_sorted_lists').SORTED


def _again(own, everybody, **where):
    living = sa.text('deleted_at IS NULL')
    for table, columns in SORTED.items():
        for name, what in columns.items():
            op.drop_index(f'ix_{table}_own_{name}', table)
            op.drop_index(f'ix_{table}_all_{name}', table)
            op.create_index(f'ix_{table}_own_{name}', table, own(what), **{key: living for key in where})
            op.create_index(f'ix_{table}_all_{name}', table, everybody(what), sqlite_where=living, postgresql_where=living)


def upgrade():
    _again(lambda what: ['owner_id', sa.text(what), 'id'], lambda what: [sa.text(what), 'id'], sqlite_where=1, postgresql_where=1)


def downgrade():
    _again(lambda what: ['owner_id', 'deleted_at', sa.text(what)], lambda what: [sa.text(what)])
