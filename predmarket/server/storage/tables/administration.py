"""The tables of the exchange's name and of the admin log.

The core writes the acts that are commands, gateways those that concern users.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, text

from predmarket.server.storage.tables.base import BigInt, metadata

exchange = Table(
    "exchange",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
"""One row, made at its first use: the name of this exchange, unlike any other (redis/naming.py)."""

admin_log = Table(
    "admin_log",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("at", BigInt, nullable=False),
    Column("actor_id", BigInt),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("seq", BigInt),
    Index("ix_admin_log_actor_id", "actor_id", "id"),
    Index("ix_admin_log_action", "action", "id"),
    Index("ix_admin_log_actor_id_action", "actor_id", "action", "id"),
    Index("ix_admin_log_target", "target", "id"),
    Index(
        "uq_admin_log_seq",
        "seq",
        unique=True,
        sqlite_where=text("seq IS NOT NULL"),
        postgresql_where=text("seq IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""One row an act, only ever added. ``actor_id`` is null for an act that was done on the database
itself. ``target`` is a kind and an id, as ``market:7``; ``details`` is a JSON object. ``seq`` is
the number of the act's command, null for acts on users."""
