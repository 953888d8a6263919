"""task repetition

Revision ID: 0009
Revises: 0008
"""
import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.add_column(sa.Column('repeat_from', sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column('skipped', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('repeat', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('repeat_every', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('repeat_on', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('repeat_until', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('series_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('occurs_on', sa.Date(), nullable=True))
        batch_op.create_index('ix_task_occurrence', ['series_id', 'occurs_on'], unique=True)
        batch_op.create_index(batch_op.f('ix_task_series_id'), ['series_id'], unique=False)
        batch_op.create_foreign_key('fk_task_series', 'task', ['series_id'], ['id'])


def downgrade():
    with op.batch_alter_table('task', schema=None) as batch_op:
        batch_op.drop_constraint('fk_task_series', type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_task_series_id'))
        batch_op.drop_index('ix_task_occurrence')
        batch_op.drop_column('occurs_on')
        batch_op.drop_column('series_id')
        batch_op.drop_column('repeat_until')
        batch_op.drop_column('repeat_on')
        batch_op.drop_column('repeat_every')
        batch_op.drop_column('repeat')
        batch_op.drop_column('skipped')
        batch_op.drop_column('repeat_from')

