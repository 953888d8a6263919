"""second factor, accounts from a directory or a provider

Revision ID: 0015
Revises: 0014
"""
import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        'recovery_code', sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('employee_id', sa.Integer(), sa.ForeignKey('ab_user.id', ondelete='CASCADE'), nullable=False),
        sa.Column('hash', sa.String(256), nullable=False))
    op.create_index('ix_recovery_code_employee_id', 'recovery_code', ['employee_id'])
    with op.batch_alter_table('ab_user') as table:
        table.add_column(sa.Column('source', sa.String(10), server_default='local', nullable=False))
        table.add_column(sa.Column('external_id', sa.String(255)))
        table.add_column(sa.Column('totp_secret', sa.String(64)))
        table.add_column(sa.Column('totp_used', sa.Integer()))
        table.create_unique_constraint('uq_ab_user_external_id', ['external_id'])
    with op.batch_alter_table('role_policy') as table:
        table.add_column(sa.Column('second_factor', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade():
    with op.batch_alter_table('role_policy') as table:
        table.drop_column('second_factor')
    with op.batch_alter_table('ab_user') as table:
        table.drop_constraint('uq_ab_user_external_id', type_='unique')
        for name in ('totp_used', 'totp_secret', 'external_id', 'source'):
            table.drop_column(name)
    op.drop_table('recovery_code')
