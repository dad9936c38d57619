"""Times and spans."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import pytest

from predmarket.cli.failure import Failure
from predmarket.cli.timestamps import read, wire
from tests.support.command_line import Run
from tests.support.stub_data import MARKET, ORDER, page
from tests.support.stub_exchange import Answer, Stub

NOW = datetime(2030, 1, 2, 23, 30, tzinfo=UTC)


def named(text: str, *, past: bool = False) -> tuple[str, bool]:
    """Return the time that ``text`` denotes at NOW, and whether the local zone decided it."""
    then, is_local = read(text, "--expires", lambda: NOW, past=past)
    return wire(then), is_local


@pytest.fixture
def in_oslo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set this machine's zone to one hour east of UTC."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05.000000Z"),
        ("2030-01-02t03:04:05.25z", "2030-01-02T03:04:05.250000Z"),
        ("2030-01-02 03:04Z", "2030-01-02T03:04:00.000000Z"),
        ("2030-01-02 03:04:05.000001+02:00", "2030-01-02T01:04:05.000001Z"),
        ("2030-01-01T00:30:00-00:45", "2030-01-01T01:15:00.000000Z"),
    ],
)
def test_a_time_with_a_zone(text: str, expected: str) -> None:
    """A time with a zone becomes RFC 3339 in UTC with microseconds."""
    assert named(text) == (expected, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-01-02T03:04:05", "2030-01-02T02:04:05.000000Z"),
        ("2030-01-02 03:04", "2030-01-02T02:04:00.000000Z"),
        ("2030-01-02", "2030-01-01T23:00:00.000000Z"),
        ("tomorrow", "2030-01-03T23:00:00.000000Z"),  # at NOW the local date is the 3rd
    ],
)
def test_a_time_without_a_zone(in_oslo: None, text: str, expected: str) -> None:
    """A time without a zone is local, and the result says so; the same holds for a date."""
    assert named(text) == (expected, True)
    assert named(text, past=True) == (expected, True)


def test_days_that_are_over(in_oslo: None) -> None:
    """Words for past days are accepted only by options that look back."""
    assert named("Today", past=True) == ("2030-01-02T23:00:00.000000Z", True)
    assert named("yesterday", past=True) == ("2030-01-01T23:00:00.000000Z", True)
    for word in ("today", "yesterday"):
        with pytest.raises(Failure, match="tomorrow"):
            named(word)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1.5h", timedelta(minutes=90)),
        ("1D", timedelta(days=1)),
        ("2w", timedelta(days=14)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_a_span(text: str, span: timedelta) -> None:
    """A span counts from now; in an option that looks back, it counts backwards."""
    assert named(text) == (wire(NOW + span), False)
    assert named(text, past=True) == (wire(NOW - span), False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "5",
        "-5m",
        "5m1h",
        "1.h",
        "2 hours",
        "999999d9999999999s",
        "999999d999999d",
        "999999999w",
        "2030-01",
        "2030-02-30T00:00:00Z",
        "2030-01-02T25:00:00Z",
        "9999-12-31T23:59:59-23:00",
        "٣٠m",
    ],
)
def test_neither(text: str) -> None:
    """Dates outside the calendar and other texts are refused."""
    for past in (False, True):
        with pytest.raises(Failure) as caught:
            named(text, past=past)
        assert caught.value.exit_code == 2
        assert "--expires" in caught.value.message


def test_a_span_counts_by_the_clock_of_the_exchange(run: Run, stub: Stub) -> None:
    """A span counts from the exchange's time; a difference from this machine is reported."""
    there = datetime.now(UTC) - timedelta(hours=1)
    stub.on("GET", "/v1/status", Answer(body={"time": wire(there)}))
    stub.on("POST", "/v1/orders", Answer(201, ORDER))
    place = ("order", "place", "rain", "buy", "1", "--price", "0.5", "--deadline", "off")
    ran = run(*place, "--client-id", "c", "--expires", "30m")
    body = stub.sent("POST", "/v1/orders")[0].body
    assert isinstance(body, dict)
    expires = datetime.fromisoformat(body["expiresAt"])
    assert abs(expires - there - timedelta(minutes=30)) < timedelta(seconds=10)
    assert ran.err.startswith("this machine's clock is 36")
    assert " s ahead of the exchange's" in ran.err
    asked = len(stub.sent("GET", "/v1/status"))
    run(*place, "--expires", "2999-01-01T00:00:00Z")
    assert len(stub.sent("GET", "/v1/status")) == asked


def test_a_clock_that_is_right_is_not_spoken_of(run: Run, stub: Stub) -> None:
    """An equal clock, or an exchange that does not send its time, gives no message."""
    stub.on("PATCH", "/v1/markets/rain", Answer(body=MARKET))
    for body in ({"time": wire(datetime.now(UTC))}, {}):
        stub.on("GET", "/v1/status", Answer(body=body))
        assert run("market", "update", "rain", "--closes-at", "2h").err == ""


def test_the_local_zone_is_said(in_oslo: None, run: Run, stub: Stub) -> None:
    """The command prints the time that results from the local zone; past options look back."""
    stub.on("GET", "/v1/status", Answer(body={"time": wire(NOW)}))
    stub.on("GET", "/v1/candles/rain", Answer(body=page()))
    ran = run("candles", "rain", "--from", "2h", "--to", "2030-01-03 00:15")
    assert stub.sent("GET", "/v1/candles/rain")[0].query == {
        "interval": "1h",
        "from": ANY,
        "to": "2030-01-02T23:15:00.000000Z",
    }
    begin = datetime.fromisoformat(stub.sent("GET", "/v1/candles/rain")[0].query["from"])
    assert abs(begin - NOW + timedelta(hours=2)) < timedelta(seconds=10)
    assert "--to 2030-01-03 00:15: 2030-01-03T00:15:00+01:00, in the zone CET\n" in ran.err
