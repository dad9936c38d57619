"""Turns the events of a batch's commands into rows of the append-only tables.

Invariant: rows are copies; later commands do not change them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from predmarket.engine import events as ev
from predmarket.engine.commands import Command, OpenAccount, Transfer
from predmarket.engine.events import Event
from predmarket.engine.ledger import Account
from predmarket.engine.state import State
from predmarket.server.core.admin_acts import act_of
from predmarket.server.core.stores.rows import (
    ADMIN_LOG,
    LEDGER,
    ORDER_EVENTS,
    ORDER_GROUP_FILLS,
    QUOTES,
    TRADES,
    TRANSFERS,
    Row,
    Shape,
)
from predmarket.units import PRICE_ONE, Micros, Money

SIGNUP_REASON = "sign-up credit"


@dataclass(slots=True)
class HistoryRows:
    """Append-only rows of a batch. ``last_ledger_id`` continues from the state it was made with."""

    last_ledger_id: int
    transfers: list[Row] = field(default_factory=list)
    trades: list[Row] = field(default_factory=list)
    order_events: list[Row] = field(default_factory=list)
    order_group_fills: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    admin_log: list[Row] = field(default_factory=list)
    quotes: list[Row] = field(default_factory=list)
    _moved: list[tuple[int, Money]] = field(default_factory=list)
    """The user and the amount of each ledger entry of one command."""

    def __len__(self) -> int:
        return (
            len(self.transfers) + len(self.trades) + len(self.order_events)
            + len(self.order_group_fills) + len(self.ledger) + len(self.admin_log)
        )  # fmt: skip

    def by_shape(self) -> list[tuple[Shape, list[Row]]]:
        """Return the rows by table."""
        return [
            (TRANSFERS, self.transfers),
            (TRADES, self.trades),
            (ORDER_EVENTS, self.order_events),
            (ORDER_GROUP_FILLS, self.order_group_fills),
            (LEDGER, self.ledger),
            (ADMIN_LOG, self.admin_log),
            (QUOTES, self.quotes),
        ]

    def add(self, seq: int, command: Command, events: Sequence[Event], state: State) -> None:
        """Append the rows of one command's events; ``state`` is as the command left it."""
        now = state.happens_at
        if (act := act_of(command, events)) is not None:
            self.admin_log.append((seq, now, *act))
        for event in events:
            kind = type(event)
            if kind in _ORDER_DETAIL:
                more = _ORDER_DETAIL[kind](event)
                self.order_events.append((event.order_id, event.type, event.n, seq, *more))  # type: ignore[union-attr]  # an order's event
            elif kind is ev.Match:
                self._match(seq, now, event)  # type: ignore[arg-type]  # a Match
            elif isinstance(event, ev.Merged):
                cash = event.qty * PRICE_ONE
                self._entry(seq, now, "MERGE", event.user_id, event.market_id, "COLLATERAL", cash)
            elif isinstance(event, ev.OrderGroupFilled):
                self.order_group_fills.append((now, event.trade_id, event.group_id, event.qty))
            elif isinstance(event, ev.PaidOut):
                self._payout(seq, now, event)
            elif isinstance(event, ev.Transferred):
                self._transfer(seq, now, command, event, state.ledger.accounts[event.user_id])
        if self._moved:
            self._add_balances(state.ledger.accounts)

    def _add_balances(self, accounts: Mapping[int, Account]) -> None:
        """End each entry of a command with the cash after it, counted back from what is there."""
        cash: dict[int, Money] = {}
        for back, (user_id, amount) in enumerate(reversed(self._moved), 1):
            if user_id not in cash:
                account = accounts[user_id]
                cash[user_id] = account.available + account.locked
            self.ledger[-back] += (cash[user_id],)
            cash[user_id] -= amount
        self._moved.clear()

    def _entry(
        self,
        seq: int,
        now: Micros,
        kind: str,
        user_id: int,
        market_id: int | None,
        counterpart: str,
        amount: int,
        ref_id: int | None = None,
        event_id: int | None = None,
    ) -> None:
        if amount:
            self.last_ledger_id += 1
            self.ledger.append(
                (self.last_ledger_id, seq, kind, user_id, market_id, counterpart, amount, ref_id,
                 now, event_id)
            )  # fmt: skip
            self._moved.append((user_id, amount))

    def _payout(self, seq: int, now: Micros, paid: ev.PaidOut) -> None:
        for kind, counterpart, amount in (
            ("PAYOUT", "COLLATERAL", paid.cash),
            ("REFUND", "FEES", paid.fee),
        ):
            self._entry(
                seq, now, kind, paid.user_id, paid.market_id, counterpart, amount,
                event_id=paid.event_id,
            )  # fmt: skip

    def _match(self, seq: int, now: Micros, t: ev.Match) -> None:
        self.trades.append(
            (t.trade_id, t.market_id, t.buy_order_id, t.sell_order_id, t.buy_user_id,
             t.sell_user_id, t.price, t.qty, t.taker_side, t.buy_fee, t.sell_fee, now)
        )  # fmt: skip
        market, id = t.market_id, t.trade_id
        self._entry(seq, now, "TRADE", t.buy_user_id, market, "COLLATERAL", t.buy_cash, id)
        self._entry(seq, now, "TRADE", t.sell_user_id, market, "COLLATERAL", t.sell_cash, id)
        self._entry(seq, now, "FEE", t.buy_user_id, market, "FEES", -t.buy_fee, id)
        self._entry(seq, now, "FEE", t.sell_user_id, market, "FEES", -t.sell_fee, id)

    def _transfer(
        self, seq: int, now: Micros, command: Command, t: ev.Transferred, account: Account
    ) -> None:
        if isinstance(command, Transfer):
            reason, actor_id, key = command.reason, command.actor_id, command.key
        else:
            assert isinstance(command, OpenAccount)  # nothing else moves money from outside
            reason, actor_id, key = SIGNUP_REASON, command.user_id, None
        self.transfers.append(
            (t.transfer_id, t.user_id, t.amount, reason, actor_id, key, account.available,
             account.locked, now)
        )  # fmt: skip
        self._entry(seq, now, "TRANSFER", t.user_id, None, "OUTSIDE", t.amount, t.transfer_id)


def _rejection(event: ev.OrderRejected) -> str:
    return msgspec.json.encode((event.code, event.message, event.details)).decode()


# The trade and the detail of an order's event. The value type is loose because each entry reads
# its own event.
_ORDER_DETAIL: dict[type, Callable[[Any], tuple[int | None, str | None]]] = {
    ev.OrderAccepted: lambda e: (None, None),
    ev.OrderRejected: lambda e: (None, _rejection(e)),
    ev.OrderPartiallyFilled: lambda e: (e.trade_id, None),
    ev.OrderFilled: lambda e: (e.trade_id, None),
    ev.OrderCanceled: lambda e: (None, e.reason.value),
    ev.OrderAmended: lambda e: (None, f"{e.price} {e.qty}"),
}
