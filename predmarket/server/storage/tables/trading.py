"""The state of the exchange: accounts, events, markets, orders and what is held.

Only the core's transaction changes these tables.

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
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from predmarket.server.storage.tables.base import BigInt, counter, metadata, reference


def _metadata() -> tuple[Column[str], ...]:
    """Return what a market or an event is sorted by; ``tags`` are a JSON array."""
    return Column("category", Text), Column("tags", Text), Column("source", Text)


accounts = Table(
    "accounts",
    metadata,
    Column("user_id", BigInt, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("available", BigInt, nullable=False),
    Column("locked", BigInt, nullable=False),
    Column("deadman_at", BigInt),
    Column("version", BigInt, nullable=False),
    counter("order_seq"),
    counter("fill_seq"),
    counter("balance_seq"),
    counter("position_seq"),
    counter("holding_seq"),
    counter("order_group_seq"),
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
    *_metadata(),
    Column("proposal", Text),
    Column("group_id", BigInt, ForeignKey("user_groups.id")),
    Column("series", Text, nullable=False),
    CheckConstraint("open_interest >= 0 AND fees >= 0 AND outcomes >= 2", name="totals"),
)
"""Questions with several markets, which leave collateral and fees to them. ``outcomes`` counts
those that are not struck, NONE among them. ``proposal`` is a proposed resolution as JSON
(engine/proposal.py), as it is in markets. An event with a ``group_id`` exists for the members of
that group alone, and so do its markets."""

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
    counter("trade_seq"),
    counter("ticker_seq"),
    Column("event_id", BigInt, ForeignKey("events.id")),
    Column("label", Text),
    *_metadata(),
    Column("proposal", Text),
    Column("group_id", BigInt, ForeignKey("user_groups.id")),
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
    counter("topic_seq"),
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
