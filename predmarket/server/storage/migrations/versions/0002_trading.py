"""What settlement writes: journal, accounts, markets, orders, trades, positions, ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, what others refer to first."""
    _core()
    _accounts()
    _orders()
    _trades()
    _money()


def _core() -> None:
    """Who leads, and the journal of every command."""
    op.create_table(
        "core_state",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("last_batch", BIG, nullable=False),
        sa.Column("last_seq", BIG, nullable=False),
        sa.Column("last_time", BIG, nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_order_id", BIG, nullable=False),
        sa.Column("last_trade_id", BIG, nullable=False),
        sa.Column("last_market_id", BIG, nullable=False),
        sa.Column("last_transfer_id", BIG, nullable=False),
        sa.Column("last_rank", BIG, nullable=False),
        sa.Column("fees", BIG, nullable=False),
        sa.Column("net_deposits", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_core_state"),
        sa.CheckConstraint("fees >= 0", name=op.f("ck_core_state_fees")),
        sa.CheckConstraint("id = 1", name=op.f("ck_core_state_single")),
    )
    op.create_table(
        "lease",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lease"),
        sa.CheckConstraint("id = 1", name=op.f("ck_lease_single")),
    )
    op.create_table(
        "journal",
        sa.Column("batch", BIG, nullable=False, autoincrement=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("first_seq", BIG, nullable=False),
        sa.Column("last_seq", BIG, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch", name="pk_journal"),
    )


def _accounts() -> None:
    """Accounts and markets."""
    op.create_table(
        "accounts",
        sa.Column("user_id", BIG, nullable=False, autoincrement=False),
        sa.Column("available", BIG, nullable=False),
        sa.Column("locked", BIG, nullable=False),
        sa.Column("deadman_at", BIG),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_accounts"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_accounts_user_id"),
        sa.CheckConstraint("locked >= 0", name=op.f("ck_accounts_locked")),
    )
    op.create_table(
        "markets",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("settlement_price", BIG),
        sa.Column("tick", BIG, nullable=False),
        sa.Column("maker_rate", BIG, nullable=False),
        sa.Column("taker_rate", BIG, nullable=False),
        sa.Column("closes_at", BIG),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("creator_id", BIG, nullable=False),
        sa.Column("last_price", BIG),
        sa.Column("volume", BIG, nullable=False),
        sa.Column("open_interest", BIG, nullable=False),
        sa.Column("collateral", BIG, nullable=False),
        sa.Column("fees", BIG, nullable=False),
        sa.Column("book_seq", BIG, nullable=False),
        sa.Column("ending", sa.Text()),
        sa.Column("paid_accounts", BIG, nullable=False),
        sa.Column("paid_total", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_markets"),
        sa.UniqueConstraint("slug", name="uq_markets_slug"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="fk_markets_creator_id"),
        sa.CheckConstraint(
            "open_interest >= 0 AND volume >= 0 AND fees >= 0", name=op.f("ck_markets_totals")
        ),
    )


def _orders() -> None:
    """Orders and what happened to each."""
    op.create_table(
        "orders",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("market_id", BIG),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("price", BIG),
        sa.Column("qty", BIG, nullable=False),
        sa.Column("filled", BIG, nullable=False),
        sa.Column("notional", BIG, nullable=False),
        sa.Column("fee_exact", BIG, nullable=False),
        sa.Column("fees_paid", BIG, nullable=False),
        sa.Column("close_qty", BIG, nullable=False),
        sa.Column("locked", BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("tif", sa.Text(), nullable=False),
        sa.Column("stp", sa.Text(), nullable=False),
        sa.Column("post_only", sa.Boolean(), nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("expires_at", BIG),
        sa.Column("client_order_id", sa.Text()),
        sa.Column("request", sa.Text()),
        sa.Column("rank", BIG, nullable=False),
        sa.Column("events", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_orders_user_id"),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name="fk_orders_market_id"),
        sa.CheckConstraint(
            "locked >= 0 AND close_qty >= 0 AND fees_paid >= 0", name=op.f("ck_orders_holds")
        ),
        sa.CheckConstraint("filled BETWEEN 0 AND qty AND qty > 0", name=op.f("ck_orders_qty")),
    )
    op.create_index(
        "ix_orders_open",
        "orders",
        ["id"],
        sqlite_where=sa.text("status IN ('OPEN', 'PARTIALLY_FILLED')"),
        postgresql_where=sa.text("status IN ('OPEN', 'PARTIALLY_FILLED')"),
    )
    op.create_index("ix_orders_user_id", "orders", ["user_id", "id"])
    op.create_index(
        "uq_orders_client_order_id",
        "orders",
        ["user_id", "client_order_id"],
        unique=True,
        sqlite_where=sa.text("client_order_id IS NOT NULL"),
        postgresql_where=sa.text("client_order_id IS NOT NULL"),
    )
    op.create_table(
        "order_events",
        sa.Column("order_id", BIG, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("order_id", "type", "n", name="pk_order_events"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_events_order_id"),
    )


def _trades() -> None:
    """Trades and the positions they make."""
    op.create_table(
        "trades",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("market_id", BIG, nullable=False),
        sa.Column("buy_order_id", BIG, nullable=False),
        sa.Column("sell_order_id", BIG, nullable=False),
        sa.Column("buy_user_id", BIG, nullable=False),
        sa.Column("sell_user_id", BIG, nullable=False),
        sa.Column("price", BIG, nullable=False),
        sa.Column("qty", BIG, nullable=False),
        sa.Column("taker_side", sa.Text(), nullable=False),
        sa.Column("buy_fee", BIG, nullable=False),
        sa.Column("sell_fee", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trades"),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name="fk_trades_market_id"),
        sa.ForeignKeyConstraint(["buy_order_id"], ["orders.id"], name="fk_trades_buy_order_id"),
        sa.ForeignKeyConstraint(["sell_order_id"], ["orders.id"], name="fk_trades_sell_order_id"),
        sa.CheckConstraint("qty > 0 AND price > 0", name=op.f("ck_trades_positive")),
        sa.CheckConstraint("buy_user_id <> sell_user_id", name=op.f("ck_trades_two_users")),
    )
    op.create_index("ix_trades_buy_order_id", "trades", ["buy_order_id"])
    op.create_index("ix_trades_buy_user_id", "trades", ["buy_user_id", "id"])
    op.create_index("ix_trades_market_id", "trades", ["market_id", "id"])
    op.create_index("ix_trades_sell_order_id", "trades", ["sell_order_id"])
    op.create_index("ix_trades_sell_user_id", "trades", ["sell_user_id", "id"])
    op.create_table(
        "positions",
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("market_id", BIG, nullable=False),
        sa.Column("yes", BIG, nullable=False),
        sa.Column("no", BIG, nullable=False),
        sa.Column("reserved_yes", BIG, nullable=False),
        sa.Column("reserved_no", BIG, nullable=False),
        sa.Column("cost_yes", BIG, nullable=False),
        sa.Column("cost_no", BIG, nullable=False),
        sa.Column("realized", BIG, nullable=False),
        sa.Column("net_paid", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "market_id", name="pk_positions"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_positions_user_id"),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name="fk_positions_market_id"),
        sa.CheckConstraint("reserved_no >= 0 AND reserved_no <= no", name=op.f("ck_positions_no")),
        sa.CheckConstraint(
            "reserved_yes >= 0 AND reserved_yes <= yes", name=op.f("ck_positions_yes")
        ),
    )
    op.create_index("ix_positions_market_id", "positions", ["market_id", "user_id"])


def _money() -> None:
    """Every movement of money."""
    op.create_table(
        "ledger",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("market_id", BIG),
        sa.Column("counterpart", sa.Text(), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("ref_id", BIG),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_ledger_user_id"),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_amount")),
    )
    op.create_index("ix_ledger_user_id", "ledger", ["user_id", "id"])
    op.create_table(
        "transfers",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor_id", BIG, nullable=False),
        sa.Column("key", sa.Text()),
        sa.Column("available", BIG, nullable=False),
        sa.Column("locked", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_transfers_user_id"),
    )
    op.create_index(
        "uq_transfers_key",
        "transfers",
        ["actor_id", "key"],
        unique=True,
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
