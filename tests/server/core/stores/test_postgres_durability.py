"""The durability of a commit as the exchange derives it from PostgreSQL's settings."""

import pytest

from predmarket.server.core.durability import LOSES_AT_FAILOVER, LOSES_COMMITS, STANDBY_MISSING
from predmarket.server.core.stores import postgres_durability


@pytest.mark.parametrize(
    ("fsync", "commit", "awaited", "followed", "hosts", "standby", "risks"),
    [
        ("on", "on", "", False, 1, "none", []),
        ("on", "on", "", False, 2, "missing", [STANDBY_MISSING]),
        ("on", "on", "", True, 2, "asynchronous", [LOSES_AT_FAILOVER]),
        ("on", "on", "", True, 1, "asynchronous", [LOSES_AT_FAILOVER]),
        ("on", "on", "*", True, 2, "synchronous", []),
        ("on", "on", "FIRST 1 (db2)", False, 2, "synchronous", []),
        ("on", "remote_apply", "*", True, 2, "synchronous", []),
        ("on", "local", "*", True, 2, "asynchronous", [LOSES_AT_FAILOVER]),
        ("on", "off", "*", True, 2, "asynchronous", [LOSES_COMMITS, LOSES_AT_FAILOVER]),
        ("off", "on", "*", True, 2, "synchronous", [LOSES_COMMITS]),
    ],
)
def test_durability_of_a_commit(
    fsync: str, commit: str, awaited: str, *, followed: bool, hosts: int, standby: str,
    risks: list[str],
) -> None:  # fmt: skip
    """A commit survives a failover only if it waited for the standby."""
    found = postgres_durability.read((fsync, commit, "on", awaited, followed), hosts)
    assert (found.settings["standby"], found.risks) == (standby, risks)
