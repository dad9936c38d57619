"""The plans of the statements that gateways send to SQLite, so that no request reads what grows.

SQLite has no statistics here: it plans for a table of any size as it does for an empty one.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, Engine, TextClause, event
from sqlalchemy.engine.default import DefaultExecutionContext

GROWING = frozenset(
    {
        "accounts", "admin_log", "holdings", "journal", "ledger", "order_events",
        "order_group_fills", "orders", "positions", "quotes", "refresh_tokens", "season_results",
        "sessions", "trades", "users",
    }
)  # fmt: skip
ALLOWED = (
    r"FROM users WHERE .*LIKE",  # an admin's search in names
    r"^SELECT count\(\*\) AS count_1 FROM users",
    r"FROM users WHERE users\.role = \?",  # ends at the second admin
    r"FROM users WHERE 1 = 1 ORDER BY users\.id LIMIT",  # ends with its page
    r"^WITH books AS MATERIALIZED",  # standings, which are kept for a time
    r"FROM orders WHERE status IN \('OPEN', 'PARTIALLY_FILLED'\) GROUP BY",  # a gateway's start
)
_OURS = re.compile("SELECT|WITH|INSERT|UPDATE|DELETE")
_SCAN = re.compile(r"SCAN (\w+)")
_NAMED = re.compile(r"(?:FROM|JOIN|,) (\w+)(?: AS)? (\w+)")

Plan: TypeAlias = Sequence[tuple[int, int, int, str]]
"""What EXPLAIN QUERY PLAN returns: of each step its number, its level, 0 and its text."""

_explained: set[str] = set()


@contextmanager
def checked(tables: Path) -> Iterator[None]:
    """Check the plan of every statement that is sent to SQLite through SQLAlchemy meanwhile.

    ``tables`` is a database with the newest schema. Each statement is checked once a process.
    Statements that are plain text are the tests' own.
    """
    sent: list[str] = []

    def note(
        connection: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        context: DefaultExecutionContext,
        _many: object,
    ) -> None:
        plain = isinstance(getattr(context.compiled, "statement", None), TextClause | None)
        ours = _OURS.match(statement) and not plain and statement not in _explained
        if ours and connection.dialect.name == "sqlite":
            _explained.add(statement)
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(tables)) as database:
        for statement in sent:
            nothing = [None] * statement.count("?")
            plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", nothing).fetchall()
            assert not too_long(statement, plan), f"{statement}\n{plan}"


def too_long(statement: str, plan: Plan) -> bool:
    """Tell whether a plan reads a growing table whole, or a table for each row of another."""
    short = re.sub(r"\s+", " ", statement)
    if any(re.search(allowed, short) for allowed in ALLOWED):
        return False
    names = {alias: table for table, alias in _NAMED.findall(short)}
    scanned = [table for _, table in _scans(plan)]
    return nested(plan) or any(names.get(table, table) in GROWING for table in scanned)


def nested(plan: Plan) -> bool:
    """Tell whether a plan reads a table for each row of another: two scans of one level."""
    return max(Counter(level for level, _ in _scans(plan)).values(), default=0) > 1


def _scans(plan: Plan) -> list[tuple[int, str]]:
    return [(level, found[1]) for _, level, _, step in plan if (found := _SCAN.match(step))]
