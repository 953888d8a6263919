"""PostgreSQL counts by the index of idle customers alone

Revision ID: 0023
Revises: 0022
"""
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

IDLE = "coalesce(last_follow_at, created_at)"


def _renew(include: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, columns in (("ix_customer_own_idle", f"owner_id, {IDLE}, id"), ("ix_customer_all_idle", f"{IDLE}, id")):
            op.execute(f"DROP INDEX {name}")
            op.execute(f"CREATE INDEX {name} ON customer ({columns}) {include} WHERE deleted_at IS NULL")


def upgrade():
    _renew("INCLUDE (last_follow_at, created_at)")


def downgrade():
    _renew("")
