"""Plays recorded orders into an exchange, strictly one after the other.

An order is named by a client order id of the label and its name in the recording, so nothing has to
be remembered, and whatever got no answer is sent again without harm: the exchange knows the order,
a second amendment changes nothing, and a second cancellation finds the order gone.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from predmarket.client import ApiError, Client, NewOrder, calls
from predmarket.client.calls import Call
from predmarket.client.response_types import BatchResult
from predmarket.enums import CancelReason, TimeInForce
from predmarket.recorded_orders import Action, Row
from predmarket.recorded_orders.row import DEFAULT_TICK
from predmarket.units import Micros, format_price, format_qty

T = TypeVar("T")

_BATCH = 100
_ATTEMPTS = 30
_LONGEST_PAUSE_S = 60.0
_TOO_BUSY = (429, 503)
_GONE = frozenset({"ORDER_NOT_OPEN", "ORDER_NOT_FOUND"})
_BY_ITSELF = frozenset({CancelReason.IOC, CancelReason.MARKET_REMAINDER, CancelReason.SELF_TRADE})
"""Reasons of cancellations that the exchange makes by itself when it matches orders."""


@dataclass(slots=True)
class Played:
    """What was played. ``gone`` counts amendments and cancellations of orders that had ended
    already; ``refused`` has the refusals by their code. ``seq`` is the last command played whole.
    """

    rows: int = 0
    placed: int = 0
    amended: int = 0
    canceled: int = 0
    gone: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seq: int = 0


class Player:
    """Plays rows through the clients of their accounts.

    ``client_of`` returns the client of a recorded account, ``require_market`` makes a market with
    a tick if it is missing. ``at`` is called with a recorded time before what happened at it.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        client_of: Callable[[str], Client],
        require_market: Callable[[str, str], None],
        *,
        label: str = "replay",
        at: Callable[[Micros], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.played = Played()
        self._rows = filter(_is_played, rows)
        self._client_of = client_of
        self._require_market = require_market
        self._label = label
        self._at = at
        self._sleep = sleep
        self._time: Micros | None = None
        self._held: Row | None = None
        self._seq = 0

    def next_time(self) -> Micros | None:
        """Return the time of the next row, None at the end. Raises RecordedOrdersError."""
        self._held = self._next()
        return None if self._held is None else self._held.time

    def _next(self) -> Row | None:
        row, self._held = self._held or next(self._rows, None), None
        return row

    def play(self, until: Micros | None = None) -> None:
        """Play the rows up to and at a recorded time, or all of them.

        Raises ApiError for what is no refusal of an order, Unreachable, RecordedOrdersError.
        """
        while self.play_one(until):
            pass

    def play_one(self, until: Micros | None = None) -> bool:
        """Play the rows that go in one request; False: there are none left. Raises as ``play``."""
        group = self._group(until)
        if group:
            first = group[0]
            if first.seq > self._seq:
                self.played.seq = self._seq
            if self._at is not None and first.time != self._time:
                self._at(first.time)
            self._time = first.time
            self._play(group)
            self.played.rows += len(group)
            self._seq = group[-1].seq
        elif self._held is None:
            self.played.seq = self._seq
        return bool(group)

    def _group(self, until: Micros | None) -> list[Row]:
        """Return rows that go in one request: orders of one account that follow each other."""
        group: list[Row] = []
        while len(group) < _BATCH:
            row = self._next()
            if row is None:
                break
            is_later = until is not None and row.time > until
            if is_later or (group and not self._joins(group[-1], row)):
                self._held = row
                break
            group.append(row)
        return group

    def _joins(self, before: Row, row: Row) -> bool:
        return (
            _is_new(before)
            and _is_new(row)
            and before.account == row.account
            and (self._at is None or before.time == row.time)
        )

    def _play(self, group: list[Row]) -> None:
        first = group[0]
        client = self._client_of(first.account)
        if _is_new(first):
            self._place(client, group)
            return
        ref = f"client:{self._client_order_id(first)}"
        call = calls.cancel_order(ref)
        if first.action is Action.AMEND:
            price, qty = format_price(first.price or 0), format_qty(first.qty or 0)
            call = calls.amend_order(ref, price=price, qty=qty)
        try:
            self._send(client, replace(call, repeatable=True))
        except ApiError as error:
            self._count_refusal(error.code, error)
            return
        if first.action is Action.AMEND:
            self.played.amended += 1
        else:
            self.played.canceled += 1

    def _place(self, client: Client, group: list[Row]) -> None:
        for row in group:
            self._require_market(row.market, format_price(row.tick_size or DEFAULT_TICK))
        orders = [self._order(row) for row in group]
        if len(orders) > 1:
            for result in self._batch(client, orders):
                if "error" in result:
                    self._count_refusal(str(result["error"]["code"]), None)
                else:
                    self.played.placed += 1
            return
        try:
            self._send(client, calls.place_order(orders[0]))
            self.played.placed += 1
        except ApiError as error:
            self._count_refusal(error.code, error)

    def _count_refusal(self, code: str, error: ApiError | None) -> None:
        """Count a refusal; an error that is about no order is raised."""
        if code in _GONE:
            self.played.gone += 1
        elif error is None or error.status in (400, 403, 409, 422):
            self.played.refused[code] += 1
        else:
            raise error

    def _batch(self, client: Client, orders: list[NewOrder]) -> list[BatchResult]:
        return self._send(client, calls.place_batch(orders))["results"]

    def _send(self, client: Client, call: Call[T]) -> T:
        """Send a call; wait and send it again while the exchange is too busy or counts a limit."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return client.send(call)
            except ApiError as error:
                if error.status not in _TOO_BUSY or attempt == _ATTEMPTS:
                    raise
                self._sleep(min(error.retry_after_s or 0.2, _LONGEST_PAUSE_S))
        raise AssertionError("the last attempt returns or raises")

    def _client_order_id(self, row: Row) -> str:
        return f"{self._label}-{row.order}"

    def _order(self, row: Row) -> NewOrder:
        """Return a row as an order. Its end by time comes as a row of its own."""
        tif = row.time_in_force
        return NewOrder(
            market=row.market,
            side=str(row.side),
            type=row.type or "LIMIT",
            price=None if row.price is None else format_price(row.price),
            qty=format_qty(row.qty or 0),
            time_in_force=TimeInForce.GTC if tif is TimeInForce.GTD else tif,
            post_only=row.post_only or None,
            max_slippage=None if row.max_slippage is None else format_price(row.max_slippage),
            self_trade_prevention=row.self_trade_prevention,
            client_order_id=self._client_order_id(row),
        )


def _is_new(row: Row) -> bool:
    return row.action in (Action.PLACE, Action.RESTING)


def _is_played(row: Row) -> bool:
    """Tell whether a row is an act of its account, and no consequence of others."""
    return row.action is not Action.TRADE and not (
        row.action is Action.CANCEL and row.reason in _BY_ITSELF
    )
