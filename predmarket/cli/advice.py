"""Advice for a failure, which depends on the line's exchange and profile."""

from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from predmarket.cli import failure
from predmarket.cli.failure import Failure
from predmarket.client import ApiError, ClientError, Retry, Unreachable, calls
from predmarket.client.calls import Call
from predmarket.client.response_types import EventSummary, Market, Page
from predmarket.client.settings import DEFAULT_URL, Settings
from predmarket.exit_codes import ExitCode
from predmarket.nearest import did_you_mean, nearest

if TYPE_CHECKING:
    from predmarket.client import Client

Listed = TypeVar("Listed", Market, EventSummary)

_MOST = 1_000
_PATIENCE_S = 2.0
_UNAUTHENTICATED = "UNAUTHENTICATED"
_ORIGINS = {"flag": "--url", "env": "PREDMARKET_URL", ".env": "PREDMARKET_URL in .env"}


class Line(Protocol):
    """The part of a command line that advice needs (context.py)."""

    market: str | None
    event: str | None

    @property
    def settings(self) -> Settings:
        """The client's settings."""

    @property
    def place(self) -> str:
        """The address and profile, for messages."""

    def spelled(self, command: str) -> str:
        """Return ``command`` with the flags for the same exchange and profile."""

    def client(self, *, retry: Retry | None = None) -> "Client":
        """Return a client with these settings."""


def advised(line: Line, error: ClientError) -> Failure:
    """Return ``error`` as the failure of ``line``, with advice."""
    lost = failure.of_client(error)
    if isinstance(error, Unreachable):
        _about_the_address(line, lost)
    elif isinstance(error, ApiError) and error.code == f"HTTP_{error.status}":
        _about_a_stranger(line, lost, error)
    elif isinstance(error, ApiError) and error.status == 401:
        _about_the_login(line, lost, error)
    elif lost.code == "FORBIDDEN":
        lost.advise(f"this was asked {_as_whom(line)}, at {line.settings.url.value}")
    elif lost.code == "MARKET_NOT_FOUND" and line.market is not None:
        near = _like(line, line.market, calls.markets(limit=100))
        lost.message = f"there is no market {line.market}{did_you_mean(near)}"
    elif lost.code == "EVENT_NOT_FOUND" and line.event is not None:
        near = _like(line, line.event, calls.events(limit=100))
        lost.message = f"there is no event {line.event}{did_you_mean(near)}"
    elif lost.code == "EVENT_DECIDES" and "group" in lost.message:
        lost.advise(f"give the event another group: {line.spelled('event update E --group G')}")
    elif lost.code == "EVENT_DECIDES":
        lost.advise(f"end the whole event with: {line.spelled('event resolve E OUTCOME')}")
        if "proposed" in lost.message:
            lost.advise(f"or decide on its proposal: {line.spelled('event proposal confirm E')}")
    return lost


def _about_the_address(line: Line, lost: Failure) -> None:
    url = line.settings.url
    if url.origin == "profile":
        named = f"profile {line.settings.profile.value}"
    else:
        named = _ORIGINS.get(url.origin, "")
    if named:
        lost.advise(f"the address {url.value} comes from {named}")
    if url.origin == "default":
        lost.advise(
            f"no address was given, and {DEFAULT_URL} is the default;"
            " start an exchange there with: predmarket serve"
        )


def _about_a_stranger(line: Line, lost: Failure, error: ApiError) -> None:
    """Report an error page that no exchange has written."""
    answer = f"{error.status} {error.message}"
    if error.status < 500:
        lost.message = f"{line.settings.url.value} is no predmarket exchange: it answered {answer}"
        lost.code, lost.exit_code = "UNREACHABLE", ExitCode.UNAVAILABLE
    else:
        lost.message = f"what stands before the exchange answered {answer}"
    _about_the_address(line, lost)


def _about_the_login(line: Line, lost: Failure, error: ApiError) -> None:
    if error.code != _UNAUTHENTICATED:
        return
    if line.settings.api_key:
        where = ".env" if line.settings.api_key.origin == ".env" else "the environment"
        lost.message = f"the API key in PREDMARKET_API_KEY ({where}) is unknown here, or revoked"
        lost.advise(f"list keys with: {line.spelled('auth key list')}")
    else:
        lost.message = f"not logged in at {line.place}"
        lost.advise(f"log in with: {line.spelled('auth login EMAIL')}")


def _as_whom(line: Line) -> str:
    if line.settings.api_key:
        return "with the API key in PREDMARKET_API_KEY"
    return f"with the login of profile {line.settings.profile.value}"


def _like(line: Line, name: str, listing: Call[Page[Listed]]) -> list[str]:
    """Return listed names similar to ``name``; none if they cannot be listed."""
    try:
        with line.client(retry=Retry(attempts=1, total_s=_PATIENCE_S)) as client:
            known = islice(client.follow(listing), _MOST)
            return nearest(name, [one["slug"] for one in known])
    except ClientError:
        return []
