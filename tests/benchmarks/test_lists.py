"""The row lists: its long history can be started with, and read in every way."""

import pytest

from benchmarks.rows import lists


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_history_is_made_and_read(
    kind: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """An exchange with such a history starts, and each read of it is answered."""
    sizes = {"TRADES": 2_000, "ORDERS": 100, "USERS": 10, "MARKETS": 10, "EVENTS": 2, "CALLS": 1}
    for name, size in sizes.items():
        monkeypatch.setattr(lists, name, size)
    server_url = request.getfixturevalue("postgres_server_url") if kind == "postgres" else None
    with lists.prepared(server_url, full=True) as exchange:
        found = lists.measured(exchange)
    assert found.reads_ms.keys() == {*lists.PUBLIC, *lists.OWN, *lists.ADMINS}
