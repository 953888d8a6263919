"""own fields of the main entities: their descriptions, and one JSON column for their values

Revision ID: 0018
Revises: 0017
"""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

TABLES = ('contact', 'contract', 'customer', 'expense', 'followup', 'opportunity', 'payment', 'product', 'quote', 'task')


def upgrade():
    op.create_table('custom_field',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('entity', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('name_en', sa.String(length=60), nullable=True),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('required', sa.Boolean(), nullable=True),
    sa.Column('first', sa.String(length=200), nullable=True),
    sa.Column('section', sa.String(length=60), nullable=True),
    sa.Column('position', sa.Integer(), nullable=True),
    sa.Column('help', sa.String(length=120), nullable=True),
    sa.Column('in_list', sa.Boolean(), nullable=True),
    sa.Column('is_sorted', sa.Boolean(), nullable=True),
    sa.Column('is_searched', sa.Boolean(), nullable=True),
    sa.Column('is_ready', sa.Boolean(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('changed_at', sa.DateTime(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('changed_by_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['changed_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_custom_field_entity', 'custom_field', ['entity'])
    for table in TABLES:
        kept = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')
        op.add_column(table, sa.Column('more', kept, nullable=True))


def downgrade():
    line = op.get_bind()
    names = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%json_extract(more%'" if line.dialect.name == 'sqlite' else \
        "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexdef LIKE '%more ->>%'"
    for name in line.execute(sa.text(names)).scalars().all():
        op.execute(f'DROP INDEX {name}')
    for table in TABLES:
        op.drop_column(table, 'more')
    op.drop_index('ix_custom_field_entity', 'custom_field')
    op.drop_table('custom_field')
