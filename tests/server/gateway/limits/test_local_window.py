"""Limits that count in one process."""

import random

import pytest

from predmarket.server.gateway.limits import local_window
from predmarket.server.gateway.limits.local_window import GRAINS, LocalWindow
from predmarket.server.setting_types import RateLimit


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_the_limit_and_no_more() -> None:
    """A refusal takes no permit and returns the time until the oldest permit expires."""
    clock = Clock()
    counts = LocalWindow[str](RateLimit(3, 60), clock)
    for _ in range(3):
        assert counts.take("a") == 0
        clock.now += 10
    assert [counts.take("a") for _ in range(100)] == [30] * 100
    assert counts.take("b") == 0
    clock.now += 29.9
    assert counts.take("a") == pytest.approx(0.1)
    clock.now += 0.2
    assert (counts.take("a"), counts.take("a") > 0) == (0, True)


def test_more_than_the_limit_at_once_costs_the_whole_limit() -> None:
    """A request for more than the whole limit takes the whole limit, so a large batch can pass."""
    clock = Clock()
    counts = LocalWindow[str](RateLimit(5, 60), clock)
    assert counts.take("a", 100) == 0
    assert counts.take("a") == 60
    clock.now += 60
    assert counts.take("a") == 0
    assert counts.take("a", 100) == 60


def test_never_more_than_the_limit_in_any_window() -> None:
    """No window exceeds the limit under random arrivals, and no permit returns a grain too late."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw, clock, limit = random.Random(seed), Clock(), RateLimit(20, 10)
    counts, taken = LocalWindow[str](limit, clock), list[float]()
    late = limit.seconds * (1 + 1 / GRAINS)
    for _ in range(20_000):
        clock.now += draw.choice((0, 0, 1 / 64, 5 / 16, 2))  # sums of these are exact
        cost = draw.choice((1, 1, 1, 4))
        wait = counts.take("a", cost)
        if wait == 0:
            taken += [clock.now] * cost
            assert sum(t > clock.now - limit.seconds for t in taken[-25:]) <= limit.times
        else:
            assert 0 < wait <= limit.seconds
            assert sum(t > clock.now - late - 1e-9 for t in taken[-25:]) + cost > limit.times


def test_a_flood_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the quietest keys are evicted first, and expired keys by themselves."""
    monkeypatch.setattr(local_window, "MAX_KEYS", 100)
    clock = Clock()
    counts = LocalWindow[int](RateLimit(1, 60), clock)
    for key in range(1_000):
        assert counts.take(key) == 0
    assert len(counts) == 100
    assert counts.take(999) > 0  # the latest keys stay
    clock.now += 61
    for key in range(200):
        counts.take(5_000 + key % 2)
    assert len(counts) == 2
