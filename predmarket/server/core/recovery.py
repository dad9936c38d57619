"""Loads the engine's state from the database; memory is a cache of the committed state.

Invariant: the loaded state satisfies the engine's invariants. Otherwise LoadError is raised, and
the state is not used. Source: ARCHITECTURE, Recovery.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.engine import lifecycle, steps
from predmarket.engine.book import Order
from predmarket.engine.ledger import Account, Position
from predmarket.engine.market import Market
from predmarket.engine.state import State
from predmarket.engine.steps import MarketSteps, SweepSteps, market_key
from predmarket.engine.timers import TimerKind
from predmarket.enums import (
    MarketStatus,
    OrderStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.server.core.stores.base import CoreRow, Store
from predmarket.server.core.stores.rows import ACCOUNTS, MARKETS, ORDERS, POSITIONS
from predmarket.units import PRICE_ONE

# A load uses them for each order: a look-up is many times quicker than a call of the enumeration.
_SIDES = {word.value: word for word in Side}
_TYPES = {word.value: word for word in OrderType}
_TIFS = {word.value: word for word in TimeInForce}
_STPS = {word.value: word for word in SelfTradePrevention}
_STATUSES = {word.value: word for word in OrderStatus}

LIVE_POSITIONS = (
    "WHERE market_id IN (SELECT id FROM markets WHERE status NOT IN ('RESOLVED', 'VOIDED'))"
)
"""Selects positions that may still change; positions in final markets are settled."""
OPEN_ORDERS = "WHERE status IN ('OPEN', 'PARTIALLY_FILLED') ORDER BY rank"


class LoadError(Exception):
    """The database contradicts itself; run ``predmarket audit``."""


@contextmanager
def readable() -> Iterator[None]:
    """Raise LoadError for unreadable stored values: this program did not write them."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise LoadError(f"it holds unreadable values ({problem})") from error


def load(store: Store, core: CoreRow) -> State:
    """Build the state that ``core`` names. Raises StoreError, LoadError."""
    state = State()
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
    _load_accounts(state, store)
    _load_markets(state, store)
    _load_positions(state, store)
    _load_orders(state, store)
    for market in state.markets.values():
        _resume(state, market)
    _verify(state, store)
    return state


def dismantle(state: State) -> None:
    """Break the reference cycles of an unused state, so that its memory is freed.

    The orders of a level refer to each other and to the level.
    """
    for order in state.orders.values():
        order.prev = order.next = order.level = None
    state.orders.clear()


def _load_accounts(state: State, store: Store) -> None:
    accounts = state.ledger.accounts
    for row in store.rows_of(ACCOUNTS):
        account = Account(row[0])
        (
            id, account.available, account.locked, account.deadman_at, account.order_seq,
            account.fill_seq, account.balance_seq, account.position_seq, account.version,
        ) = row  # fmt: skip
        accounts[id] = account
        if account.deadman_at is not None:
            state.timers.set(account.deadman_at, TimerKind.DEADMAN, id)
    state.ledger.user_ids = sorted(accounts)


def _load_markets(state: State, store: Store) -> None:
    for row in store.rows_of(MARKETS):
        r = dict(zip(MARKETS.columns, row, strict=True))
        market = Market(
            r["id"], r["slug"], r["tick"], r["maker_rate"], r["taker_rate"],
            question=r["question"], description=r["description"],
            status=MarketStatus(r["status"]), closes_at=r["closes_at"],
            created_at=r["created_at"], creator_id=r["creator_id"],
        )  # fmt: skip
        for name in (
            "settlement_price", "last_price", "volume", "open_interest", "collateral", "fees",
            "book_seq", "paid_accounts", "paid_total", "trade_seq", "ticker_seq", "version",
        ):  # fmt: skip
            setattr(market, name, r[name])
        market.outcome = Outcome(r["outcome"]) if r["outcome"] else None
        market.ending = Outcome(r["ending"]) if r["ending"] else None
        state.markets[market.id] = market
        state.slugs[market.slug] = market.id


def _load_positions(state: State, store: Store) -> None:
    settled = {
        one.market_id: one.after
        for one in state.unfinished.values()
        if isinstance(one, MarketSteps)
    }
    for row in store.rows_of(POSITIONS, LIVE_POSITIONS):
        if settled and row[0] <= settled.get(row[1], 0):
            continue  # an unfinished resolution has settled it already
        position = Position(row[0], row[1])
        (
            user_id, market_id, position.yes, position.no, position.reserved_yes,
            position.reserved_no, position.cost_yes, position.cost_no, position.realized,
            position.net_paid, position.version,
        ) = row  # fmt: skip
        market = state.markets[market_id]
        market.positions[user_id] = position
        market.total_yes += position.yes
        market.total_no += position.no
        state.ledger.positions[user_id, market_id] = position


def _load_orders(state: State, store: Store) -> None:
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
            client_order_id, request, rank, events, created_at, updated_at, connection, topic_seq,
            version,
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
        order.topic_seq, order.version = topic_seq, version
        state.keep(order)
        if id in passing:
            order.price = passing[id]
        else:
            state.markets[order.market_id].book.side(order.is_buy).add(order)
        if order.expires_at is not None:
            state.timers.set(order.expires_at, TimerKind.EXPIRY, order.id)


def _resume(state: State, market: Market) -> None:
    """Set a market's timer, and resume a closing or a resolution that has no record of its steps.

    Versions that did not keep such records leave markets in this state.
    """
    lifecycle.schedule_close(state, market)
    begun = market.ending is not None or not market.book.empty
    recorded = market_key(market.id) in state.unfinished
    if market.status is MarketStatus.CLOSED and begun and not recorded:
        state.begin(MarketSteps(market.id))


def _verify(state: State, store: Store) -> None:
    """Check the loaded sums against the loaded totals. Raises LoadError."""
    ledger = state.ledger
    cash = sum(a.available + a.locked for a in ledger.accounts.values())
    collateral = sum(m.collateral for m in state.markets.values())
    if cash + collateral + ledger.fees != ledger.net_deposits:
        raise LoadError("cash, collateral and fees do not add up to the net deposits")
    for market in state.markets.values():
        if market.ending is not None or market.final:
            continue
        if not market.total_yes == market.total_no == market.open_interest:
            raise LoadError(f"market {market.id}: YES, NO and open interest differ")
        if market.collateral != market.open_interest * PRICE_ONE:
            raise LoadError(f"market {market.id}: collateral differs from open interest")
    for account in ledger.accounts.values():
        if account.locked != sum([order.lock for order in account.orders.values()]):
            raise LoadError(f"account {account.user_id}: locked differs from its orders' locks")
    reserved: dict[tuple[int, int], list[int]] = {}
    for order in state.orders.values():
        if order.close:
            both = reserved.setdefault((order.user_id, order.market_id), [0, 0])
            both[order.is_buy] += order.close
    for key, position in ledger.positions.items():
        yes, no = reserved.get(key, (0, 0))
        if (position.reserved_yes, position.reserved_no) != (yes, no):
            raise LoadError(f"position {key}: reserves differ from its orders' close parts")
