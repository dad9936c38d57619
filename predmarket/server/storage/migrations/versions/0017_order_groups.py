"""Order groups: a limit on what a group of an account's orders fills in a short time."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ALIVE = sa.text("status <> 'DELETED'")
_GROUPED = sa.text("order_group_id IS NOT NULL")


def upgrade() -> None:
    """Create the tables, and let orders name their group."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "order_groups",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("limit_qty", BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("counts_after", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_order_groups"),
        sa.ForeignKeyConstraint(["user_id"], ["accounts.user_id"], name="fk_order_groups_user_id"),
        sa.CheckConstraint("limit_qty > 0", name=op.f("ck_order_groups_limit_qty")),
    )
    op.create_index(
        "ix_order_groups_user_id",
        "order_groups",
        ["user_id", "id"],
        sqlite_where=_ALIVE,
        postgresql_where=_ALIVE,
    )
    op.create_table(
        "order_group_fills",
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("trade_id", BIG, nullable=False),
        sa.Column("order_group_id", BIG, nullable=False),
        sa.Column("qty", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "created_at", "trade_id", "order_group_id", name="pk_order_group_fills"
        ),
        *_reference("order_group_fills", on_sqlite=on_sqlite),
        sqlite_with_rowid=False,
    )
    counter = sa.Column("order_group_seq", BIG, nullable=False, server_default=sa.text("0"))
    op.add_column("accounts", counter)
    if on_sqlite:
        op.execute(
            "ALTER TABLE orders ADD COLUMN order_group_id INTEGER "
            "CONSTRAINT fk_orders_order_group_id REFERENCES order_groups (id)"
        )
    else:
        op.add_column("orders", sa.Column("order_group_id", BIG))
    op.create_index(
        "ix_orders_order_group_id",
        "orders",
        ["order_group_id", "id"],
        sqlite_where=_GROUPED,
        postgresql_where=_GROUPED,
    )


def _reference(table: str, *, on_sqlite: bool) -> list[sa.ForeignKeyConstraint]:
    """Return the reference to groups, which SQLite alone checks (storage/tables/base.py)."""
    name = f"fk_{table}_order_group_id"
    reference = sa.ForeignKeyConstraint(["order_group_id"], ["order_groups.id"], name=name)
    return [reference] if on_sqlite else []
