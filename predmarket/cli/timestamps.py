"""Parses points in time on the command line.

A span (90s, 1.5h, 1d12h, 2w) counts from the exchange's time; for an option about the past it
counts backwards. A date or a time without a zone is in this machine's zone, and stderr shows the
resulting moment. The result is RFC 3339 in UTC with microseconds, the exchange's format.
"""

import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import predmarket.client as api
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure, usage
from predmarket.spans import is_span, parse_span

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_CLOCK_ERROR_S = 2.0
"""How far this machine's clock may be off before it is said."""

Clock = Callable[[], datetime]
"""Asks what time it is at the exchange."""


def moment(
    line: Line,
    text: str | None,
    option: str,
    *,
    past: bool = False,
    client: "api.Client | None" = None,
) -> str | None:
    """Return ``text`` in the exchange's format; None stays None. past: the option looks back.

    ``client`` is an existing client, if there is one. Raises Failure, and ClientError if the
    request for the exchange's time fails.
    """
    if text is None:
        return None
    then, is_local = read(text, option, lambda: exchange_time(line, client), past=past)
    if is_local:
        here = then.astimezone()
        line.output.note(f"{option} {text}: {here.isoformat()}, in the zone {here.tzname()}")
    return wire(then)


def exchange_time(line: Line, client: "api.Client | None" = None) -> datetime:
    """Return the exchange's time; report a wrong clock of this machine. Raises ClientError."""
    asked = datetime.now(UTC)
    with nullcontext(client) if client else line.client() as asking:
        told = asking.status().get("time")
    here = datetime.now(UTC)
    if not isinstance(told, str):  # the exchange does not send it
        return here
    there = datetime.fromisoformat(told) + (here - asked) / 2
    ahead_s = (here - there).total_seconds()
    if abs(ahead_s) > _CLOCK_ERROR_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        line.output.note(
            f"this machine's clock is {abs(ahead_s):.0f} s {side} the exchange's,"
            " by which the span counts"
        )
    return there


def read(text: str, option: str, clock: Clock, *, past: bool) -> tuple[datetime, bool]:
    """Return the moment that ``text`` names, and whether it depends on this machine's zone.

    Raises Failure.
    """
    word = text.lower()
    instant = _INSTANT.fullmatch(text)
    try:
        if is_span(text):
            length = timedelta(microseconds=parse_span(text))
            return (clock() - length if past else clock() + length), False
        if word in _DAYS and (past or word != "yesterday"):
            if word == "today" and not past:
                raise usage(f"{option}: today began at midnight; give tomorrow, or a time")
            day = clock().astimezone().date() + timedelta(_DAYS[word])
            return datetime(day.year, day.month, day.day).astimezone(UTC), True
        if instant:
            then = datetime.fromisoformat(text.upper())
            return then.astimezone(UTC), then.tzinfo is None
    except (ValueError, OverflowError):
        pass
    raise _unreadable(text, option, past=past)


def wire(then: datetime) -> str:
    """Return ``then`` in the API's format."""
    return then.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _unreadable(text: str, option: str, *, past: bool) -> Failure:
    if past and text.startswith("-") and is_span(text[1:]):
        return usage(f"{option} counts spans backwards: give {text[1:]}")
    ago = " (ago)" if past else ""
    return usage(
        f"{option} takes a time such as 2030-01-31T12:00:00Z or 2030-01-31 12:00, a day such as"
        f" 2030-01-31 or {'today' if past else 'tomorrow'}, or a span such as 90s, 1.5h or 2w{ago}"
    )
