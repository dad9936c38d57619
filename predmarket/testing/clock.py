"""The exchange's clock in a test's hands."""

from datetime import UTC, datetime, timedelta

from predmarket.spans import parse_span
from predmarket.testing.server_thread import ServerThread
from predmarket.units import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExchangeClock:
    """Reads and moves the exchange's clock. It moves forward only.

    Closing times, expiries, dead-man switches and candles follow it. Rate limits, the deadlines of
    requests and, unless asked, the lifetime of tokens keep to real time.
    """

    def __init__(self, server: ServerThread) -> None:
        self._server = server

    @property
    def now(self) -> datetime:
        """Return the exchange's time, in UTC."""
        return _EPOCH + timedelta(microseconds=self._server.node.core.now())

    def advance(self, span: str | timedelta) -> datetime:
        """Move by a span such as "3h"; return the time, at which everything due is done.

        Raises ValueError, NotMovable.
        """
        return self._to(self._server.node.core.now() + micros(span))

    def set(self, moment: datetime) -> datetime:
        """Move to a time with a zone; return it, when everything due is done.

        Raises ValueError, NotMovable.
        """
        if moment.tzinfo is None:
            raise ValueError("the time needs a zone, for example tzinfo=UTC")
        return self._to((moment - _EPOCH) // timedelta(microseconds=1))

    def _to(self, moment: Micros) -> datetime:
        self._server.do(self._server.node.core.advance(moment))
        return self.now


def micros(span: str | timedelta) -> Micros:
    """Return a span's length. Raises ValueError."""
    return parse_span(span) if isinstance(span, str) else span // timedelta(microseconds=1)
