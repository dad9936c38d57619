"""The tape: trades in order; the trades of one order at one price are one line.

An order that sweeps a price makes a trade with each resting order there, all at one time. They are
one print with a count. Prints at different prices stay separate, because they show the order's
path.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from predmarket.enums import Side
from predmarket.units import Micros, Price, Qty

_SECOND: Micros = 1_000_000
_DAY_SECONDS = 86_400


class Traded(Protocol):
    """One trade: time, price, size, and the taker's side."""

    @property
    def at(self) -> Micros: ...
    @property
    def price(self) -> Price: ...
    @property
    def qty(self) -> Qty: ...
    @property
    def taker(self) -> Side: ...


class Print(NamedTuple):
    """Trades of one moment, side and price."""

    at: Micros
    price: Price
    qty: Qty
    taker: Side
    trades: int


@dataclass(slots=True)
class TapeData:
    """The data of the tape: trades, the newest first. It is read once a frame.

    ``offset_seconds`` is the offset of local time from UTC.
    """

    tick: Price = 100
    trades: Iterable[Traded] = ()
    offset_seconds: int = 0
    live: bool = True


def prints(trades: Iterable[Traded], most: int) -> Iterator[Print]:
    """Yield at most ``most`` prints, the newest first."""
    last: Print | None = None
    for trade in trades:
        key = (trade.at, trade.price, trade.taker)
        if last is not None and key == (last.at, last.price, last.taker):
            last = last._replace(qty=last.qty + trade.qty, trades=last.trades + 1)
            continue
        if last is not None:
            yield last
            most -= 1
        last = Print(trade.at, trade.price, trade.qty, trade.taker, 1)
        if most <= 0:
            return
    if last is not None:
        yield last


def clock_text(at: Micros, offset_seconds: int = 0) -> str:
    """Return the time of day: "14:02:11"."""
    seconds = (at // _SECOND + offset_seconds) % _DAY_SECONDS
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
