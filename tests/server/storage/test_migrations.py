"""The migrations build the tables as described, on both kinds of database."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.exc import IntegrityError

from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.migrations import current, head, upgrade
from predmarket.server.storage.tables import metadata

T = TypeVar("T")


def checks(engine: Engine) -> dict[str, set[tuple[Any, str]]]:
    """Return each table's check constraints, which Alembic does not compare."""
    inspector = inspect(engine)
    return {
        table: {
            (check["name"], re.sub(r"[\s()]", "", check["sqltext"]))
            for check in inspector.get_check_constraints(table)
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrations_build_the_tables(database_url: str) -> None:
    """The migrations build all described columns, keys and indexes, and no others."""
    upgrade(database_url)
    engine = sync_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        missing = compare_metadata(context, metadata)
        assert {(kind, getattr(what, "name", "")) for kind, what, *_ in missing} == {
            ("add_fk", name) for name in checked_elsewhere(engine.dialect.name)
        }
    engine.dispose()


def checked_elsewhere(dialect: str) -> set[str]:
    """Return the foreign keys that exist on the other kind of database only."""
    return {
        str(key.constraint.name)
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.constraint is not None and key.info.get("dialect", dialect) != dialect
    }


def migrated_and_made(url: str, look: Callable[[Engine], T]) -> tuple[T, T]:
    """Return the properties of the migrated tables and of the described ones."""
    upgrade(url)
    engine = sync_engine(url)
    migrated = look(engine)
    with engine.begin() as connection:
        found = MetaData()
        found.reflect(connection)
        found.drop_all(connection)
        metadata.create_all(connection)
    made = look(engine)
    engine.dispose()
    return migrated, made


def test_the_migrations_build_the_check_constraints(database_url: str) -> None:
    """The migrations build the described check constraints."""
    migrated, made = migrated_and_made(database_url, checks)
    assert migrated == made
    assert any(migrated.values())


def keys(engine: Engine) -> dict[str, tuple[list[str], bool]]:
    """Return each table's primary key, and whether SQLite omits its row ids.

    Alembic compares neither.
    """
    inspector = inspect(engine)
    return {
        table: (
            inspector.get_pk_constraint(table)["constrained_columns"],
            inspector.get_table_options(table).get("sqlite_with_rowid", True),
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrations_build_the_keys(database_url: str) -> None:
    """The migrations build the primary keys with the described order of columns."""
    migrated, made = migrated_and_made(database_url, keys)
    assert migrated == made
    assert migrated["trades"][0] == ["market_id", "id"]


def test_upgrading_is_idempotent(database_url: str) -> None:
    """An empty database has no revision, and one upgraded twice has the newest."""
    assert current(database_url) is None
    upgrade(database_url)
    upgrade(database_url)
    assert current(database_url) == head()


def test_emails_are_rewritten_where_that_is_free(database_url: str) -> None:
    """An e-mail is normalised if its normal form is free.

    Otherwise it stays, so that its owner can still log in.
    """
    upgrade(database_url, "0013")
    stored = [
        "jose\u0301@x.org",
        "jos\xe9@x.org",
        "stra\xdfe@x.org",
        "ann@x.org",
        "zoe\u0308@x.org",
    ]
    engine = sync_engine(database_url)
    with engine.begin() as connection:
        for id, email in enumerate(stored, 1):
            connection.execute(
                text(
                    "INSERT INTO users (id, email, password_hash, role, disabled, created_at)"
                    " VALUES (:id, :email, '', 'USER', :no, 1)"
                ),
                {"id": id, "email": email, "no": False},
            )
    upgrade(database_url)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT email FROM users ORDER BY id")).scalars().all()
    engine.dispose()
    assert found == [*stored[:2], "strasse@x.org", "ann@x.org", "zo\xeb@x.org"]


BEFORE_EVENTS: dict[str, dict[str, Any]] = {
    "users": {"id": 1, "email": "a@x.org", "password_hash": "", "role": "USER", "disabled": False,
              "created_at": 1},
    "accounts": {"user_id": 1, "available": 900, "locked": 0, "version": 3},
    "markets": {"id": 1, "slug": "m", "question": "?", "description": "", "status": "OPEN",
                "tick": 100, "maker_rate": 0, "taker_rate": 0, "created_at": 1, "creator_id": 1,
                "volume": 5, "open_interest": 5, "collateral": 50_000, "fees": 0, "book_seq": 0,
                "paid_accounts": 0, "paid_total": 0, "version": 2},
    "positions": {"user_id": 1, "market_id": 1, "yes": 5, "no": 3, "reserved_yes": 2,
                  "reserved_no": 1, "cost_yes": 25, "cost_no": 18, "realized": -7, "net_paid": 43,
                  "version": 4},
    "ledger": {"id": 1, "seq": 1, "kind": "TRADE", "user_id": 1, "market_id": 1,
               "counterpart": "COLLATERAL", "amount": -43, "created_at": 1},
}  # fmt: skip
"""A row of each table that the migration of events changes or needs."""


def test_positions_stay_when_events_come(database_url: str) -> None:
    """Every position is kept; without an event its reserve is within the shares."""
    upgrade(database_url, "0014")
    engine = sync_engine(database_url)
    with engine.begin() as connection:
        for table, row in BEFORE_EVENTS.items():
            names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), row)
        queries = [text(f"SELECT * FROM {name}") for name in ("positions", "markets", "ledger")]
        before = [connection.execute(query).mappings().one() for query in queries]
    upgrade(database_url)
    with engine.begin() as connection:
        after = [connection.execute(query).mappings().one() for query in queries]
    assert [{name: new[name] for name in old} for old, new in zip(before, after, strict=True)] == [
        dict(old) for old in before
    ]
    assert [new["event_id"] for new in after] == [None] * 3
    for change in ("reserved_yes = 6", "reserved_no = 4", "yes = -1", "event_id = 1"):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(f"UPDATE positions SET {change}"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE positions SET no = 0, reserved_no = 4, event_id = 1"))
    engine.dispose()
