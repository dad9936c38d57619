"""A user's open orders are found without going through all the orders that ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OPEN = "status IN ('OPEN', 'PARTIALLY_FILLED')"


def upgrade() -> None:
    """Add an index of each user's open orders."""
    op.create_index(
        "ix_orders_open_user_id",
        "orders",
        ["user_id", "id"],
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
