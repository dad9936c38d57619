"""What happened: order events, trades, fills of order groups, quotes, ledger and transfers;
append-only, but for quotes.

Only the core's transaction adds to them. Their constraints are as in trading.py.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from predmarket.server.storage.tables.base import BigInt, metadata, reference

order_events = Table(
    "order_events",
    metadata,
    Column("order_id", BigInt, reference("orders.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("n", BigInt, nullable=False),
    Column("seq", BigInt, nullable=False),
    Column("trade_id", BigInt),
    Column("detail", Text),
    PrimaryKeyConstraint("order_id", "type", "n"),
    sqlite_with_rowid=False,
)
"""One row an order event, its unique key being order id, type and ``n``; ``seq`` is the command
that caused it, ``detail`` the reason or the new terms, ``trade_id`` the trade that filled it, so
that an order's trades are found without an index of theirs."""

order_group_fills = Table(
    "order_group_fills",
    metadata,
    Column("created_at", BigInt, nullable=False),
    Column("trade_id", BigInt, nullable=False),
    Column("order_group_id", BigInt, reference("order_groups.id"), nullable=False),
    Column("qty", BigInt, nullable=False),
    PrimaryKeyConstraint("created_at", "trade_id", "order_group_id"),
    sqlite_with_rowid=False,
)
"""One row a fill that counted for an order group, found by its time: the last ones still count
(engine/group_registry.py)."""

trades = Table(
    "trades",
    metadata,
    Column("id", BigInt, nullable=False),
    Column("market_id", BigInt, reference("markets.id"), nullable=False),
    Column("buy_order_id", BigInt, reference("orders.id"), nullable=False),
    Column("sell_order_id", BigInt, reference("orders.id"), nullable=False),
    Column("buy_user_id", BigInt, nullable=False),
    Column("sell_user_id", BigInt, nullable=False),
    Column("price", BigInt, nullable=False),
    Column("qty", BigInt, nullable=False),
    Column("taker_side", Text, nullable=False),
    Column("buy_fee", BigInt, nullable=False),
    Column("sell_fee", BigInt, nullable=False),
    Column("created_at", BigInt, nullable=False),
    CheckConstraint("qty > 0 AND price > 0", name="positive"),
    CheckConstraint("buy_user_id <> sell_user_id", name="two_users"),
    PrimaryKeyConstraint("market_id", "id"),
    Index("ix_trades_buy_user_id", "buy_user_id", "id"),
    Index("ix_trades_sell_user_id", "sell_user_id", "id"),
    sqlite_with_rowid=False,
)
"""One row a trade, numbered across all markets and read by the market: so that is its key."""

ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInt, nullable=False),
    Column("seq", BigInt, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", BigInt, reference("accounts.user_id"), nullable=False),
    Column("market_id", BigInt),
    Column("counterpart", Text, nullable=False),
    Column("amount", BigInt, nullable=False),
    Column("ref_id", BigInt),
    Column("created_at", BigInt, nullable=False),
    Column("event_id", BigInt),
    Column("balance", BigInt, nullable=False, server_default=text("0")),
    CheckConstraint("amount <> 0", name="amount"),
    PrimaryKeyConstraint("user_id", "id"),
    sqlite_with_rowid=False,
)
"""Double entry, one row for each entry, numbered across all users. ``amount`` moves from
``counterpart`` (OUTSIDE, FEES, COLLATERAL of the market or of its event) to the user's cash, or
back if negative. Payouts of a whole event have an ``event_id`` and no market. ``seq`` is the
command that caused the entry, ``ref_id`` the trade or the transfer. Cash is available + locked;
``orders.locked`` has the locks of the orders."""

quotes = Table(
    "quotes",
    metadata,
    Column("market_id", BigInt, reference("markets.id"), nullable=False),
    Column("width", BigInt, nullable=False),
    Column("start", BigInt, nullable=False),
    Column("bid_high", BigInt, nullable=False),
    Column("bid_low", BigInt, nullable=False),
    Column("bid", BigInt, nullable=False),
    Column("ask_high", BigInt, nullable=False),
    Column("ask_low", BigInt, nullable=False),
    Column("ask", BigInt, nullable=False),
    Column("open_interest", BigInt, nullable=False),
    Column("last_price", BigInt),
    Column("volume", BigInt, nullable=False),
    PrimaryKeyConstraint("market_id", "width", "start"),
    sqlite_with_rowid=False,
)
"""A market's best prices in a span, ``width`` microseconds from ``start`` on, and its totals at the
end of it (read_model/quotes.py). The quotes of the last batches are not there yet, but in the
outbox (core/quote_rows.py); a span's row grows until it is over."""

transfers = Table(
    "transfers",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("user_id", BigInt, ForeignKey("accounts.user_id"), nullable=False),
    Column("amount", BigInt, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor_id", BigInt, nullable=False),
    Column("key", Text),
    Column("available", BigInt, nullable=False),
    Column("locked", BigInt, nullable=False),
    Column("created_at", BigInt, nullable=False),
    Index(
        "uq_transfers_key",
        "actor_id",
        "key",
        unique=True,
        sqlite_where=text("key IS NOT NULL"),
        postgresql_where=text("key IS NOT NULL"),
    ),
)
"""Deposits and withdrawals; ``available`` and ``locked`` are the balance right after each."""
