"""The pauses before a call is sent again, and before a feed connects again."""

import random

import pytest

from predmarket.client.retry import Backoff, Retry


def test_pauses_between_attempts_grow_until_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses triple up to the longest; there is none after the last attempt."""
    monkeypatch.setattr(random, "uniform", lambda _least, _most: 1.0)
    retry = Retry(attempts=5, first_s=0.5, longest_s=5.0)
    pauses = [retry.pause_s(attempt) for attempt in range(1, 6)]
    assert pauses == [0.5, 1.5, 4.5, 5.0, None]


def test_the_exchange_may_ask_for_a_longer_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry-After extends a pause up to the longest."""
    monkeypatch.setattr(random, "uniform", lambda _least, _most: 1.0)
    retry = Retry(first_s=0.5, longest_s=5.0)
    assert retry.pause_s(1, 2.0) == 2.0
    assert retry.pause_s(1, 60.0) == 5.0


def test_a_feed_backs_off_twofold_and_for_ever() -> None:
    """Pauses double up to the longest, less up to half at random."""
    least = Backoff(first_s=1.0, longest_s=6.0, spread=lambda: 1.0)
    most = Backoff(first_s=1.0, longest_s=6.0, spread=lambda: 0.0)
    assert [most.pause_s(failures) for failures in (1, 2, 3, 4, 10_000)] == [1, 2, 4, 6, 6]
    assert [least.pause_s(failures) for failures in (1, 2, 3, 4)] == [0.5, 1, 2, 3]
    assert least.pause_s(1, 60.0) == 6.0
