"""Reads the query of a request.

Parameters that mean nothing here are ignored, because clients send all that Kalshi knows. A known
parameter with a wrong value is refused.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Annotated, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from litestar.params import PathParameter

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.http.query import MAX_PARAMETERS
from predmarket.server.gateway.kalshi.errors import KalshiRefusal, invalid
from predmarket.server.gateway.kalshi.words import SECOND
from predmarket.server.read_model.queries.cursors import decode_cursor
from predmarket.server.read_model.queries.spans import Span
from predmarket.units import Micros

T = TypeVar("T")
NamePath: TypeAlias = Annotated[str, PathParameter(description="A ticker, an id, or a key's id")]

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000
MAX_TICKERS = 100
_MAX_SECONDS = 2**33
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")


class Query:
    """The query of one request. Each method raises Invalid for a wrong value."""

    def __init__(self, request: ApiRequest) -> None:
        raw = request.scope["query_string"].decode("latin-1")
        if raw.count("&") >= MAX_PARAMETERS:
            raise invalid("", f"holds more than {MAX_PARAMETERS} parameters")
        self._given: dict[str, list[str]] = {}
        for name, value in parse_qsl(raw):
            self._given.setdefault(name, []).append(value)
        if self.number("subaccount", 0, 0, 63) != 0:
            raise no_subaccounts()

    def text(self, name: str) -> str | None:
        """Return a parameter, the last if it is given more than once."""
        values = self._given.get(name)
        return None if values is None else values[-1]

    def words(self, name: str, most: int = MAX_TICKERS) -> list[str]:
        """Return the words of a list: separated by commas, or given more than once."""
        found = [
            word.strip()
            for value in self._given.get(name, ())
            for word in value.split(",", most)
            if word.strip()
        ]
        if len(found) > most:
            raise invalid(name, f"holds more than {most} values")
        return found

    def one_of(self, name: str, known: Iterable[str]) -> list[str]:
        """Return the words of a list, each of which must be known."""
        found = [word.lower() for word in self.words(name)]
        wrong = [word for word in found if word not in known]
        if wrong:
            raise invalid(name, f"must be among {', '.join(known)}")
        return found

    def flag(self, name: str) -> bool:
        """Return whether a parameter is true; it is false by default."""
        value = (self.text(name) or "").lower()
        if value not in _TRUE + _FALSE:
            raise invalid(name, "must be true or false")
        return value in _TRUE

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number between two bounds."""
        value = self.text(name)
        if value is None:
            return default
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise invalid(name, "must be a whole number")
        if not least <= int(value) <= most:
            raise invalid(name, f"must lie between {least} and {most}")
        return int(value)

    def limit(self, most: int = MAX_LIMIT, default: int = DEFAULT_LIMIT) -> int:
        """Return the requested number of rows, at most the maximum, as at Kalshi."""
        return min(self.number("limit", default, 0, 2**31), most) or default

    def before(self) -> int:
        """Return the id below which the page begins."""
        return decode_cursor(self.text("cursor") or None)

    async def page(
        self,
        pieces: AsyncGenerator[list[T]],
        number: Callable[[T], int],
        wanted: Callable[[T], bool] = lambda _: True,
    ) -> tuple[list[T], int | None]:
        """Return the page asked for, and the number below which the next one begins.

        That is None after the last page. ``pieces`` begin where the page does.
        """
        limit, page = self.limit(), list[T]()
        async with aclosing(pieces):
            async for piece in pieces:
                for one in filter(wanted, piece):
                    if len(page) == limit:
                        return page, number(page[-1])
                    page.append(one)
        return page, None

    async def chosen(
        self, found: Iterable[T], number: Callable[[T], int], wanted: Callable[[T], bool]
    ) -> AsyncGenerator[list[T]]:
        """Yield what the query names as one piece, from where its page begins."""
        before = self.before()
        below = [one for one in found if number(one) < before and wanted(one)]
        yield sorted(below, key=number, reverse=True)

    def moment(self, name: str) -> Micros | None:
        """Return a time that is given in seconds since 1970."""
        if self.text(name) is None:
            return None
        return self.number(name, 0, 0, _MAX_SECONDS) * SECOND

    def span(self) -> Span:
        """Return the span from min_ts to max_ts, both included."""
        latest = self.moment("max_ts")
        return Span(self.moment("min_ts"), None if latest is None else latest + SECOND)


def no_subaccounts() -> KalshiRefusal:
    """Return the refusal of every subaccount but the first."""
    return KalshiRefusal(400, "subaccounts_not_supported", "there is only the subaccount 0 here")
