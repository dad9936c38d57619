"""Our book and matching, alone, on the files of github.com/flash1-dev/matching-engine-benchmark.

Its generator writes a million orders of one instrument, with their cancels and modifies. Every
engine answers each message with reports; the SHA-256 of all reports in their canonical text is
published, since all engines that are right make the same ones. Source: its page on methodology,
Correctness.

What we translate:

- A market's grid ends at 9 999 ticks, and the files hold up to 37 860 prices. So each stretch of
  9 999 prices is a market of its own, and an order that crosses walks through them best first. No
  book holds a price outside its grid.
- Our book knows users and never trades an order with one of the same user. Here every order is
  another user's.
- ``sweep`` ends after a bounded number of fills. The adapter calls it until it is done, as the
  exchange's steps do.
- A modify takes the order out and matches it anew, and what is left rests behind all others at its
  price. An IOC order is matched and does not rest.
- Ids and quantities stay as they are.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from predmarket.engine.book import Book, Order
from predmarket.engine.matching import OnFill, Sweep, sweep
from predmarket.enums import Side
from predmarket.units import PRICE_ONE

Message: TypeAlias = tuple[int, int, int, int, int, int, int]
"""type, side (0 buys, 1 sells), 1 for IOC, quantity, sequence number, order id, price in ticks"""
Report: TypeAlias = tuple[int, ...]
"""type, sequence number, then the fields of its canonical line"""

NEW, CANCEL, MODIFY = range(3)
ORDER_ACK, TRADE, CANCEL_ACK, MODIFY_ACK, CANCEL_REJECT, MODIFY_REJECT = range(6)

GRID = PRICE_ONE - 1
"""Prices of a market whose tick is the smallest there is."""

_HEADER = struct.Struct("<QII")
_RECORD = struct.Struct("<BBBxIQQq8x")
_MAGIC, _VERSION = 0x4D4542575F303031, 1


class Engine(Protocol):
    """An empty book that answers messages once."""

    def run(self, messages: Sequence[Message]) -> list[Report]:
        """Execute all messages in order and return their reports."""


def read_messages(path: Path) -> list[Message]:
    """Return the messages of a file that the generator wrote."""
    data = path.read_bytes()
    if len(data) < _HEADER.size:
        raise ValueError(f"{path} is no file of the generator")
    magic, version, count = _HEADER.unpack_from(data)
    if (magic, version) != (_MAGIC, _VERSION):
        raise ValueError(f"{path} is no file of the generator's version {_VERSION}")
    if len(data) != _HEADER.size + count * _RECORD.size:
        raise ValueError(f"{path} does not hold the {count} messages that its head names")
    return list(_RECORD.iter_unpack(memoryview(data)[_HEADER.size :]))


def canonical(reports: Iterable[Report]) -> str:
    """Return the text that all right engines agree on: by sequence number, then by type."""
    lines = sorted(reports, key=lambda report: (report[1], report[0]))
    return "\n".join(",".join(map(str, line)) for line in lines)


def digest(reports: Iterable[Report]) -> str:
    """Return the SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(reports).encode()).hexdigest()


class OurEngine:
    """Markets side by side that together cover the prices of an instrument."""

    def __init__(self, lowest: int, highest: int) -> None:
        self._lowest = lowest
        books = [Book(1) for _ in range((highest - lowest) // GRID + 1)]
        self._books = books
        # for buys and for sells, by market: the markets with better prices than its own, best first
        numbers = range(len(books))
        self._better = [books[:own] for own in numbers], [books[:own:-1] for own in numbers]

    def run(self, messages: Sequence[Message]) -> list[Report]:  # noqa: PLR0912  # calls cost time
        """Execute all messages in order and return their reports."""
        reports: list[Report] = []
        resting: dict[int, Order] = {}
        report, books, lowest, better = reports.append, self._books, self._lowest, self._better
        buy, sell, unfinished = Side.BUY, Side.SELL, Sweep.UNFINISHED

        def on_fill(taker: Order, maker: Order, qty: int) -> None:
            at = lowest + maker.market_id * GRID + maker.price - 1
            report((TRADE, seq, at, qty, maker.id, taker.id))
            if not maker.remaining:
                del resting[maker.id]

        for kind, side, ioc, qty, seq, id, price in messages:
            if kind == NEW:
                report((ORDER_ACK, seq, side, id, price, qty))
                number, tick = divmod(price - lowest, GRID)
                order = Order(id, id, number, sell if side else buy, tick + 1, qty)
            else:
                found = resting.pop(id, None)
                if found is None:
                    report((CANCEL_REJECT if kind == CANCEL else MODIFY_REJECT, seq, id))
                    continue
                book = books[found.market_id]
                (book.bids if found.is_buy else book.asks).remove(found)
                if kind == CANCEL:
                    at = lowest + found.market_id * GRID + found.price - 1
                    report((CANCEL_ACK, seq, 0 if found.is_buy else 1, id, at))
                    continue
                order = found  # with new terms, as in the exchange
                number, tick = divmod(price - lowest, GRID)
                order.market_id, order.price = number, tick + 1
                order.qty = order.remaining = qty
            for book in better[side][number]:
                if order.remaining and (book.bids if side else book.asks).bits:
                    _sweep_past(book, order, on_fill)
            book = books[number]
            best = (book.bids if side else book.asks).best()
            # An order that does not cross rests without a walk, as in the exchange.
            if best is not None and (best.price > tick if side else best.price <= tick + 1):
                while order.remaining and sweep(book, order, on_fill, _on_own) is unfinished:
                    pass
            if kind == MODIFY:
                report((MODIFY_ACK, seq, side, id, price, qty))
            if order.remaining:
                if ioc:
                    report((CANCEL_ACK, seq, side, id, price))
                else:
                    (book.asks if side else book.bids).add(order)
                    resting[id] = order
        return reports


def _sweep_past(book: Book, taker: Order, on_fill: OnFill) -> None:
    """Trade with a market all of whose prices are better than the taker's."""
    limit, taker.price = taker.price, GRID if taker.is_buy else 1
    while sweep(book, taker, on_fill, _on_own) is Sweep.UNFINISHED:
        pass
    taker.price = limit


def _on_own(maker: Order) -> None:
    raise AssertionError("every order is another user's")
