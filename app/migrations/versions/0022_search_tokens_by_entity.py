"""search tokens carry their entity's number on PostgreSQL, and its planner knows more of them

Revision ID: 0022
Revises: 0021
"""
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

INDEX = "ix_search_entry_tokens"


def _renew(token: str, statistics: int) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP INDEX IF EXISTS {INDEX}")
        op.execute(f"UPDATE search_entry SET tokens = (SELECT array_agg({token}) FROM unnest(tokens) AS t)")
        op.execute(f"CREATE INDEX {INDEX} ON search_entry USING gin (tokens)")
        op.execute(f"ALTER TABLE search_entry ALTER COLUMN tokens SET STATISTICS {statistics}")
        op.execute("ANALYZE search_entry")


def upgrade():
    _renew("to_hex(id >> 40) || t", 3000)


def downgrade():
    _renew("substr(t, length(to_hex(id >> 40)) + 1)", -1)
