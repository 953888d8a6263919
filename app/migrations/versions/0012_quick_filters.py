"""quick filters are rows: the panel of each list, made by the administrator and by everybody for himself

Revision ID: 0012
Revises: 0011
"""
import datetime as dt
import json
from urllib.parse import parse_qsl

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

TEXTS, AMOUNTS = ('region', 'number', 'name'), ('amount', 'price', 'received', 'outstanding')


def _condition(name, value):
    """A condition of the addresses that people had saved before."""
    if name in ('q', 'quick'):
        return {'field': '@' + name, 'op': 'contains' if name == 'q' else 'is', 'value': [value], 'label': value}
    if value == '=':
        how, values = 'empty', []
    elif name.endswith(('_at', '_on')):
        how, values = 'within', [value]
    elif name in AMOUNTS:
        how, values = 'between', (value.split('~') + [''])[:2]
    elif name in TEXTS:
        how, values = ('is', [value[1:]]) if value.startswith('=') else ('contains', [value])
    else:
        how, values = ('is' if name.startswith('is_') else 'in'), [value]
    return {'field': name, 'op': how, 'value': values, 'label': name}


def upgrade():
    table = op.create_table('panel_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('rule', sa.JSON(), nullable=False),
    sa.Column('audience', sa.JSON(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=True),
    sa.Column('look', sa.String(length=40), nullable=True),
    sa.Column('sort', sa.String(length=80), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('is_on', sa.Boolean(), nullable=True),
    sa.Column('is_default', sa.Boolean(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('changed_at', sa.DateTime(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('panel_item', schema=None) as batch_op:
        batch_op.create_index('ix_panel_item_list', ['entity', 'kind'], unique=False)
        batch_op.create_index(batch_op.f('ix_panel_item_person_id'), ['person_id'], unique=False)
    _carry(table)


def _carry(table):
    """Filters that people had saved before become items of their own."""
    line, now = op.get_bind(), dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0)
    kept = line.execute(sa.text("SELECT employee_id, key, value FROM preference WHERE key LIKE 'list.%'")).all()
    for person, key, value in kept:
        saved = (value if isinstance(value, dict) else json.loads(value)).get('saved', ())
        for place, one in enumerate(saved):
            when = [_condition(n, v) for n, v in parse_qsl(one['query']) if v and not n.startswith(('_', 'psize'))]
            line.execute(sa.insert(table).values(
                entity=key[5:], kind='filter', key='', name=one['name'][:40], rule={'match': 'all', 'when': when}, look='auto', sort='',
                audience={}, person_id=person, position=10 * place, is_on=True, is_default=False, version=1, created_at=now, changed_at=now,
                created_by_id=person, changed_by_id=person))


def downgrade():
    with op.batch_alter_table('panel_item', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_panel_item_person_id'))
        batch_op.drop_index('ix_panel_item_list')

    op.drop_table('panel_item')
