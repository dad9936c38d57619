"""What every order writes costs fewer index entries.

Trades and ledger entries are read by market and by user, so that is what their keys begin with;
an order's trades are named by its events. SQLite keeps these tables in the tree of their key alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_NAME_TRADES = """
    UPDATE order_events SET trade_id = fills.trade_id, detail = NULL FROM (
        SELECT e.order_id, e.n, t.id AS trade_id
        FROM (
            SELECT order_id, n, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY n) AS place
            FROM order_events WHERE type IN ('ORDER_PARTIALLY_FILLED', 'ORDER_FILLED')
        ) AS e
        JOIN (
            SELECT order_id, id, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY id) AS place
            FROM (
                SELECT buy_order_id AS order_id, id FROM trades
                UNION ALL SELECT sell_order_id, id FROM trades
            ) AS halves
        ) AS t ON t.order_id = e.order_id AND t.place = e.place
    ) AS fills
    WHERE order_events.order_id = fills.order_id AND order_events.n = fills.n
"""
"""An order's fills were numbered as its trades were, so the first names the first."""


_KEYS = {
    "order_events": ("order_id", "type", "n"),
    "trades": ("market_id", "id"),
    "ledger": ("user_id", "id"),
}


def upgrade() -> None:
    """Name the trades, remember the last ledger entry, and change the keys."""
    last = sa.Column("last_ledger_id", BIG, nullable=False, server_default=sa.text("0"))
    op.add_column("core_state", last)
    op.execute("UPDATE core_state SET last_ledger_id = (SELECT COALESCE(MAX(id), 0) FROM ledger)")
    op.add_column("order_events", sa.Column("trade_id", BIG))
    op.execute(_NAME_TRADES)
    for name in ("trades_buy_order_id", "trades_sell_order_id", "trades_market_id"):
        op.drop_index(f"ix_{name}", "trades")
    op.drop_index("ix_ledger_user_id", "ledger")
    if op.get_bind().dialect.name == "postgresql":
        _change_keys()
    else:
        _make_anew()


def _change_keys() -> None:
    for table, key in _KEYS.items():
        if table != "order_events":  # it has the right one
            op.drop_constraint(f"pk_{table}", table)
            op.create_primary_key(f"pk_{table}", table, list(key))


def _make_anew() -> None:
    """Copy the tables: SQLite can neither change a key nor leave out the row ids afterwards."""
    for side in ("buy", "sell"):
        op.drop_index(f"ix_trades_{side}_user_id", "trades")
    _copied(
        "order_events",
        sa.Column("order_id", BIG, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("trade_id", BIG),
        sa.Column("detail", sa.Text()),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_events_order_id"),
    )
    _copied(
        "trades",
        sa.Column("id", BIG, nullable=False),
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
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name="fk_trades_market_id"),
        sa.ForeignKeyConstraint(["buy_order_id"], ["orders.id"], name="fk_trades_buy_order_id"),
        sa.ForeignKeyConstraint(["sell_order_id"], ["orders.id"], name="fk_trades_sell_order_id"),
        sa.CheckConstraint("qty > 0 AND price > 0", name=op.f("ck_trades_positive")),
        sa.CheckConstraint("buy_user_id <> sell_user_id", name=op.f("ck_trades_two_users")),
    )
    _copied(
        "ledger",
        sa.Column("id", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("market_id", BIG),
        sa.Column("counterpart", sa.Text(), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("ref_id", BIG),
        sa.Column("created_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_ledger_user_id"),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_amount")),
    )
    for side in ("buy", "sell"):
        op.create_index(f"ix_trades_{side}_user_id", "trades", [f"{side}_user_id", "id"])


def _copied(table: str, *definition: sa.Column[int] | sa.Column[str] | sa.Constraint) -> None:
    key = _KEYS[table]
    op.rename_table(table, f"old_{table}")
    op.create_table(
        table,
        *definition,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
    names = ", ".join(item.name for item in definition if isinstance(item, sa.Column))
    order = ", ".join(key)
    op.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM old_{table} ORDER BY {order}"  # noqa: S608 -- composed of our own text alone
    )
    op.drop_table(f"old_{table}")
