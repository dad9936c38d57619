"""Accounts of a replay: their names, and their exemption from limits."""

import pytest

from predmarket.replay.accounts import ReplayAccounts
from predmarket.replay.pace import Pace, pace_of
from predmarket.server.gateway.auth import passwords
from predmarket.testing import Exchange


def test_accounts_are_open_at_once_whatever_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accounts open with money once, whatever the rate limits and the sign-up setting."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    limits = {"auth_rate_limit": "1/hour", "auth_window_limit": "1/hour", "signup": "closed"}
    with Exchange(clock="wall", settings=limits) as exchange:
        first, later = [
            ReplayAccounts(exchange.url, exchange.admin, label="x", funds="10") for _ in range(2)
        ]
        assert first.email("A-b") == "x-+a-b@replay.example.com"
        for opened in (first, later):
            for name in ("1", "A-b", "1"):
                with opened.open(name) as client:
                    assert client.balance()["available"] == "10.000000"


def test_a_pace_is_that_of_the_recording() -> None:
    """At speed 2 the replay sleeps half of the recorded time, and catches up delays."""
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
