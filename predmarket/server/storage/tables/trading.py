"""The core's tables. Only the core's transaction changes them.

The constraints are the last line of defence: the engine never breaks them, and a defect that did
would fail its batch. In PostgreSQL the references of rows that every order writes are unchecked
(``reference``); there the audit checks them.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from predmarket.server.storage.tables.base import BigInt, metadata, reference


def _counter(name: str) -> Column[int]:
    """Return the column of a topic's counter, which counts its changes
    (read_model/changes.py)."""
    return Column(name, BigInt, nullable=False, server_default=text("0"))


core_state = Table(
    "core_state",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("epoch", BigInt, nullable=False),
    Column("last_batch", BigInt, nullable=False),
    Column("last_seq", BigInt, nullable=False),
    Column("last_time", BigInt, nullable=False),
    Column("last_hash", LargeBinary, nullable=False),
    Column("last_order_id", BigInt, nullable=False),
    Column("last_trade_id", BigInt, nullable=False),
    Column("last_market_id", BigInt, nullable=False),
    Column("last_transfer_id", BigInt, nullable=False),
    Column("last_rank", BigInt, nullable=False),
    Column("last_ledger_id", BigInt, nullable=False, server_default=text("0")),
    Column("fees", BigInt, nullable=False),
    Column("net_deposits", BigInt, nullable=False),
    _counter("markets_seq"),
    Column("stream_epoch", BigInt, nullable=False, server_default=text("0")),
    Column("stream_place", Text, nullable=False, server_default=text("'0-0/0'")),
    Column("unfinished", Text, nullable=False, server_default=text("'[]'")),
    Column("logged_from", BigInt, nullable=False, server_default=text("0")),
    Column("origin", Text, nullable=False, server_default=text("''")),
    CheckConstraint("id = 1", name="single"),
    CheckConstraint("fees >= 0", name="fees"),
)
"""One row: the leader's epoch, which fences every commit, the counters and totals, and how far
the command stream is dealt with (core/stream_position.py). The admin log begins after command
number ``logged_from``. ``unfinished`` are the steps that commands have left (engine/steps.py).
``origin`` names the exchange and the command that this one was forked from; it is empty if it was
not."""

lease = Table(
    "lease",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInt, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
"""The leader of a shared database and the end of its lease, by the database's clock. It is not in
``core_state``, since a renewal must not collide with a running commit."""

journal = Table(
    "journal",
    metadata,
    Column("batch", BigInt, primary_key=True, autoincrement=False),
    Column("epoch", BigInt, nullable=False),
    Column("first_seq", BigInt, nullable=False),
    Column("last_seq", BigInt, nullable=False),
    Column("rules", Text, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Each batch's commands with number, time and id; ``hash`` chains it to the batch before."""

outbox = Table(
    "outbox",
    metadata,
    Column("batch", BigInt, primary_key=True, autoincrement=False),
    Column("changes", LargeBinary, nullable=False),
)
"""The changes of the last batches (read_model/changes.py), for gateways and subscribers."""

