"""Turns a journal into recorded orders: each thing that happened to an order, as one row.

The journal is executed again, so memory holds the exchange's state and no history. The rows are in
the order of the commands, and within a command in the order of the engine's events. Source:
docs/recorded-orders.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from predmarket.engine import Exchange
from predmarket.engine.book import Order
from predmarket.engine.commands import PlaceOrder
from predmarket.engine.events import Event, Match, OrderAccepted, OrderAmended, OrderCanceled
from predmarket.enums import OrderType, Side, TimeInForce
from predmarket.recorded_orders import Action, Row
from predmarket.server.core import journal_reader
from predmarket.server.core.journal import Entry
from predmarket.server.core.stores.base import Store
from predmarket.units import Micros

Progress = Callable[[str, int, int], None]

_COMMANDS = 500
"""Commands between two reports of the progress."""


class NoSuchMarket(Exception):
    """The exchange has no market of that id or slug."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is recorded: one market (id or slug) or all; times from ``begin``, and before ``end``.

    ``anonymise`` numbers accounts and orders as they appear.
    """

    market: str | None = None
    begin: Micros | None = None
    end: Micros | None = None
    anonymise: bool = False


def rows(store: Store, selection: Selection, progress: Progress) -> Iterator[Row]:
    """Yield the rows of a journal. Raises NoSuchMarket, StoreError."""
    market_id = None if selection.market is None else _market_id(store, selection.market)
    recorder = _Recorder(selection, market_id)
    last = store.core_row().last_seq
    for number, entry in journal_reader.entries(store):
        if selection.end is not None and entry.time >= selection.end:
            break
        if not number % _COMMANDS:
            progress("exporting", number, last)
        yield from recorder.executed(number, entry)
    yield from recorder.resting()


def _market_id(store: Store, market: str) -> int:
    is_id = market.isascii() and market.isdecimal() and len(market) <= 18
    column = "id" if is_id else "slug"
    value = int(market) if is_id else market
    found = store.read(f"SELECT id FROM markets WHERE {column} = {store.mark}", (value,))
    if not found:
        raise NoSuchMarket(f"there is no market {market}")
    return int(found[0][0])


class _Recorder:
    """Executes a journal's commands and describes what they did to orders."""

    def __init__(self, selection: Selection, market_id: int | None) -> None:
        self._selection = selection
        self._market_id = market_id
        self._exchange = Exchange()
        self._names = _Ordinals() if selection.anonymise else _Ids()
        self._seq = 0
        self._begun = selection.begin is None
        self._filled_before: dict[int, int] = {}
        """By order id, what had been filled of an order that rested at the beginning."""

    def executed(self, number: int, entry: Entry) -> Iterator[Row]:
        """Execute a command and yield its rows."""
        begin = self._selection.begin
        if begin is None or entry.time >= begin:
            yield from self.resting()
        self._seq = number
        _, events = self._exchange.apply(entry.time, entry.command)
        changed = self._exchange.take_changes().orders
        if self._begun:
            yield from self._rows(entry, events, changed)
        for id in changed:
            if id not in self._exchange.state.orders:
                self._names.forget(id)
                self._filled_before.pop(id, None)

    def _rows(self, entry: Entry, events: list[Event], changed: dict[int, Order]) -> Iterator[Row]:
        place = entry.command if isinstance(entry.command, PlaceOrder) else None
        for event in events:
            row = self._row(entry.time, place, changed, event)
            if row is not None:
                yield row

    def resting(self) -> Iterator[Row]:
        """Yield the orders that rest at the beginning, once, in the order of their priority.

        An order whose sweep is unfinished comes last: it has not come to rest.
        """
        if self._begun:
            return
        self._begun = True
        begin = self._selection.begin
        assert begin is not None  # else it began with the journal
        found = sorted(self._exchange.state.orders.values(), key=_priority)
        for order in filter(self._selects, found):
            if order.filled:
                self._filled_before[order.id] = order.filled
            is_immediate = order.tif in (TimeInForce.IOC, TimeInForce.FOK)
            yield Row(
                seq=self._seq,
                time=begin,
                action=Action.RESTING,
                market=self._slug(order),
                order=self._names.order(order.id),
                account=self._names.account(order.user_id),
                side=order.side,
                type=OrderType.LIMIT,
                price=order.price,
                qty=order.remaining,
                time_in_force=TimeInForce.IOC if is_immediate else order.tif,
                post_only=order.post_only,
                self_trade_prevention=order.stp,
                tick_size=self._exchange.state.markets[order.market_id].tick,
            )

    def _selects(self, order: Order) -> bool:
        return self._market_id in (None, order.market_id)

    def _slug(self, order: Order) -> str:
        return self._exchange.state.markets[order.market_id].slug

    def _row(
        self, time: Micros, place: PlaceOrder | None, changed: dict[int, Order], event: Event
    ) -> Row | None:
        if isinstance(event, Match):
            is_buy = event.taker_side is Side.BUY
            both = (event.buy_order_id, event.sell_order_id)
            taker, maker = both if is_buy else both[::-1]
            order = changed[taker]
        elif isinstance(event, OrderAccepted | OrderAmended | OrderCanceled):
            order, maker = changed[event.order_id], 0
        else:
            return None
        if not self._selects(order):
            return None
        row = Row(
            seq=self._seq,
            time=time,
            action=Action.TRADE,
            market=self._slug(order),
            order=self._names.order(order.id),
            account=self._names.account(order.user_id),
            side=order.side,
        )
        with_terms = msgspec.structs.replace
        if isinstance(event, Match):
            named = self._names.order(maker)
            return with_terms(row, price=event.price, qty=event.qty, maker_order=named)
        if isinstance(event, OrderCanceled):
            return with_terms(row, action=Action.CANCEL, reason=event.reason.value)
        if isinstance(event, OrderAmended):
            qty = event.qty - self._filled_before.get(order.id, 0)
            return with_terms(row, action=Action.AMEND, price=event.price, qty=qty)
        assert place is not None  # nothing else has an order accepted
        return with_terms(
            row,
            action=Action.PLACE,
            type=order.type,
            price=None if order.type is OrderType.MARKET else order.price,
            qty=order.qty,
            time_in_force=order.tif,
            post_only=order.post_only,
            self_trade_prevention=order.stp,
            max_slippage=place.max_slippage,
            tick_size=self._exchange.state.markets[order.market_id].tick,
        )


def _priority(order: Order) -> tuple[bool, int]:
    return order.level is None, order.rank


class _Ids:
    """Names orders and accounts by their ids."""

    def order(self, id: int) -> str:
        """Return an order's name."""
        return str(id)

    def account(self, user_id: int) -> str:
        """Return an account's name."""
        return str(user_id)

    def forget(self, id: int) -> None:
        """Drop an order that has ended."""


class _Ordinals(_Ids):
    """Numbers orders and accounts as they appear: the names say nothing of the ids."""

    def __init__(self) -> None:
        self._accounts: dict[int, str] = {}
        self._orders: dict[int, str] = {}
        self._last_order = 0

    def order(self, id: int) -> str:
        if id not in self._orders:
            self._last_order += 1
            self._orders[id] = str(self._last_order)
        return self._orders[id]

    def account(self, user_id: int) -> str:
        return self._accounts.setdefault(user_id, f"account-{len(self._accounts) + 1}")

    def forget(self, id: int) -> None:
        self._orders.pop(id, None)
