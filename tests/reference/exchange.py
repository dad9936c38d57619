"""The reference exchange: takes abstract commands, returns events, shows its state.

Slow and plain on purpose. It promises that everything due at or before a command's time happens
first, in order of (due time, kind, id): market closes, then order expiries, then dead-man switches.
"""

from __future__ import annotations

from . import lifecycle, order_entry
from .ledger import Ledger
from .records import Command, Event, Order
from .units import parse_money, show_money

MICROSECONDS = 1_000_000
ONE_TRANSFER_AT_MOST = parse_money("1000000000")
ONE_ACCOUNT_AT_MOST = parse_money("1000000000000")

MARKET_CLOSE, ORDER_EXPIRY, DEAD_MAN = 0, 1, 2

Level = tuple[int, int]
PositionRow = tuple[int, int, int, int, int, int, int]
OrderRow = tuple[str, str | None, int | None, int, int, int]
MarketRow = tuple[str, int, int | None, int]


class ReferenceExchange:
    """An exchange one can check by reading it. All state is shown in the smallest units."""

    def __init__(self) -> None:
        self.now = 0
        """The latest time seen, in µs."""
        self.ledger = Ledger()

    # --- commands --------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Event]:
        """Run what is due by the command's time, then the command; return the events in order."""
        events = self.advance(command["ts"])
        ledger = self.ledger
        match command["op"]:
            case "open_account":
                events += self._open_account(command)
            case "transfer":
                events += self._transfer(command)
            case "create_market":
                events += lifecycle.create(ledger, command)
            case "update_market":
                events += lifecycle.update(ledger, command)
            case "resolve":
                events += lifecycle.resolve(ledger, command)
            case "place":
                events += order_entry.place(ledger, command)
            case "amend":
                events += order_entry.amend(ledger, command)
            case "cancel":
                events += order_entry.cancel(ledger, command)
            case "cancel_all":
                events += order_entry.cancel_all(ledger, command)
            case "disconnect":
                events += order_entry.disconnect(ledger, command)
            case "cancel_after":
                self._cancel_after(command)
            case other:
                raise ValueError(f"no such command: {other!r}")
        return events

    def advance(self, ts: int) -> list[Event]:
        """Let the time (µs) pass and run everything due at or before it."""
        assert ts >= self.now, "time runs forwards"
        self.now = ts
        events: list[Event] = []
        while (due := self._next_due()) is not None and due[0] <= ts:
            events += self._run_due(due)
        return events

    def _next_due(self) -> tuple[int, int, int] | None:
        """Return the first thing waiting for its time, as (due time, kind, id)."""
        waiting = [
            (market.closes_at, MARKET_CLOSE, market.id)
            for market in self.ledger.markets.values()
            if market.closes_at is not None and market.status in ("OPEN", "HALTED")
        ]
        waiting += [
            (order.expires_at, ORDER_EXPIRY, order.id)
            for order in self.ledger.live
            if order.expires_at is not None
        ]
        waiting += [(due, DEAD_MAN, user) for user, due in self.ledger.deadman.items()]
        return min(waiting, default=None)

    def _run_due(self, due: tuple[int, int, int]) -> list[Event]:
        _, kind, id_ = due
        ledger = self.ledger
        if kind == MARKET_CLOSE:
            return lifecycle.close(ledger, ledger.markets[id_])
        if kind == ORDER_EXPIRY:
            return ledger.end(ledger.orders[id_], "EXPIRED")
        del ledger.deadman[id_]
        return ledger.end_all(ledger.of_user(id_), "DEADMAN")

    def _open_account(self, command: Command) -> list[Event]:
        user, credit = command["user"], parse_money(command["credit"])
        if user in self.ledger.cash:
            return []
        self.ledger.cash[user] = 0
        events: list[Event] = [("ACCOUNT_OPENED", user)]
        if credit != 0:
            events.append(self._deposit(user, credit))
        return events

    def _transfer(self, command: Command) -> list[Event]:
        user, amount = command["user"], parse_money(command["amount"])
        if user not in self.ledger.cash:
            return [("REFUSED", "USER_NOT_FOUND")]
        if abs(amount) > ONE_TRANSFER_AT_MOST:
            return [("REFUSED", "LIMIT_EXCEEDED")]
        if amount < 0 and -amount > self.ledger.available(user):
            return [("REFUSED", "INSUFFICIENT_FUNDS")]
        if amount > 0 and self.ledger.cash[user] + amount > ONE_ACCOUNT_AT_MOST:
            return [("REFUSED", "LIMIT_EXCEEDED")]
        return [self._deposit(user, amount)]

    def _deposit(self, user: int, amount: int) -> Event:
        self.ledger.cash[user] += amount
        self.ledger.net_deposits += amount
        return ("TRANSFERRED", user, show_money(amount))

    def _cancel_after(self, command: Command) -> None:
        """Set the dead-man switch anew; 0 seconds turns it off."""
        self.ledger.deadman.pop(command["user"], None)
        if command["seconds"] > 0:
            due = command["ts"] + command["seconds"] * MICROSECONDS
            self.ledger.deadman[command["user"]] = due

    # --- state, for comparing --------------------------------------------------------------

    def accounts(self) -> dict[int, tuple[int, int]]:
        """Return {user: (available, locked)} in money units."""
        ledger = self.ledger
        return {user: (ledger.available(user), ledger.locked(user)) for user in ledger.cash}

    def positions(self) -> dict[tuple[int, int], PositionRow]:
        """Return {(user, market): (yes, no, reserved yes, reserved no, cost of yes, of no, pnl)}.

        A row of zeros only is left out: whether a record of nothing is kept is nobody's business.
        """
        ledger = self.ledger
        rows: dict[tuple[int, int], PositionRow] = {}
        for (user, market), position in ledger.positions.items():
            yes, no = position.yes, position.no
            reserved_yes = ledger.reserved(user, market, "YES") if yes.count else 0
            reserved_no = ledger.reserved(user, market, "NO") if no.count else 0
            row = (yes.count, no.count, reserved_yes, reserved_no)
            full = (*row, yes.cost, no.cost, position.realized)
            if any(full):
                rows[user, market] = full
        return rows

    def book(self, market: int) -> tuple[list[Level], list[Level]]:
        """Return bids and asks as (price, quantity not filled) a level, best first."""
        return self._levels(market, "BUY"), self._levels(market, "SELL")

    def _levels(self, market: int, side: str) -> list[Level]:
        levels: dict[int, int] = {}
        for order in self.ledger.resting(market, side):
            levels[order.limit] = levels.get(order.limit, 0) + order.left
        return list(levels.items())

    def queue(self, market: int) -> tuple[list[int], list[int]]:
        """Return the ids of bids and of asks in price-time priority."""
        bids, asks = (self.ledger.resting(market, side) for side in ("BUY", "SELL"))
        return [order.id for order in bids], [order.id for order in asks]

    def orders(self) -> dict[int, OrderRow]:
        """Return {id: (status, reason, price, qty, qty filled, fees paid)} of all orders ever."""
        return {id_: order_row(order) for id_, order in self.ledger.orders.items()}

    def markets(self) -> dict[int, MarketRow]:
        """Return {id: (status, open interest, last price, volume)}; counts in 1/100."""
        interest = dict.fromkeys(self.ledger.markets, 0)
        for (_, market), position in self.ledger.positions.items():
            if market in interest:
                interest[market] += position.yes.count
        return {
            id_: (market.status, interest[id_], market.last_price, market.volume)
            for id_, market in self.ledger.markets.items()
        }

    def fees_collected(self) -> int:
        """Return the fees kept, in money units; a VOID gave its market's back."""
        return sum(market.fees for market in self.ledger.markets.values())

    def net_deposits(self) -> int:
        """Return what was deposited less what was withdrawn, in money units."""
        return self.ledger.net_deposits


def order_row(order: Order) -> OrderRow:
    """Return (status, reason, price, qty, qty filled, fees paid) of one order."""
    return (
        order.status,
        order.reason,
        order.price,
        order.qty,
        order.filled,
        order.fees_paid,
    )
