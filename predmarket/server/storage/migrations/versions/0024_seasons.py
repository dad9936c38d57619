"""Seasons, with the marks of their start and their end."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "seasons",
        sa.Column("id", BIG, nullable=False, autoincrement=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("credit", BIG, nullable=False),
        sa.Column("creator_id", BIG, nullable=False),
        sa.Column("started_at", BIG, nullable=False),
        sa.Column("last_user_id", BIG, nullable=False),
        sa.Column("last_trade_id", BIG, nullable=False),
        sa.Column("credited_at", BIG),
        sa.Column("ended_at", BIG),
        sa.Column("running", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_seasons"),
        sa.UniqueConstraint("name_key", name="uq_seasons_name_key"),
        sa.UniqueConstraint("running", name="uq_seasons_running"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="fk_seasons_creator_id"),
        sa.CheckConstraint("credit >= 0", name=op.f("ck_seasons_credit")),
    )
    op.create_table(
        "season_starts",
        sa.Column("season_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("market_id", BIG, nullable=False),
        sa.Column("event_id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("gain", BIG, nullable=False),
        sa.Column("trades", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "season_id", "user_id", "market_id", "event_id", "group_id", name="pk_season_starts"
        ),
        sa.ForeignKeyConstraint(["season_id"], ["seasons.id"], name="fk_season_starts_season_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_season_starts_user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "season_results",
        sa.Column("season_id", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("profit", BIG, nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.Column("trades", BIG, nullable=False),
        sa.PrimaryKeyConstraint("season_id", "group_id", "user_id", name="pk_season_results"),
        sa.ForeignKeyConstraint(["season_id"], ["seasons.id"], name="fk_season_results_season_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_season_results_user_id"),
        sqlite_with_rowid=False,
    )
