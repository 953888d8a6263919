"""pools of customers, their rules, and who had a customer when

Revision ID: 0021
Revises: 0020
"""
import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('pool',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('department_id', sa.Integer(), nullable=True),
    sa.Column('daily_limit', sa.Integer(), nullable=True),
    sa.Column('wait_days', sa.Integer(), nullable=True),
    sa.Column('is_stopped', sa.Boolean(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('changed_at', sa.DateTime(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['department_id'], ['department.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('pool', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pool_department_id'), ['department_id'], unique=False)

    op.create_table('pool_rule',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('pool_id', sa.Integer(), nullable=False),
    sa.Column('cause', sa.String(length=40), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('levels', sa.String(length=200), nullable=True),
    sa.Column('spares_won', sa.Boolean(), nullable=True),
    sa.Column('spares_open', sa.Boolean(), nullable=True),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('changed_at', sa.DateTime(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['pool_id'], ['pool.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('pool_rule', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pool_rule_pool_id'), ['pool_id'], unique=False)

    op.create_table('owner_move',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('customer_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('from_id', sa.Integer(), nullable=True),
    sa.Column('to_id', sa.Integer(), nullable=True),
    sa.Column('pool_id', sa.Integer(), nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['from_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['to_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('owner_move', schema=None) as batch_op:
        batch_op.create_index('ix_owner_move_customer', ['customer_id', 'at'], unique=False)
        batch_op.create_index('ix_owner_move_to', ['to_id', 'at'], unique=False)

    for name in ('pool_at', 'pooled_at'):
        op.add_column('customer', sa.Column(name, sa.DateTime(), nullable=True))
    for name, table in (('pool_id', 'pool'), ('former_owner_id', 'ab_user')):  # a batch would make the table anew, without all its indexes
        op.execute(f"ALTER TABLE customer ADD COLUMN {name} INTEGER REFERENCES {table} (id)")
    living = {f'{name}_where': sa.text('deleted_at IS NULL') for name in ('sqlite', 'postgresql')}
    op.create_index('ix_customer_all_pool_at', 'customer', ['pool_at', 'id'], **living)
    op.create_index('ix_customer_own_pool_at', 'customer', ['owner_id', 'pool_at', 'id'], **living)
    op.create_index('ix_customer_former_owner_id', 'customer', ['former_owner_id'])
    op.create_index('ix_customer_pool_id', 'customer', ['pool_id'])


def downgrade():
    for name in ('own_pool_at', 'all_pool_at', 'former_owner_id', 'pool_id'):
        op.drop_index(f'ix_customer_{name}', 'customer')
    for column in ('former_owner_id', 'pooled_at', 'pool_id', 'pool_at'):
        op.execute(f"ALTER TABLE customer DROP COLUMN {column}")
    for table in ('owner_move', 'pool_rule', 'pool'):
        op.drop_table(table)
