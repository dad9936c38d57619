"""Times and spans."""

from datetime import UTC, datetime, timedelta

import pytest

from predmarket.cli.failure import Failure
from predmarket.cli.moment import moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05.000000Z"),
        ("2030-01-02t03:04:05.25z", "2030-01-02T03:04:05.250000Z"),
        ("2030-01-02 03:04:05.000001+02:00", "2030-01-02T01:04:05.000001Z"),
        ("2030-01-01T00:30:00-00:45", "2030-01-01T01:15:00.000000Z"),
    ],
)
def test_a_time(text: str, expected: str) -> None:
    """RFC 3339 in, RFC 3339 UTC with microseconds out."""
    assert expected == moment(text, "--expires")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("1D", timedelta(days=1)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_a_span(text: str, span: timedelta) -> None:
    """Counted from now."""
    before = datetime.now(UTC)
    found = moment(text, "--expires")
    assert found is not None
    assert before <= datetime.fromisoformat(found) - span <= datetime.now(UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "5",
        "-5m",
        "5m1h",
        "1.5h",
        "999999d9999999999s",
        "999999d999999d",
        "2030-01-02",
        "2030-01-02T03:04:05",
        "2030-02-30T00:00:00Z",
        "2030-01-02T25:00:00Z",
        "9999-12-31T23:59:59-23:00",
        "٣٠m",
    ],
)
def test_neither(text: str) -> None:
    """A time without a zone is nobody's, and a day in February has its limits."""
    with pytest.raises(Failure) as caught:
        moment(text, "--expires")
    assert caught.value.exit_code == 2
    assert "--expires" in caught.value.message


def test_none_is_none() -> None:
    """What was not given is not sent."""
    assert moment(None, "--expires") is None
