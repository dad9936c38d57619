"""Topics are numbered, and the outbox holds what the last batches changed.

An exchange that has traded before goes on from numbers that fit its rows: trades and executions
are counted, a user's orders are numbered by their ids; what leaves no rows begins at 0.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_COUNTERS = {
    "core_state": ("markets_seq",),
    "accounts": ("order_seq", "fill_seq", "balance_seq", "position_seq"),
    "markets": ("trade_seq", "ticker_seq"),
    "orders": ("topic_seq",),
}


def upgrade() -> None:
    """Add the counters, count what is there, and create the outbox."""
    for table, names in _COUNTERS.items():
        for name in names:
            counter = sa.Column(name, BIG, nullable=False, server_default=sa.text("0"))
            op.add_column(table, counter)
    op.add_column("orders", sa.Column("connection", sa.Text()))
    _count()
    op.create_index("uq_orders_topic_seq", "orders", ["user_id", "topic_seq"], unique=True)
    op.create_table(
        "outbox",
        sa.Column("batch", BIG, nullable=False, autoincrement=False),
        sa.Column("changes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", name="pk_outbox"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # It is written once and seldom read: compressing it would cost more than it saves.
        op.execute("ALTER TABLE outbox ALTER COLUMN changes SET STORAGE EXTERNAL")


def _count() -> None:
    op.execute(
        "UPDATE orders SET topic_seq = numbered.n FROM "
        "(SELECT id, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY id) AS n FROM orders) "
        "AS numbered WHERE numbered.id = orders.id"
    )
    op.execute(
        "UPDATE accounts SET "
        "order_seq = (SELECT COUNT(*) FROM orders WHERE orders.user_id = accounts.user_id), "
        "fill_seq = (SELECT COUNT(*) FROM trades WHERE buy_user_id = accounts.user_id) "
        "+ (SELECT COUNT(*) FROM trades WHERE sell_user_id = accounts.user_id)"
    )
    op.execute(
        "UPDATE markets SET trade_seq = "
        "(SELECT COUNT(*) FROM trades WHERE trades.market_id = markets.id)"
    )
