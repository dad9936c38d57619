"""Open orders are indexed by their place in the queue; that serves the core's start as well."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OPEN = "status IN ('OPEN', 'PARTIALLY_FILLED')"


def upgrade() -> None:
    """Make the index of open orders anew, with other columns."""
    op.drop_index("ix_orders_open", "orders")
    op.create_index(
        "ix_orders_open",
        "orders",
        ["market_id", "side", "price", "rank"],
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
