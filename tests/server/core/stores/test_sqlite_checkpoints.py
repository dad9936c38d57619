"""Checkpoints of an embedded database run beside the commits and never fail them."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from predmarket.enums import Side
from predmarket.server.core.stores.sqlite_checkpoints import COMMITS, Checkpoints
from tests.support.core_exchange import Exchange


async def test_checkpoints_run_beside_the_commits(migrated_sqlite_url: str, tmp_path: Path) -> None:
    """The database file without its log holds orders long before the log is full."""
    database = make_url(migrated_sqlite_url).database
    assert database is not None
    async with Exchange(migrated_sqlite_url).trading() as running:
        for _ in range(2 * COMMITS):
            await running.place(1, Side.BUY, 1, 50)
        async with asyncio.timeout(60):
            while not _orders(Path(shutil.copy(database, tmp_path / "alone.db"))):
                await asyncio.sleep(0.01)


def _orders(path: Path) -> int:
    """Count the orders in a copy, which may be inconsistent if made during a checkpoint."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            return int(connection.execute("SELECT COUNT(*) FROM orders").fetchone()[0])
        except sqlite3.DatabaseError:
            return 0


def test_a_checkpoint_that_fails_costs_no_commit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed checkpoint is logged and retried later, by the next one or by a commit."""
    checkpoints = Checkpoints()
    connection = sqlite3.connect(tmp_path / "any.db", check_same_thread=False)
    checkpoints.begin(connection)
    connection.close()
    for _ in range(3 * COMMITS):
        checkpoints.committed()
    checkpoints.close()
    assert "a checkpoint failed" in caplog.text
