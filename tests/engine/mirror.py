"""The state that events alone determine: books, cash, event counts of orders.

Whoever follows the exchange from outside lives on events, so they must be complete: the books
built from the deltas and the cash added up from trades must be those of the engine itself.
"""

from collections.abc import Iterable

from predmarket.engine.events import (
    BookDelta,
    Event,
    Match,
    Merged,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderFilled,
    OrderPartiallyFilled,
    OrderRejected,
    PaidOut,
    Transferred,
)
from predmarket.enums import Side
from predmarket.units import PRICE_ONE, Money, Price, Qty

OrderEvents = (
    OrderAccepted
    | OrderRejected
    | OrderPartiallyFilled
    | OrderFilled
    | OrderCanceled
    | OrderAmended
)


class Mirror:
    """Books, cash and counters put together from events."""

    def __init__(self) -> None:
        self.levels: dict[tuple[int, Side], dict[Price, Qty]] = {}
        self.cash: dict[int, Money] = {}
        self.book_seq: dict[int, int] = {}
        self.order_events: dict[int, int] = {}
        self.transfers = 0

    def read(self, happened: Iterable[Event]) -> None:
        """Apply events. Raises AssertionError where a counter has a gap."""
        for event in happened:
            if isinstance(event, BookDelta):
                self._delta(event)
            elif isinstance(event, OrderEvents):
                seen = self.order_events.get(event.order_id, 0)
                assert event.n == seen + 1, f"order {event.order_id}: its events have a gap"
                self.order_events[event.order_id] = event.n
            else:
                self._money(event)

    def _delta(self, event: BookDelta) -> None:
        seen = self.book_seq.get(event.market_id, 0)
        assert event.seq == seen + 1, f"market {event.market_id}: its deltas have a gap"
        self.book_seq[event.market_id] = event.seq
        levels = self.levels.setdefault((event.market_id, event.side), {})
        if event.qty:
            levels[event.price] = event.qty
        else:
            levels.pop(event.price, None)

    def _money(self, event: Event) -> None:
        if isinstance(event, Match):
            self._pay(event.buy_user_id, event.buy_cash - event.buy_fee)
            self._pay(event.sell_user_id, event.sell_cash - event.sell_fee)
        elif isinstance(event, Merged):
            self._pay(event.user_id, event.qty * PRICE_ONE)
        elif isinstance(event, PaidOut):
            self._pay(event.user_id, event.cash + event.fee)
        elif isinstance(event, Transferred):
            self.transfers += 1
            assert event.transfer_id == self.transfers, "the transfers have a gap"
            self._pay(event.user_id, event.amount)

    def _pay(self, user_id: int, amount: Money) -> None:
        self.cash[user_id] = self.cash.get(user_id, 0) + amount

    def book(self, market_id: int) -> tuple[list[tuple[Price, Qty]], list[tuple[Price, Qty]]]:
        """Return bids and asks, best first."""
        bids = self.levels.get((market_id, Side.BUY), {})
        asks = self.levels.get((market_id, Side.SELL), {})
        return sorted(bids.items(), reverse=True), sorted(asks.items())
