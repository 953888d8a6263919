"""twins are found by keys; pairs, requests to work along; on PostgreSQL the names' index serves beginnings

Revision ID: 0024
Revises: 0023
"""
import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('customer_key',
    sa.Column('key', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('key', 'customer_id'),
    sqlite_with_rowid=False
    )
    op.create_index('ix_customer_key_customer_id', 'customer_key', ['customer_id'])
    op.create_table('duplicate_pair',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('one_id', sa.Integer(), nullable=False),
    sa.Column('other_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=10), nullable=False),
    sa.Column('is_dismissed', sa.Boolean(), nullable=False),
    sa.Column('found_at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['one_id'], ['customer.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['other_id'], ['customer.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_duplicate_pair_both', 'duplicate_pair', ['one_id', 'other_id'], unique=True)
    op.create_index('ix_duplicate_pair_other_id', 'duplicate_pair', ['other_id'])
    op.create_table('share_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('asker_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=200), nullable=True),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('decided_at', sa.DateTime(), nullable=True),
    sa.Column('owner_id', sa.Integer(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('changed_at', sa.DateTime(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    *(sa.ForeignKeyConstraint([name], ['ab_user.id']) for name in ('asker_id', 'owner_id', 'created_by_id', 'changed_by_id')),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    for name in ('asker_id', 'customer_id', 'owner_id'):
        op.create_index(f'ix_share_request_{name}', 'share_request', [name])
    line = op.get_bind()
    if line.dialect.name == 'postgresql':
        op.drop_index('ix_customer_name_key', 'customer')
        op.create_index('ix_customer_name_key', 'customer', ['name_key'], postgresql_ops={'name_key': 'text_pattern_ops'})
    if line.execute(sa.text('SELECT id FROM customer LIMIT 1')).first():  # the worker makes the keys of those that are there
        job = sa.table('job', *(sa.column(n) for n in ('kind', 'label', 'state', 'done', 'total', 'message', 'cancel')),
                       sa.column('params', sa.JSON), sa.column('created_at', sa.DateTime))
        line.execute(sa.insert(job).values(kind='keys', label='查重', state='queued', done=0, total=0, message='', cancel=False, params={},
                                           created_at=dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0)))


def downgrade():
    for table in ('share_request', 'duplicate_pair', 'customer_key'):
        op.drop_table(table)
    if op.get_bind().dialect.name == 'postgresql':
        op.drop_index('ix_customer_name_key', 'customer')
        op.create_index('ix_customer_name_key', 'customer', ['name_key'])
