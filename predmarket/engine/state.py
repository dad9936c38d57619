"""The whole state of the exchange, and the small changes that all commands share.

It makes no decisions: orders.py, lifecycle.py and accounts.py do. ``dirty_*`` collect the objects
that changed since the last ``take_changes``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from predmarket.engine.book import Order, cancel_status
from predmarket.engine.events import BookDelta, Event, Merged, OrderCanceled
from predmarket.engine.group_registry import OrderGroups
from predmarket.engine.ledger import Account, InvariantError, Ledger
from predmarket.engine.market import Market
from predmarket.engine.market_event import MOST_OPEN_FIRST, MarketEvent
from predmarket.engine.order_group import OrderGroup
from predmarket.engine.own_orders import OwnOrders, OwnSide
from predmarket.engine.position import Holding, Position
from predmarket.engine.steps import Key, Steps, Unfinished
from predmarket.engine.ties import Ties
from predmarket.engine.timers import TimerKind, Timers
from predmarket.enums import CancelReason, EventOutcome, MarketStatus, Side
from predmarket.units import Micros, Price, Qty

_BUY, _SELL = Side.BUY, Side.SELL  # looked up once: this is the busiest loop


@dataclass(slots=True)
class Changes:
    """The objects that changed since the last call, each one once, in the order of their first
    change."""

    orders: dict[int, Order]
    accounts: dict[int, Account]
    positions: dict[Position, None]
    markets: dict[int, Market]
    holdings: dict[Holding, None]
    market_events: dict[int, MarketEvent]
    order_groups: dict[int, OrderGroup]


class State:
    """Markets, their events, open orders, accounts and counters.

    ``now`` is the running command's time. ``happens_at`` is the time of its effects: the same,
    except that later steps of a sweep happen at the time of its first step. ``orders`` are the open
    ones: those that rest, and those in a sweep that has further steps. ``tripped`` are the order
    groups that the running command's trades tripped.
    """

    __slots__ = (
        "dirty_markets", "dirty_order_groups", "dirty_orders", "event_slugs", "events",
        "happens_at", "last_event_id", "last_market_id", "last_order_id", "last_rank",
        "last_trade_id", "last_transfer_id", "ledger", "market_events", "markets", "now",
        "order_groups", "orders", "slugs", "ties", "timers", "touched_levels", "tripped",
        "unfinished",
    )  # fmt: skip

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.markets: dict[int, Market] = {}
        self.slugs: dict[str, int] = {}
        self.market_events: dict[int, MarketEvent] = {}
        self.event_slugs: dict[str, int] = {}
        self.orders: dict[int, Order] = {}
        self.ties = Ties()
        self.order_groups = OrderGroups()
        self.timers = Timers()
        self.unfinished: Unfinished = {}
        self.last_order_id = 0
        self.last_trade_id = 0
        self.last_market_id = 0
        self.last_event_id = 0
        self.last_transfer_id = 0
        self.last_rank = 0
        self.now: Micros = 0
        self.happens_at: Micros = 0
        self.events: list[Event] = []
        self.dirty_orders: dict[int, Order] = {}
        self.dirty_markets: dict[int, Market] = {}
        self.dirty_order_groups: dict[int, OrderGroup] = {}
        self.touched_levels: dict[tuple[int, bool, Price], None] = {}
        self.tripped: list[OrderGroup] = []

    def take_changes(self) -> Changes:
        """Return the objects that changed since the last call."""
        ledger = self.ledger
        changes = Changes(
            orders=self.dirty_orders,
            accounts=ledger.dirty_accounts,
            positions=ledger.dirty_positions,
            markets=self.dirty_markets,
            holdings=ledger.dirty_holdings,
            market_events=ledger.dirty_events,
            order_groups=self.dirty_order_groups,
        )
        self.dirty_orders, self.dirty_markets, self.dirty_order_groups = {}, {}, {}
        ledger.dirty_accounts, ledger.dirty_positions = {}, {}
        ledger.dirty_holdings, ledger.dirty_events = {}, {}
        return changes

    def markets_of(self, event: MarketEvent) -> list[Market]:
        """Return an event's markets in the order of their ids, struck ones too."""
        return [self.markets[market_id] for market_id in event.market_ids]

    def positions(self) -> Iterator[Position]:
        """Yield all positions, market by market."""
        for market in self.markets.values():
            yield from market.positions.values()

    def status_of(self, event: MarketEvent) -> MarketStatus:
        """Return an event's status: the most open status of its markets."""
        statuses = {market.status for market in self.markets_of(event)}
        if event.outcome is None:
            return next(status for status in MOST_OPEN_FIRST if status in statuses)
        void = event.outcome is EventOutcome.VOID
        return MarketStatus.VOIDED if void else MarketStatus.RESOLVED

    def changed(self, order: Order) -> None:
        """Note that the running command changed an order's record."""
        order.updated_at = self.happens_at
        self.dirty_orders[order.id] = order

    def rest(self, order: Order, market: Market) -> None:
        """Queue an order at the back of its level."""
        self.last_rank += 1
        order.rank = self.last_rank
        market.book.side(order.is_buy).add(order)
        own = self.ledger.accounts[order.user_id].own
        if own is not None:
            own.add(order)
        if order.connection is not None and order.id in self.orders:
            self.ties.remove(order, order.connection)  # ties stand in the order of ranks, too
            self.ties.add(order, order.connection)
        if order.group is not None and order.id in self.orders:
            self.order_groups.drop(order, order.group)
            self.order_groups.keep(order, order.group)
        self.touched_levels[market.id, order.is_buy, order.price] = None

    def remove_from_book(self, order: Order, market: Market) -> None:
        """Take a resting order out of the book."""
        own = self.ledger.accounts[order.user_id].own
        if own is not None:
            own.remove(order)
        market.book.side(order.is_buy).remove(order)
        self.touched_levels[market.id, order.is_buy, order.price] = None

    def drop_proposal(self, what: Market | MarketEvent) -> None:
        """Drop the proposed resolution of a market or an event, if there is one."""
        had, what.proposal = what.proposal, None
        if had is not None and had.due_at is not None:
            self.timers.retire(self.is_live)

    def shrink(self, order: Order, market: Market, qty: Qty) -> None:
        """Reduce a resting order's remaining quantity by ``qty``; it keeps its place."""
        market.book.side(order.is_buy).shrink(order, qty)
        own = self.ledger.accounts[order.user_id].own
        if own is not None:
            own.shrink(order, qty)
        self.touched_levels[market.id, order.is_buy, order.price] = None

    def keep(self, order: Order) -> None:
        """Add an order to the open orders."""
        self.orders[order.id] = order
        self.ledger.accounts[order.user_id].orders[order.id] = order
        if order.connection is not None:
            self.ties.add(order, order.connection)
        if order.group is not None:
            self.order_groups.keep(order, order.group)

    def forget(self, order: Order) -> None:
        """Drop an order that is not open any more; memory holds no history."""
        if self.orders.pop(order.id, None) is not None:
            del self.ledger.accounts[order.user_id].orders[order.id]
            if order.connection is not None:
                self.ties.remove(order, order.connection)
            if order.group is not None:
                self.order_groups.drop(order, order.group)
            if order.expires_at is not None:
                self.timers.retire(self.is_live)

    def own_orders(self, user_id: int) -> OwnOrders:
        """Return a user's resting orders by market and side."""
        account = self.ledger.accounts[user_id]
        if account.own is None:
            account.own = OwnOrders(sorted(account.orders.values(), key=_rank))
        return account.own

    def own_side(self, user_id: int, market_id: int, *, is_buy: bool) -> OwnSide | None:
        """Return a user's resting orders on one side of a market, None without any."""
        if not self.ledger.accounts[user_id].orders:
            return None
        return self.own_orders(user_id).sides.get((market_id, is_buy))

    def begin(self, steps: Steps) -> Key:
        """Keep a command's remaining steps as the last in turn; return their key."""
        assert steps.key not in self.unfinished, "two commands hold the same key"
        self.unfinished[steps.key] = steps
        return steps.key

    def is_live(self, due: Micros, kind: TimerKind, id: int) -> bool:
        """Tell whether a timer is still needed: its market, order or account has not moved on."""
        if kind is TimerKind.CLOSE:
            market = self.markets[id]
            return market.scheduled == due
        if kind is TimerKind.EXPIRY:
            order = self.orders.get(id)
            return order is not None and order.expires_at == due
        if kind is TimerKind.RESOLUTION or kind is TimerKind.EVENT_RESOLUTION:
            of_market = kind is TimerKind.RESOLUTION
            proposal = (self.markets if of_market else self.market_events)[id].proposal
            return proposal is not None and proposal.due_at == due
        return self.ledger.accounts[id].deadman_at == due

    def cancel(self, order: Order, reason: CancelReason) -> None:
        """Cancel an open order, resting or in its sweep, and free its cash and shares."""
        market = self.markets[order.market_id]
        if order.level is not None:
            self.remove_from_book(order, market)
            self.dirty_markets[market.id] = market
        order.status = cancel_status(reason)
        order.reason = reason.value
        order.events += 1
        self.changed(order)
        self.forget(order)
        self.events.append(OrderCanceled(order.id, order.events, reason))
        self.merged(order.user_id, market, self.ledger.release(order, market))

    def merged(self, user_id: int, market: Market, qty: Qty) -> None:
        """Report a merge, if there was one."""
        if qty:
            self.events.append(Merged(user_id, market.id, qty))

    def report_levels(self) -> None:
        """Emit the absolute size of each level that the command touched.

        Raises InvariantError when a touched book is crossed.
        """
        for market_id, is_buy, price in self.touched_levels:
            market = self.markets[market_id]
            book = market.book
            side, opposite = (book.bids, book.asks) if is_buy else (book.asks, book.bids)
            level = side.levels.get(side.index(price))
            best = opposite.best()
            if (
                level is not None
                and best is not None
                and (price >= best.price if is_buy else price <= best.price)
            ):
                raise InvariantError(f"market {market_id}: the book is crossed at {price}")
            market.book_seq += 1
            self.events.append(
                BookDelta(
                    market_id,
                    _BUY if is_buy else _SELL,
                    price,
                    level.qty if level is not None else 0,
                    market.book_seq,
                )
            )
        self.touched_levels.clear()


def _rank(order: Order) -> int:
    return order.rank
