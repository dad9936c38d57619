"""The yardsticks of the public book: other people's Python engines, from their own checkouts.

- pyob (github.com/wegar-2/pyob). The benchmark lists it as right after a fix, but its checkout
  does not contain that fix. Ours is made in memory, and changes no more than the reports need: a
  level whose orders are all filled or cancelled is dropped, also after a cancel, and an order that
  was cancelled and placed again under its id is not forgotten. Dropping a level takes constant
  time here; the list search of the original would make it several times slower.
- dyn4mik3 (github.com/dyn4mik3/OrderBook), through the driver in the benchmark's checkout.
"""

import importlib.util
import sys
from collections import deque
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Protocol

from benchmarks.public_book import (
    CANCEL,
    CANCEL_ACK,
    CANCEL_REJECT,
    MODIFY_ACK,
    MODIFY_REJECT,
    NEW,
    ORDER_ACK,
    TRADE,
    Engine,
    Message,
    Report,
)


class _Order(Protocol):
    order_id: int
    quantity: int


class _Trade(Protocol):
    resting_order_id: int
    quantity: int
    price: int


class _Side(Protocol):
    prices: list[int]
    levels: dict[int, deque[_Order]]
    orders: dict[int, tuple[int, _Order]]

    def best_price(self) -> int | None: ...
    def clear_empty_orders_at_best_price(self) -> None: ...
    def cancel(self, order_id: int) -> bool: ...


class _Book(Protocol):
    bids: _Side
    asks: _Side

    def submit(self, order: _Order) -> list[_Trade]: ...


class Pyob:
    """pyob's OrderBook with the fix."""

    def __init__(self, modules: ModuleType) -> None:
        self._book: _Book = modules.OrderBook()
        self._order: Callable[[int, object, int, int], _Order] = modules.Order
        self._buy: object = modules.Side.BUY
        self._sell: object = modules.Side.SELL

    def run(self, messages: Sequence[Message]) -> list[Report]:
        """Execute all messages in order and return their reports."""
        reports: list[Report] = []
        report, submit, make = reports.append, self._book.submit, self._order
        buy, sell, bids, asks = self._buy, self._sell, self._book.bids, self._book.asks
        for kind, side, ioc, qty, seq, id, price in messages:
            if kind == NEW:
                report((ORDER_ACK, seq, side, id, price, qty))
                order = make(id, sell if side else buy, qty, price)
                for trade in submit(order):
                    filled, maker = trade.quantity, trade.resting_order_id
                    report((TRADE, seq, trade.price, filled, maker, id))
                if ioc and order.quantity:
                    _cancel(asks if side else bids, id)
                    report((CANCEL_ACK, seq, side, id, price))
                continue
            is_buy = id in bids.orders
            own = bids if is_buy else asks
            found = own.orders.get(id)
            if found is None:
                report((CANCEL_REJECT if kind == CANCEL else MODIFY_REJECT, seq, id))
                continue
            _cancel(own, id)
            if kind == CANCEL:
                report((CANCEL_ACK, seq, 0 if is_buy else 1, id, found[0]))
                continue
            for trade in submit(make(id, sell if side else buy, qty, price)):
                filled, maker = trade.quantity, trade.resting_order_id
                report((TRADE, seq, trade.price, filled, maker, id))
            report((MODIFY_ACK, seq, side, id, price, qty))
        return reports


def _cancel(side: _Side, id: int) -> None:
    side.cancel(id)  # it only makes the order's quantity zero
    side.clear_empty_orders_at_best_price()


def _clear(side: _Side) -> None:
    """Drop dead orders from the front of the best level, and dead levels."""
    while (best := side.best_price()) is not None:
        level = side.levels[best]
        while level and not level[0].quantity:
            dead = level.popleft()
            listed = side.orders.get(dead.order_id)
            if listed is not None and listed[1] is dead:
                del side.orders[dead.order_id]
        if level:
            return
        side.prices.pop(-1 if side.prices[-1] == best else 0)
        del side.levels[best]


class _Driver(Protocol):
    def on_new(
        self, id: int, seq: int, price: int, qty: int, side: int, ioc: int
    ) -> list[Report]: ...
    def on_cancel(self, id: int, seq: int) -> list[Report]: ...
    def on_modify(self, id: int, seq: int, price: int, qty: int, side: int) -> list[Report]: ...


class Dyn4mik3:
    """dyn4mik3's OrderBook behind the benchmark's driver."""

    def __init__(self, driver: ModuleType) -> None:
        self._driver: _Driver = driver.Driver()

    def run(self, messages: Sequence[Message]) -> list[Report]:
        """Execute all messages in order and return their reports."""
        reports: list[Report] = []
        new, cancel, modify = self._driver.on_new, self._driver.on_cancel, self._driver.on_modify
        for kind, side, ioc, qty, seq, id, price in messages:
            if kind == NEW:
                reports += new(id, seq, price, qty, side, ioc)
            elif kind == CANCEL:
                reports += cancel(id, seq)
            else:
                reports += modify(id, seq, price, qty, side)
        return reports


def pyob(checkout: Path) -> Callable[[], Engine]:
    """Return a maker of empty books of pyob's."""
    modules = _import("src", checkout)
    modules.BookSide.clear_empty_orders_at_best_price = _clear
    return lambda: Pyob(modules)


def dyn4mik3(checkout: Path, benchmark: Path) -> Callable[[], Engine]:
    """Return a maker of empty books of dyn4mik3's."""
    if importlib.util.find_spec("six") is None:
        # It takes one name from six, for printing a book.
        sys.modules["six"] = ModuleType("six")
        sys.modules["six.moves"] = moves = ModuleType("six.moves")
        vars(moves)["cStringIO"] = StringIO
    _import("orderbook", checkout)
    driver = _import("dyn4mik3_driver", benchmark / "additional_references" / "dyn4mik3_adapter")
    return lambda: Dyn4mik3(driver)


def _import(name: str, folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
