"""on PostgreSQL fewer new words wait before they are put into the search index: every search reads through those that wait

Revision ID: 0033
Revises: 0032
"""
from alembic import op

revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None


def _say(what):
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX ix_search_entry_tokens {what}")


def upgrade():
    _say("SET (gin_pending_list_limit = 256)")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT gin_clean_pending_list('ix_search_entry_tokens')")


def downgrade():
    _say("RESET (gin_pending_list_limit)")
