"""The reference exchange: takes abstract commands, returns notices, shows its state.

Slow and plain on purpose. It promises that everything due at or before a command's time happens
first, in order of (due time, kind, id): market closes, then order expiries, then dead-man switches,
then proposed resolutions of markets, then those of events.
"""

from __future__ import annotations

from collections.abc import Callable

from . import events, lifecycle, order_entry, order_groups, proposals
from .ledger import Ledger
from .records import CLOSES, Command, Notice, Order
from .units import parse_money, show_money

MICROSECONDS = 1_000_000
ONE_TRANSFER_AT_MOST = parse_money("1000000000")
ONE_ACCOUNT_AT_MOST = parse_money("1000000000000")

MARKET_CLOSE, ORDER_EXPIRY, DEAD_MAN, RESOLUTION, EVENT_RESOLUTION = range(5)

ON_THE_LEDGER: dict[str, Callable[[Ledger, Command], list[Notice]]] = {
    "create_market": lifecycle.create,
    "update_market": lifecycle.update,
    "resolve": lifecycle.resolve,
    "create_event": events.create,
    "add_market": events.add_market,
    "update_event": events.update,
    "resolve_event": events.resolve,
    "propose": proposals.propose,
    "confirm": proposals.confirm,
    "withdraw": proposals.withdraw,
    "place": order_entry.place,
    "amend": order_entry.amend,
    "cancel": order_entry.cancel,
    "cancel_all": order_entry.cancel_all,
    "disconnect": order_entry.disconnect,
    "create_group": order_groups.create,
    "set_group_limit": order_groups.set_limit,
    "reset_group": order_groups.reset,
    "trigger_group": order_groups.trigger,
    "delete_group": order_groups.delete,
}
"""What each command calls, but for those of accounts."""

Level = tuple[int, int]
PositionRow = tuple[int, int, int, int, int, int, int]
OrderRow = tuple[str, str | None, int | None, int, int, int]
MarketRow = tuple[str, int, int | None, int]
EventRow = tuple[str | None, int, list[int]]


class ReferenceExchange:
    """An exchange one can check by reading it. All state is shown in the smallest units."""

    def __init__(self) -> None:
        self.now = 0
        """The latest time seen, in µs."""
        self.ledger = Ledger()

    # --- commands --------------------------------------------------------------------------

    def apply(self, command: Command) -> list[Notice]:
        """Run what is due by the command's time, then the command; return the notices in order."""
        return self.advance(command["ts"]) + self._carry_out(command)

    def _carry_out(self, command: Command) -> list[Notice]:
        own = {
            "open_account": self._open_account,
            "transfer": self._transfer,
            "cancel_after": self._cancel_after,
        }
        op = command["op"]
        return own[op](command) if op in own else ON_THE_LEDGER[op](self.ledger, command)

    def advance(self, ts: int) -> list[Notice]:
        """Let the time (µs) pass and run everything due at or before it."""
        assert ts >= self.now, "time runs forwards"
        self.now = self.ledger.now = ts
        notices: list[Notice] = []
        while (due := self._next_due()) is not None and due[0] <= ts:
            notices += self._run_due(due)
        return notices

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
        waiting += [
            (due, RESOLUTION if kind == "market" else EVENT_RESOLUTION, id_)
            for due, (kind, id_) in proposals.timed(self.ledger)
        ]
        return min(waiting, default=None)

    def _run_due(self, due: tuple[int, int, int]) -> list[Notice]:
        _, kind, id_ = due
        ledger = self.ledger
        if kind == MARKET_CLOSE:
            return lifecycle.change(ledger, [ledger.markets[id_]], "CLOSED", self.now)
        if kind == ORDER_EXPIRY:
            return ledger.end(ledger.orders[id_], "EXPIRED")
        if kind in (RESOLUTION, EVENT_RESOLUTION):
            return proposals.make(ledger, ("market" if kind == RESOLUTION else "event", id_))
        del ledger.deadman[id_]
        return ledger.end_all(ledger.of_user(id_), "DEADMAN")

    def _open_account(self, command: Command) -> list[Notice]:
        user, credit = command["user"], parse_money(command["credit"])
        if user in self.ledger.cash:
            return []
        self.ledger.cash[user] = 0
        notices: list[Notice] = [("ACCOUNT_OPENED", user)]
        if credit != 0:
            notices.append(self._deposit(user, credit))
        return notices

    def _transfer(self, command: Command) -> list[Notice]:
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

    def _deposit(self, user: int, amount: int) -> Notice:
        self.ledger.cash[user] += amount
        self.ledger.net_deposits += amount
        return ("TRANSFERRED", user, show_money(amount))

    def _cancel_after(self, command: Command) -> list[Notice]:
        """Set the dead-man switch again; 0 seconds turns it off."""
        self.ledger.deadman.pop(command["user"], None)
        if command["seconds"] > 0:
            due = command["ts"] + command["seconds"] * MICROSECONDS
            self.ledger.deadman[command["user"]] = due
        return []

    # --- state, for comparing --------------------------------------------------------------

    def accounts(self) -> dict[int, tuple[int, int]]:
        """Return {user: (available, locked)} in money units."""
        ledger = self.ledger
        return {user: (ledger.available(user), ledger.locked(user)) for user in ledger.cash}

    def positions(self) -> dict[tuple[int, int], PositionRow]:
        """Return {(user, market): (yes, no, reserved yes, reserved no, cost of yes, of no, pnl)}.

        A row of zeros only is left out: whether a record of nothing is kept is nobody's business.
        """
        reserved: dict[tuple[int, int, str], int] = {}
        keys = dict.fromkeys(self.ledger.positions)
        for order in self.ledger.live:
            key = (order.user, order.market, CLOSES[order.side])
            reserved[key] = reserved.get(key, 0) + order.close_left
            # In an event a market may have the user's shares reserved before any trade of theirs.
            keys[order.user, order.market] = None
        rows: dict[tuple[int, int], PositionRow] = {}
        for user, market in keys:
            position = self.ledger.position(user, market)
            yes, no = position.yes, position.no
            held = reserved.get((user, market, "YES"), 0), reserved.get((user, market, "NO"), 0)
            costs = yes.cost, no.cost, position.realized
            if any((yes.count, no.count, *held, *costs)):
                rows[user, market] = (yes.count, no.count, *held, *costs)
        return rows

    def holdings(self) -> dict[tuple[int, int], dict[int, int]]:
        """Return {(user, event): {outcome: shares}} of what can still happen; NONE is 0.

        A row of zeros only is left out.
        """
        return {
            (user, id_): dict(held)
            for id_, event in self.ledger.events.items()
            for user, held in event.shares.items()
            if any(held.values())
        }

    def returned(self) -> dict[tuple[int, int], int]:
        """Return {(user, event): shares that positions show and merging has paid out}, if any."""
        ledger = self.ledger
        return {
            (user, id_): returned
            for id_, event in ledger.events.items()
            for user in event.shares
            if (returned := ledger.returned(user, event)) != 0
        }

    def events(self) -> dict[int, EventRow]:
        """Return {id: (outcome, sets, markets)}; the event's open interest is its sets."""
        ledger = self.ledger
        return {
            id_: (event.outcome, ledger.sets(event), list(event.markets))
            for id_, event in ledger.events.items()
        }

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

    def groups(self) -> dict[int, tuple[int, int, str, int]]:
        """Return {id: (user, limit, status, filled within the span that counts)}."""
        return {
            id_: (
                group.user,
                group.limit,
                group.status,
                group.filled_within(order_groups.SPAN, self.now),
            )
            for id_, group in self.ledger.groups.items()
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
