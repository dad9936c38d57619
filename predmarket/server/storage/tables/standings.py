"""Seasons with their marks: what each account had gained at the start, and the boards at the end.

Gateways write these tables; the core never does.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from predmarket.server.storage.tables.base import BigInt, metadata

seasons = Table(
    "seasons",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("credit", BigInt, nullable=False),
    Column("creator_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("started_at", BigInt, nullable=False),
    Column("last_user_id", BigInt, nullable=False),
    Column("last_trade_id", BigInt, nullable=False),
    Column("credited_at", BigInt),
    Column("ended_at", BigInt),
    Column("running", Boolean, unique=True),
    CheckConstraint("credit >= 0", name="credit"),
)
"""One row a season. ``name_key`` is the name as it is compared (contracts/text.py). ``running`` is
true until the season ends, then null: so one season runs at a time. ``credit`` goes to the accounts
of users up to ``last_user_id``, the last one at the start; all of them have it at ``credited_at``.
``last_trade_id`` is the last trade before the start."""

season_starts = Table(
    "season_starts",
    metadata,
    Column("season_id", BigInt, ForeignKey("seasons.id"), nullable=False),
    Column("user_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("market_id", BigInt, nullable=False),
    Column("event_id", BigInt, nullable=False),
    Column("group_id", BigInt, nullable=False),
    Column("gain", BigInt, nullable=False),
    Column("trades", BigInt, nullable=False),
    PrimaryKeyConstraint("season_id", "user_id", "market_id", "event_id", "group_id"),
    sqlite_with_rowid=False,
)
"""What accounts had gained when a season began: in each market alone and each event that were not
final, whose group may change, and in all final ones of a group together. 0 stands for none. A row
without any of the three also has the account's number of trades. Empty rows are left out."""

season_results = Table(
    "season_results",
    metadata,
    Column("season_id", BigInt, ForeignKey("seasons.id"), nullable=False),
    Column("group_id", BigInt, nullable=False),
    Column("user_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("profit", BigInt, nullable=False),
    Column("value", BigInt, nullable=False),
    Column("trades", BigInt, nullable=False),
    PrimaryKeyConstraint("season_id", "group_id", "user_id"),
    sqlite_with_rowid=False,
)
"""The boards of a season at its end: everybody's under group 0, and one of each group with its
members at that time. These rows never change."""
