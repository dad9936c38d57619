"""Accounts of a replay: what they are called, and their wait for a limit."""

from pathlib import Path

import pytest

from predmarket.replay.accounts import ReplayAccounts
from predmarket.replay.pace import Pace, pace_of
from predmarket.server.gateway.auth import passwords
from predmarket.testing import Exchange


def test_accounts_wait_for_the_limit_of_registrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They say so, come back, and have their money once; a later run logs in."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    with Exchange(clock="wall", settings={"auth_rate_limit": "1/second"}) as exchange:
        told: list[str] = []

        def accounts() -> ReplayAccounts:
            return ReplayAccounts(
                exchange.url, exchange.admin, tmp_path, label="x", funds="10", tell=told.append
            )

        first, later = accounts(), accounts()
        assert first.email("A-b") == "x-+a-b@replay.example.com"
        for opened in (first, later):
            for name in ("1", "2"):
                with opened.open(name) as client:
                    assert client.balance()["available"] == "10.000000"
        assert "PREDMARKET_AUTH_RATE_LIMIT=off" in told[0]
    assert (tmp_path / "replay.secret").stat().st_mode & 0o077 == 0


def test_a_pace_is_that_of_the_recording() -> None:
    """At twice its speed half of its time is slept; lateness is made up for."""
    assert [pace_of(clock) for clock in ("wall", "scaled=60", "stepped")] == [1.0, 60.0, None]
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(2.0, sleep=sleep, clock=lambda: now[0])
    reached = []
    for moment in (5_000_000, 7_000_000, 9_000_000):
        pace.at(moment)
        reached.append(now[0])
        now[0] += 0.5
    now[0] = 10.0
    pace.at(11_000_000)
    assert (reached, now[0]) == ([0.0, 1.0, 2.0], 10.0)