accounts = Table(
    "accounts",
    metadata,
    Column("user_id", BigInt, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("available", BigInt, nullable=False),
    Column("locked", BigInt, nullable=False),
    Column("deadman_at", BigInt),
    Column("version", BigInt, nullable=False),
    _counter("order_seq"),
    _counter("fill_seq"),
    _counter("balance_seq"),
    _counter("position_seq"),
    _counter("holding_seq"),
    _counter("order_group_seq"),
    CheckConstraint("locked >= 0", name="locked"),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("exhaustive", Boolean, nullable=False),
    Column("tick", BigInt, nullable=False),
    Column("maker_rate", BigInt, nullable=False),
    Column("taker_rate", BigInt, nullable=False),
    Column("closes_at", BigInt),
    Column("created_at", BigInt, nullable=False),
    Column("creator_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("outcome", Text),
    Column("ending", Text),
    Column("outcomes", BigInt, nullable=False),
    Column("open_interest", BigInt, nullable=False),
    Column("collateral", BigInt, nullable=False),
    Column("fees", BigInt, nullable=False),
    Column("paid_accounts", BigInt, nullable=False),
    Column("paid_total", BigInt, nullable=False),
    Column("ticker_seq", BigInt, nullable=False),
    Column("version", BigInt, nullable=False),
    CheckConstraint("open_interest >= 0 AND fees >= 0 AND outcomes >= 2", name="totals"),
)
"""Questions with several markets, which leave collateral and fees to them. ``outcomes`` counts
those that are not struck, NONE among them."""

markets = Table(
    "markets",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("slug", Text, nullable=False, unique=True),
    Column("question", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("outcome", Text),
    Column("settlement_price", BigInt),
    Column("tick", BigInt, nullable=False),
    Column("maker_rate", BigInt, nullable=False),
    Column("taker_rate", BigInt, nullable=False),
    Column("closes_at", BigInt),
    Column("created_at", BigInt, nullable=False),
    Column("creator_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("last_price", BigInt),
    Column("volume", BigInt, nullable=False),
    Column("open_interest", BigInt, nullable=False),
    Column("collateral", BigInt, nullable=False),
    Column("fees", BigInt, nullable=False),
    Column("book_seq", BigInt, nullable=False),
    Column("ending", Text),
    Column("paid_accounts", BigInt, nullable=False),
    Column("paid_total", BigInt, nullable=False),
    Column("version", BigInt, nullable=False),
    _counter("trade_seq"),
    _counter("ticker_seq"),
    Column("event_id", BigInt, ForeignKey("events.id")),
    Column("label", Text),
    CheckConstraint("open_interest >= 0 AND volume >= 0 AND fees >= 0", name="totals"),
)

order_groups = Table(
    "order_groups",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("user_id", BigInt, ForeignKey("accounts.user_id"), nullable=False),
    Column("limit_qty", BigInt, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("updated_at", BigInt, nullable=False),
    Column("counts_after", BigInt, nullable=False),
    Column("version", BigInt, nullable=False),
    CheckConstraint("limit_qty > 0", name="limit_qty"),
    Index(
        "ix_order_groups_user_id",
        "user_id",
        "id",
        sqlite_where=text("status <> 'DELETED'"),
        postgresql_where=text("status <> 'DELETED'"),
    ),
)
"""Groups of orders with a limit on what they fill in a short time; trades up to ``counts_after``
do not count. Deleted ones stay, since orders name them."""

orders = Table(
    "orders",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("user_id", BigInt, reference("accounts.user_id"), nullable=False),
    Column("market_id", BigInt, reference("markets.id")),
    Column("side", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("price", BigInt),
    Column("qty", BigInt, nullable=False),
    Column("filled", BigInt, nullable=False),
    Column("notional", BigInt, nullable=False),
    Column("fee_exact", BigInt, nullable=False),
    Column("fees_paid", BigInt, nullable=False),
    Column("close_qty", BigInt, nullable=False),
    Column("locked", BigInt, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("tif", Text, nullable=False),
    Column("stp", Text, nullable=False),
    Column("post_only", Boolean, nullable=False),
    Column("reduce_only", Boolean, nullable=False),
    Column("expires_at", BigInt),
    Column("client_order_id", Text),
    Column("request", Text),
    Column("rank", BigInt, nullable=False),
    Column("events", BigInt, nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("updated_at", BigInt, nullable=False),
    Column("version", BigInt, nullable=False),
    Column("connection", Text),
    _counter("topic_seq"),
    Column("order_group_id", BigInt, reference("order_groups.id")),
    CheckConstraint("filled BETWEEN 0 AND qty AND qty > 0", name="qty"),
    CheckConstraint("locked >= 0 AND close_qty >= 0 AND fees_paid >= 0", name="holds"),
    Index(
        "uq_orders_client_order_id",
        "user_id",
        "client_order_id",
        unique=True,
        sqlite_where=text("client_order_id IS NOT NULL"),
        postgresql_where=text("client_order_id IS NOT NULL"),
    ),
    Index("ix_orders_user_id", "user_id", "id"),
    Index("uq_orders_topic_seq", "user_id", "topic_seq", unique=True),
    # Serves the list of a group's orders; an order without a group costs it nothing.
    Index(
        "ix_orders_order_group_id",
        "order_group_id",
        "id",
        sqlite_where=text("order_group_id IS NOT NULL"),
        postgresql_where=text("order_group_id IS NOT NULL"),
    ),
    # Serves the core's start, previews and the queue ahead of an order. It holds only open orders,
    # with one entry for each, so it costs as much to write as an index on the id.
    Index(
        "ix_orders_open",
        "market_id",
        "side",
        "price",
        "rank",
        sqlite_where=text("status IN ('OPEN', 'PARTIALLY_FILLED')"),
        postgresql_where=text("status IN ('OPEN', 'PARTIALLY_FILLED')"),
    ),
    # Serves a user's list of open orders. By the user's index alone, a page of the few open ones
    # would scan the whole history.
    Index(
        "ix_orders_open_user_id",
        "user_id",
        "id",
        sqlite_where=text("status IN ('OPEN', 'PARTIALLY_FILLED')"),
        postgresql_where=text("status IN ('OPEN', 'PARTIALLY_FILLED')"),
    ),
)
"""Each order as it stands. ``market_id`` is null for an order refused because it named none that
exists; ``price`` is null for MARKET. ``topic_seq`` is the number of its last change among those of
all its user's orders; ``connection`` the one whose end cancels it."""

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

positions = Table(
    "positions",
    metadata,
    Column("user_id", BigInt, ForeignKey("accounts.user_id"), nullable=False),
    Column("market_id", BigInt, ForeignKey("markets.id"), nullable=False),
    Column("yes", BigInt, nullable=False),
    Column("no", BigInt, nullable=False),
    Column("reserved_yes", BigInt, nullable=False),
    Column("reserved_no", BigInt, nullable=False),
    Column("cost_yes", BigInt, nullable=False),
    Column("cost_no", BigInt, nullable=False),
    Column("realized", BigInt, nullable=False),
    Column("net_paid", BigInt, nullable=False),
    Column("version", BigInt, nullable=False),
    PrimaryKeyConstraint("user_id", "market_id"),
    Column("event_id", BigInt),
    CheckConstraint(
        "reserved_yes >= 0 AND yes >= 0 AND (event_id IS NOT NULL OR reserved_yes <= yes)",
        name="yes",
    ),
    CheckConstraint(
        "reserved_no >= 0 AND no >= 0 AND (event_id IS NOT NULL OR reserved_no <= no)", name="no"
    ),
    CheckConstraint("event_id IS NULL OR yes = 0 OR no = 0", name="net"),
    Index("ix_positions_market_id", "market_id", "user_id"),
)
"""A user's shares of a market. In an event, which is named here too, one of ``yes`` and ``no`` is
0, and what orders reserve may be held in its other markets (engine/position.py)."""

holdings = Table(
    "holdings",
    metadata,
    Column("user_id", BigInt, ForeignKey("accounts.user_id"), nullable=False),
    Column("event_id", BigInt, ForeignKey("events.id"), nullable=False),
    Column("base", BigInt, nullable=False),
    Column("net_paid", BigInt, nullable=False),
    Column("version", BigInt, nullable=False),
    PrimaryKeyConstraint("user_id", "event_id"),
    Index("ix_holdings_event_id", "event_id", "user_id"),
)
"""A user's part of an event beside the positions: ``base`` counts shares of NONE, and may be below
0 where NONE cannot happen."""

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
    CheckConstraint("amount <> 0", name="amount"),
    PrimaryKeyConstraint("user_id", "id"),
    sqlite_with_rowid=False,
)
"""Double entry, one row for each entry, numbered across all users. ``amount`` moves from
``counterpart`` (OUTSIDE, FEES, COLLATERAL of the market or of its event) to the user's cash, or
back if negative. Payouts of a whole event have an ``event_id`` and no market. ``seq`` is the
command that caused the entry, ``ref_id`` the trade or the transfer. Cash is available + locked;
``orders.locked`` has the locks of the orders."""

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
