"""Events: several markets with one collateral.

A position of an event reserves what may be held in the event's other markets, so its checks differ.
Every market that is there stays without an event.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_CHECKS = {
    "yes": "reserved_yes >= 0 AND yes >= 0 AND (event_id IS NOT NULL OR reserved_yes <= yes)",
    "no": "reserved_no >= 0 AND no >= 0 AND (event_id IS NOT NULL OR reserved_no <= no)",
    "net": "event_id IS NULL OR yes = 0 OR no = 0",
}


def upgrade() -> None:
    """Create the tables of events, and let markets, positions and the ledger name them."""
    _events()
    _holdings()
    counter = sa.Column("holding_seq", BIG, nullable=False, server_default=sa.text("0"))
    op.add_column("accounts", counter)
    op.execute(
        "ALTER TABLE markets ADD COLUMN event_id "
        f"{'INTEGER' if _on_sqlite() else 'BIGINT'} "
        "CONSTRAINT fk_markets_event_id REFERENCES events (id)"
    )
    op.add_column("markets", sa.Column("label", sa.Text()))
    op.add_column("ledger", sa.Column("event_id", BIG))
    if _on_sqlite():
        _copy_positions()
    else:
        op.add_column("positions", sa.Column("event_id", BIG))
        for name in ("yes", "no"):
            op.drop_constraint(op.f(f"ck_positions_{name}"), "positions")
        for name, check in _CHECKS.items():
            op.create_check_constraint(op.f(f"ck_positions_{name}"), "positions", check)


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("exhaustive", sa.Boolean(), nullable=False),
        sa.Column("tick", BIG, nullable=False),
        sa.Column("maker_rate", BIG, nullable=False),
        sa.Column("taker_rate", BIG, nullable=False),
        sa.Column("closes_at", BIG),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("creator_id", BIG, nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("ending", sa.Text()),
        sa.Column("outcomes", BIG, nullable=False),
        sa.Column("open_interest", BIG, nullable=False),
        sa.Column("collateral", BIG, nullable=False),
        sa.Column("fees", BIG, nullable=False),
        sa.Column("paid_accounts", BIG, nullable=False),
        sa.Column("paid_total", BIG, nullable=False),
        sa.Column("ticker_seq", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("slug", name="uq_events_slug"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="fk_events_creator_id"),
        sa.CheckConstraint(
            "open_interest >= 0 AND fees >= 0 AND outcomes >= 2", name=op.f("ck_events_totals")
        ),
    )


def _holdings() -> None:
    op.create_table(
        "holdings",
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("event_id", BIG, nullable=False),
        sa.Column("base", BIG, nullable=False),
        sa.Column("net_paid", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "event_id", name="pk_holdings"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_holdings_user_id"),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name="fk_holdings_event_id"),
    )
    op.create_index("ix_holdings_event_id", "holdings", ["event_id", "user_id"])


def _copy_positions() -> None:
    """Copy the table: SQLite cannot change a check."""
    numbers = ("yes", "no", "reserved_yes", "reserved_no", "cost_yes", "cost_no", "realized",
               "net_paid", "version")  # fmt: skip
    op.drop_index("ix_positions_market_id", "positions")
    op.rename_table("positions", "old_positions")
    op.create_table(
        "positions",
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("market_id", BIG, nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in numbers),
        sa.Column("event_id", BIG),
        sa.PrimaryKeyConstraint("user_id", "market_id", name="pk_positions"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_positions_user_id"),
        sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name="fk_positions_market_id"),
        *(
            sa.CheckConstraint(check, name=op.f(f"ck_positions_{name}"))
            for name, check in _CHECKS.items()
        ),
    )
    names = ", ".join(("user_id", "market_id", *numbers))
    op.execute(
        f"INSERT INTO positions ({names}) SELECT {names} FROM old_positions "  # noqa: S608 -- composed of our own text alone
        "ORDER BY user_id, market_id"
    )
    op.drop_table("old_positions")
    op.create_index("ix_positions_market_id", "positions", ["market_id", "user_id"])
