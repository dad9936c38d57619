"""Loads the engine's state from the database; memory is a cache of the committed state.

Invariant: the loaded state satisfies the engine's invariants. Otherwise LoadError is raised, and
the state is not used.
"""

from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.engine import lifecycle, proposal, steps
from predmarket.engine.book import Order
from predmarket.engine.group_registry import SPAN
from predmarket.engine.ledger import Account, Position
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.order_group import OrderGroup
from predmarket.engine.position import Holding
from predmarket.engine.state import State
from predmarket.engine.steps import EventSteps, MarketSteps, SweepSteps, market_key
from predmarket.engine.timers import TimerKind
from predmarket.enums import (
    EventOutcome,
    MarketStatus,
    OrderGroupStatus,
    OrderStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.server.core.load_checks import LoadError, event_steps, verify
from predmarket.server.core.stores.base import CoreRow, Store
from predmarket.server.core.stores.rows import (
    ACCOUNTS,
    EVENTS,
    HOLDINGS,
    MARKETS,
    ORDER_GROUP_FILLS,
    ORDER_GROUPS,
    ORDERS,
    POSITIONS,
)
from predmarket.server.core.stores.store_numbers import (
    MarketSeqs,
    StoredState,
    StoreNumbers,
    UserSeqs,
    Versions,
)
from predmarket.server.read_model.records import stored_metadata

__all__ = ["LoadError", "dismantle", "load", "readable"]

# A load uses them for each order: a look-up is many times quicker than a call of the enumeration.
_SIDES = {word.value: word for word in Side}
_TYPES = {word.value: word for word in OrderType}
_TIFS = {word.value: word for word in TimeInForce}
_STPS = {word.value: word for word in SelfTradePrevention}
_STATUSES = {word.value: word for word in OrderStatus}

LIVE_POSITIONS = (
    "WHERE market_id IN (SELECT id FROM markets WHERE event_id IS NULL "
    "AND status NOT IN ('RESOLVED', 'VOIDED') "
    "UNION ALL SELECT m.id FROM markets m JOIN events e ON e.id = m.event_id "
    "WHERE e.outcome IS NULL)"
)
"""Selects positions that may still change: positions in final markets are settled, but for
those in struck markets of events that are not final, which a VOID undoes, too."""
LIVE_HOLDINGS = "WHERE event_id IN (SELECT id FROM events WHERE outcome IS NULL)"
OPEN_ORDERS = "WHERE status IN ('OPEN', 'PARTIALLY_FILLED') ORDER BY rank"


@contextmanager
def readable() -> Iterator[None]:
    """Raise LoadError for unreadable stored values: this program did not write them."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise LoadError(f"it holds unreadable values ({problem})") from error


def load(store: Store, core: CoreRow) -> StoredState:
    """Build the state that ``core`` names. Raises StoreError, LoadError."""
    state, numbers = State(), StoreNumbers()
    stored = StoredState(state, numbers)
    counters = core.counters
    state.now = core.last_time
    state.last_order_id = counters.last_order_id
    state.last_trade_id = counters.last_trade_id
    state.last_market_id = counters.last_market_id
    state.last_transfer_id = counters.last_transfer_id
    state.last_rank = counters.last_rank
    state.ledger.fees = counters.fees
    state.ledger.net_deposits = counters.net_deposits
    state.unfinished = steps.decode(core.unfinished)
    _load_accounts(stored, store)
    _load_events(stored, store)
    _load_markets(stored, store)
    _load_holdings(state, numbers.versions, store)
    _load_positions(state, numbers.versions, store)
    _load_order_groups(state, numbers.versions, store)
    _load_orders(state, numbers.versions, store)
    for market in state.markets.values():
        _resume(state, market)
    verify(state)
    return stored


def dismantle(state: State) -> None:
    """Break the reference cycles of an unused state, so that its memory is freed.

    The orders of a level refer to each other and to the level.
    """
    for order in state.orders.values():
        order.prev = order.next = order.level = None
    state.orders.clear()


def _load_accounts(stored: StoredState, store: Store) -> None:
    state, numbers = stored.state, stored.numbers
    accounts, versions = state.ledger.accounts, numbers.versions.accounts
    for row in store.rows_of(ACCOUNTS):
        account = Account(row[0])
        id, account.available, account.locked, account.deadman_at = row[:4]
        accounts[id] = account
        numbers.users[id] = UserSeqs(*row[4:-1])
        versions[id] = row[-1]
        if account.deadman_at is not None:
            state.timers.set(account.deadman_at, TimerKind.DEADMAN, id)
    state.ledger.user_ids = sorted(accounts)


def _load_events(stored: StoredState, store: Store) -> None:
    state, numbers = stored.state, stored.numbers
    for row in store.rows_of(EVENTS, "ORDER BY id"):
        r = dict(zip(EVENTS.columns, row, strict=True))
        event = MarketEvent(
            r["id"], r["slug"], r["tick"], r["maker_rate"], r["taker_rate"],
            exhaustive=bool(r["exhaustive"]), title=r["title"], description=r["description"],
            closes_at=r["closes_at"], created_at=r["created_at"], creator_id=r["creator_id"],
            metadata=stored_metadata(r["category"], r["tags"], r["source"]),
            group_id=r["group_id"],
            series=r["series"],
        )  # fmt: skip
        for name in (
            "outcomes", "open_interest", "collateral", "fees", "paid_accounts", "paid_total",
        ):  # fmt: skip
            setattr(event, name, r[name])
        numbers.event_tickers[event.id] = r["ticker_seq"]
        numbers.versions.events[event.id] = r["version"]
        event.outcome = EventOutcome(r["outcome"]) if r["outcome"] else None
        event.ending = EventOutcome(r["ending"]) if r["ending"] else None
        event.proposal = proposal.decode_event(r["proposal"])
        if event.proposal is not None and event.proposal.due_at is not None:
            state.timers.set(event.proposal.due_at, TimerKind.EVENT_RESOLUTION, event.id)
        state.market_events[event.id] = event
        state.event_slugs[event.slug] = event.id
    state.last_event_id = max(state.market_events, default=0)


def _load_markets(stored: StoredState, store: Store) -> None:
    state, numbers = stored.state, stored.numbers
    for row in store.rows_of(MARKETS):
        r = dict(zip(MARKETS.columns, row, strict=True))
        market = Market(
            r["id"], r["slug"], r["tick"], r["maker_rate"], r["taker_rate"],
            question=r["question"], description=r["description"],
            status=MarketStatus(r["status"]), closes_at=r["closes_at"],
            created_at=r["created_at"], creator_id=r["creator_id"], label=r["label"],
            group_id=r["group_id"],
            event=None if r["event_id"] is None else state.market_events[r["event_id"]],
            metadata=stored_metadata(r["category"], r["tags"], r["source"]),
        )  # fmt: skip
        for name in (
            "settlement_price", "last_price", "volume", "open_interest", "collateral", "fees",
            "book_seq", "paid_accounts", "paid_total",
        ):  # fmt: skip
            setattr(market, name, r[name])
        numbers.markets[market.id] = MarketSeqs(r["trade_seq"], r["ticker_seq"])
        numbers.versions.markets[market.id] = r["version"]
        market.outcome = Outcome(r["outcome"]) if r["outcome"] else None
        market.ending = Outcome(r["ending"]) if r["ending"] else None
        market.proposal = proposal.decode_market(r["proposal"])
        state.markets[market.id] = market
        state.slugs[market.slug] = market.id
        if market.event is not None:
            insort(market.event.market_ids, market.id)


def _load_holdings(state: State, versions: Versions, store: Store) -> None:
    """Load the bases, but for those that a resolution under way has settled already."""
    steps_of = event_steps(state)
    for user_id, event_id, base, net_paid, version in store.rows_of(HOLDINGS, LIVE_HOLDINGS):
        event = state.market_events[event_id]
        if event.ending is not None and user_id <= _settled(steps_of.get(event_id)):
            continue
        holding = Holding(user_id, event_id)
        holding.base, holding.net_paid = base, net_paid
        event.holdings[user_id] = holding
        versions.holdings[event_id][user_id] = version
        event.total_base += base


def _settled(under_way: EventSteps | None) -> int:
    """Return the id up to which users' holdings are settled, 0 before the first."""
    return 0 if under_way is None else under_way.after


def _load_positions(state: State, versions: Versions, store: Store) -> None:
    settled = {
        one.market_id: one.after
        for one in state.unfinished.values()
        if isinstance(one, MarketSteps)
    }
    steps_of = event_steps(state)
    for row in store.rows_of(POSITIONS, LIVE_POSITIONS):
        if settled and row[0] <= settled.get(row[1], 0):
            continue  # an unfinished resolution has settled it already
        position = Position(row[0], row[1])
        (
            user_id, market_id, position.yes, position.no, position.reserved_yes,
            position.reserved_no, position.cost_yes, position.cost_no, position.realized,
            position.net_paid, event_id, version,
        ) = row  # fmt: skip
        market = state.markets[market_id]
        if market.event_id != event_id:
            raise LoadError(f"position {row[:2]}: it names another event than its market")
        if market.event is not None and not _join(market, position, steps_of.get(event_id)):
            continue
        market.positions[user_id] = position
        versions.positions[market_id][user_id] = version
        market.total_yes += position.yes
        market.total_no += position.no


def _join(market: Market, position: Position, under_way: EventSteps | None) -> bool:
    """Let the holding of a market's event take in a position; False: it is settled already."""
    event, user_id = market.event, position.user_id
    assert event is not None  # the market has one
    if event.ending is not None and user_id <= _settled(under_way):
        return False
    striking = under_way is not None and under_way.settling and under_way.market_id == market.id
    struck = market.final or (striking and user_id <= _settled(under_way))
    event.holdings[user_id].join(position, struck=struck)
    return True


def _load_order_groups(state: State, versions: Versions, store: Store) -> None:
    """Load the groups that are not deleted, and the fills that still count for them."""
    groups = state.order_groups
    for row in store.rows_of(ORDER_GROUPS, "WHERE status <> 'DELETED'"):
        group = OrderGroup(row[0], row[1], row[2], row[4])
        group.status = OrderGroupStatus(row[3])
        group.updated_at, group.counts_after, versions.order_groups[group.id] = row[5:]
        groups.add(group)
    groups.last_id = store.read("SELECT COALESCE(MAX(id), 0) FROM order_groups")[0][0]
    groups.restore(store.rows_of(ORDER_GROUP_FILLS, f"WHERE created_at > {state.now - SPAN}"))


def _load_orders(state: State, versions: Versions, store: Store) -> None:
    """Queue the open orders by rank, which is their time priority.

    Orders whose sweep has steps left do not rest yet.
    """
    passing = {
        one.order_id: one.limit for one in state.unfinished.values() if isinstance(one, SweepSteps)
    }
    for row in store.rows_of(ORDERS, OPEN_ORDERS):
        (
            id, user_id, market_id, side, type, price, qty, filled, notional, fee_exact,
            fees_paid, close, lock, status, reason, tif, stp, post_only, reduce_only, expires_at,
            client_order_id, request, rank, events, created_at, updated_at, connection, group_id,
            _, versions.orders[id],
        ) = row  # fmt: skip
        order = Order(
            id, user_id, market_id, _SIDES[side], price, qty, type=_TYPES[type],
            tif=_TIFS[tif], stp=_STPS[stp], now=created_at,
        )  # fmt: skip
        order.filled, order.notional, order.fee_exact = filled, notional, fee_exact
        order.remaining = order.qty - order.filled
        order.fees_paid, order.close, order.lock = fees_paid, close, lock
        order.status, order.reason = _STATUSES[status], reason
        order.post_only, order.reduce_only = bool(post_only), bool(reduce_only)
        order.expires_at, order.client_order_id = expires_at, client_order_id
        order.request, order.rank, order.events = request, rank, events
        order.updated_at, order.connection = updated_at, connection
        if group_id is not None:
            order.group = state.order_groups.by_id[group_id]
        state.keep(order)
        if id in passing:
            order.price = passing[id]
        else:
            state.markets[order.market_id].book.side(order.is_buy).add(order)
        if order.expires_at is not None:
            state.timers.set(order.expires_at, TimerKind.EXPIRY, order.id)


def _resume(state: State, market: Market) -> None:
    """Set a market's timers, and resume a closing or a resolution that has no record of its steps.

    Versions that did not keep such records, nor events, leave markets in this state.
    """
    lifecycle.schedule_close(state, market)
    if market.proposal is not None and market.proposal.due_at is not None:
        state.timers.set(market.proposal.due_at, TimerKind.RESOLUTION, market.id)
    if market.event is not None:
        return
    begun = market.ending is not None or not market.book.empty
    recorded = market_key(market.id) in state.unfinished
    if market.status is MarketStatus.CLOSED and begun and not recorded:
        state.begin(MarketSteps(market.id))
