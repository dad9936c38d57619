"""The check of the statements that gateways send finds those that read what grows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.query_plans import too_long


@pytest.mark.parametrize(
    ("statement", "is_too_long"),
    [
        ("SELECT qty FROM trades WHERE market_id = 1 ORDER BY id LIMIT 9", False),
        ("SELECT qty FROM trades WHERE qty > 1", True),
        ("SELECT t.qty FROM trades AS t WHERE t.qty > 1", True),
        ("SELECT m.id FROM markets m JOIN trades t ON t.market_id = m.id WHERE m.id = 1", False),
        ("SELECT m.id FROM markets m JOIN events e ON e.title > m.label", True),
        ("SELECT id FROM markets", False),
        ("SELECT id FROM users WHERE 1 = 1 ORDER BY users.id LIMIT 9", False),
    ],
)
def test_what_grows_is_not_read_whole(
    sqlite_template: Path, statement: str, *, is_too_long: bool
) -> None:
    """A growing table is read by an index, and no table is read for each row of another."""
    with closing(sqlite3.connect(sqlite_template)) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    assert too_long(statement, plan) is is_too_long, plan
