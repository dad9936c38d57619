"""Points in time as the command line takes them: RFC 3339, or a span from now such as 2h30m."""

import re
from datetime import UTC, datetime, timedelta

from predmarket.cli.failure import Failure, usage

_SPAN = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?", re.ASCII | re.IGNORECASE
)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def moment(text: str | None, option: str) -> str | None:
    """Return ``text`` as RFC 3339 UTC with microseconds; None stays None. Raises Failure."""
    if text is None:
        return None
    span = _SPAN.fullmatch(text)
    try:
        if text and span:
            days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
            then = datetime.now(UTC) + timedelta(
                days=days, hours=hours, minutes=minutes, seconds=seconds
            )
        elif _INSTANT.fullmatch(text):
            then = datetime.fromisoformat(text.upper()).astimezone(UTC)
        else:
            raise _unreadable(option)
    except (ValueError, OverflowError):
        raise _unreadable(option) from None
    return then.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _unreadable(option: str) -> Failure:
    return usage(f"{option} takes a time such as 2030-01-31T12:00:00Z, or a span such as 30m or 1d")
