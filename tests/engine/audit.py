"""The invariants of the whole engine state, computed from scratch.

The engine checks after each command what that command touched, by running totals. This looks at
everything and trusts no total: slow, and not fooled by a mistake made in both.
"""

import hashlib
from itertools import pairwise

from predmarket.engine import Exchange
from predmarket.engine.book import BookSide, Level, Order
from predmarket.engine.depth import BLOCK_BITS
from predmarket.engine.ledger import Pool
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.position import Holding
from predmarket.engine.state import State
from predmarket.engine.steps import EventSteps, SweepSteps, event_key, group_key, market_key
from predmarket.engine.ties import TiedOrders
from predmarket.enums import MarketStatus, OrderGroupStatus, OrderStatus
from predmarket.units import PRICE_ONE, Money, Qty

OPEN = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


def audit(exchange: Exchange) -> None:
    """Raise AssertionError when an invariant of the state does not hold."""
    state = exchange.state
    _audit_money(state)
    _audit_holds(state)
    _audit_positions(state)
    for market in state.markets.values():
        _audit_market(state, market)
    for event in state.market_events.values():
        _audit_event(state, event)
    resting = {order.id for market in state.markets.values() for order in market.book.orders()}
    passing = {s.order_id for s in state.unfinished.values() if isinstance(s, SweepSteps)}
    assert resting | passing == set(state.orders), "open orders and resting orders differ"
    assert not resting & passing, "an order on its way rests"
    listed = {id for account in state.ledger.accounts.values() for id in account.orders}
    assert listed == set(state.orders), "the accounts list other orders than there are"
    _audit_indexes(state)


def _audit_indexes(state: State) -> None:
    """Check that the indexes by user, connection and gateway list the resting orders in order."""
    by_rank = sorted(state.orders.values(), key=lambda order: order.rank)
    for account in state.ledger.accounts.values():
        if account.own is None:
            continue
        mine = [o for o in by_rank if o.user_id == account.user_id and o.level is not None]
        kept = account.own.sides
        assert {(o.market_id, o.is_buy) for o in mine} == set(kept), "own sides differ"
        for (market_id, is_buy), side in kept.items():
            there = [o for o in mine if (o.market_id, o.is_buy) == (market_id, is_buy)]
            assert list(side.orders.values()) == there, "own orders differ, or their order"
            levels: dict[int, Qty] = {}
            for order in there:
                assert order.level is not None
                levels[order.level.index] = levels.get(order.level.index, 0) + order.remaining
            depth = side.depth
            assert depth.levels == levels, "own quantities differ"
            assert depth.bits == sum(1 << index for index in levels), "own bits differ"
            blocks = {index >> BLOCK_BITS for index in levels}
            assert {block for block, qty in depth.blocks.items() if qty} == blocks
            assert sum(depth.blocks.values()) == sum(levels.values()), "own blocks differ"
    tied = [order for order in by_rank if order.connection is not None]
    for lists, name in (
        (state.ties.connections, _connection),
        (state.ties.gateways, _gateway),
    ):
        assert {name(o) for o in tied} == set(lists), "ties are left or missing"
        for key, one in lists.items():
            there = [o for o in tied if name(o) == key and o.level is not None]
            kept_here = [o for o in one.orders.values() if o.level is not None]
            assert kept_here == there, "tied orders differ, or their order"
            _audit_tied(one)
    _audit_groups(state, by_rank)


def _audit_tied(one: TiedOrders) -> None:
    assert set(one.users) == {o.user_id for o in one.orders.values()}
    assert set(one.markets) == {o.market_id for o in one.orders.values()}


def _audit_groups(state: State, by_rank: list[Order]) -> None:
    """Check that groups list their open orders and the fills that count."""
    groups = state.order_groups
    filled = dict.fromkeys(groups.by_id, 0)
    for _, _, id, qty in groups.counted(0):
        filled[id] += qty
    for id, group in groups.by_id.items():
        tied = groups.open_of(group)
        there = [o for o in by_rank if o.group is group and o.level is not None]
        assert [o for o in tied.orders.values() if o.level is not None] == there, "orders differ"
        assert all(o.group is group for o in tied.orders.values()), "another group's order"
        _audit_tied(tied)
        assert group.filled == filled[id], "what is filled drifted"
        assert not group.exceeded, "a group above its limit has not tripped"
        ending = group_key(group.user_id) in state.unfinished
        tripped = group.status is OrderGroupStatus.TRIPPED
        assert ending or not (tripped and tied.orders), "a tripped group has open orders"
    grouped = sum(o.group is not None for o in state.orders.values())
    assert grouped == sum(len(groups.open_of(g).orders) for g in groups.by_id.values())
    owners = [group.user_id for group in groups.by_id.values()]
    assert groups.of_user == {user: owners.count(user) for user in owners}


def _connection(order: Order) -> str:
    return order.connection or ""


def _gateway(order: Order) -> str:
    return _connection(order).rpartition("-")[0]


def _audit_money(state: State) -> None:
    ledger = state.ledger
    cash = sum(account.available + account.locked for account in ledger.accounts.values())
    pools: list[Pool] = [*state.markets.values(), *state.market_events.values()]
    collateral = sum(pool.collateral for pool in pools)
    fees = sum(pool.fees for pool in pools)
    assert fees == ledger.fees, "the pools' fees are not the fees collected"
    assert cash + collateral + fees == ledger.net_deposits, "money appeared or vanished"


def _audit_holds(state: State) -> None:
    """Check that orders' locks and close parts add up to those of accounts and positions."""
    locks: dict[int, Money] = dict.fromkeys(state.ledger.accounts, 0)
    reserves: dict[tuple[int, int, bool], Qty] = {}
    for order in state.orders.values():
        assert order.status in OPEN, "an ended order is listed as open"
        assert order.remaining == order.qty - order.filled > 0, "quantities do not add up"
        assert 0 <= order.close <= order.remaining, "the close part is out of bounds"
        locks[order.user_id] += order.lock
        key = (order.user_id, order.market_id, order.is_buy)
        reserves[key] = reserves.get(key, 0) + order.close
    assert locks == {user: account.locked for user, account in state.ledger.accounts.items()}
    for position in state.positions():
        user, market = position.user_id, position.market_id
        assert position.reserved_no == reserves.get((user, market, True), 0)
        assert position.reserved_yes == reserves.get((user, market, False), 0)


def _audit_positions(state: State) -> None:
    for position in state.positions():
        assert position.cost_yes >= 0, "a negative cost"
        assert position.cost_no >= 0, "a negative cost"
        assert position.yes or not position.cost_yes, "nothing costs something"
        assert position.no or not position.cost_no, "nothing costs something"
        if position.holding is not None:
            assert not (position.yes and position.no), "a net position has two sides"
            continue
        assert 0 <= position.reserved_yes <= position.yes, "more YES reserved than held"
        assert 0 <= position.reserved_no <= position.no, "more NO reserved than held"
        free = position.free_opposite(True), position.free_opposite(False)
        assert not all(free), "a free pair is not merged"


def _audit_market(state: State, market: Market) -> None:
    positions = market.positions.values()
    yes, no = sum(p.yes for p in positions), sum(p.no for p in positions)
    if market.ending is None and not market.final:  # settled positions are dropped otherwise
        paid = sum(p.net_paid for p in positions)
        assert paid == market.collateral + market.fees, "a market leaks"
    if market.final and positions:
        assert market.event is not None, "a final market keeps positions in memory"
        assert market.event.outcome is None, "a final event keeps positions in memory"
        assert not any(p.yes or p.no for p in positions), "a struck outcome is held"
    assert (market.total_yes, market.total_no) == (yes, no), "the totals drifted"
    if market.ending is None:
        assert yes == no == market.open_interest, "YES, NO and open interest differ"
    if market.event is not None:
        assert not market.collateral, "a market keeps what is its event's"
        assert not market.fees, "a market keeps what is its event's"
    elif market.ending is None:
        assert market.collateral == market.open_interest * PRICE_ONE, "collateral differs"
    book = market.book
    for side in (book.bids, book.asks):
        _audit_side(side)
    bid, ask = book.bids.best(), book.asks.best()
    assert bid is None or ask is None or bid.price < ask.price, "the book is crossed"
    if market.status not in (MarketStatus.OPEN, MarketStatus.HALTED):
        keys = {market_key(market.id)} | ({event_key(market.event.id)} if market.event else set())
        under_way = not keys.isdisjoint(state.unfinished)
        assert under_way or (bid is None and ask is None), "orders outlive their market"


def _audit_event(state: State, event: MarketEvent) -> None:
    """Check that everybody's shares of every outcome, counted one by one, equal the sums."""
    holdings = event.holdings.values()
    assert sum(h.base for h in holdings) == event.total_base, "the sum of the bases drifted"
    assert not (event.outcome and holdings), "a final event keeps holdings in memory"
    if event.ending is not None or event.outcome is not None:
        return
    assert event.total_base == event.open_interest, "bases and sets differ"
    assert event.collateral == event.open_interest * PRICE_ONE, "collateral differs"
    assert sum(h.net_paid for h in holdings) == event.collateral + event.fees, "an event leaks"
    strike = state.unfinished.get(event_key(event.id))
    settling = isinstance(strike, EventSteps) and strike.settling
    struck = {id for id in event.market_ids if state.markets[id].final}
    if isinstance(strike, EventSteps) and strike.market_id is not None and settling:
        struck.add(strike.market_id)
    else:
        for holding in holdings:
            _audit_holding(state, event, holding, struck)
    none = 0 if event.exhaustive else 1
    assert event.outcomes == len(event.market_ids) - len(struck) + none, "outcomes miscounted"


def _audit_holding(state: State, event: MarketEvent, holding: Holding, struck: set[int]) -> None:
    """Check that holdings cover the reserved shares, with equality for one outcome at least."""
    user = holding.user_id
    positions = {id: state.markets[id].positions.get(user) for id in event.market_ids}
    own = [p for p in positions.values() if p is not None]
    assert all(p.holding is holding for p in own), "a position has another holding"
    assert holding.market_ids == [p.market_id for p in own], "a holding lists other positions"
    buys = {id: p.reserved_no if p else 0 for id, p in positions.items()}
    assert holding.reserved == sum(buys.values()), "what BUYs reserve drifted"
    free = [] if event.exhaustive else [holding.base - sum(buys.values())]
    for id, p in positions.items():
        if id not in struck:
            net, sells = (p.yes - p.no, p.reserved_yes) if p else (0, 0)
            free.append(holding.base + net - sells - sum(buys.values()) + buys[id])
    assert min(free) == 0, "free sets are not merged, or more is reserved than held"
    nets = {p.market_id: p.free_net for p in own if p.market_id not in struck}
    assert holding.nets == nets, "the free nets are not those of the positions"
    assert holding.least_net() == min(nets.values(), default=0), "the least free net drifted"


def _audit_side(side: BookSide) -> None:
    sums = [0] * len(side.blocks)
    for index, level in side.levels.items():
        sums[index >> BLOCK_BITS] += level.qty
    assert side.blocks == sums, "the blocks are not the sums of their levels"
    assert side.bits == sum(1 << index for index in side.levels), "the bits are not the levels"
    for index, level in side.levels.items():
        orders = list(level)
        assert orders, "an empty level"
        assert (level.index, side.index(level.price)) == (index, index), "a level out of place"
        assert level.qty == sum(order.remaining for order in orders), "a level's size is off"
        assert all(order.level is level for order in orders), "an order names another level"
        assert all(order.price == level.price for order in orders), "an order at another price"
        assert all(a.rank < b.rank for a, b in pairwise(orders)), "the queue is out of order"
        assert (level.head, level.tail) == (orders[0], orders[-1]), "the ends are wrong"
        _audit_runs(level, orders)


def _audit_runs(level: Level, orders: list[Order]) -> None:
    """Check that a level's runs are its queue in pieces; the one that orders join may be empty."""
    runs = [None, *(level.runs or ())]
    assert runs[-1] is level.run, "orders join another run than the last one"
    place = {run: number for number, run in enumerate(runs)}
    places = [place[order.run] for order in orders]
    assert places == sorted(places), "the runs are out of order"
    for run in level.runs or ():
        own = [order.remaining for order in orders if order.run is run]
        assert (run.left, run.qty) == (len(own), sum(own)), "a run's sums are off"
        assert run.left or run is level.run, "an empty run"
    assert places.count(len(runs) - 1) <= level.joined, "more are left than joined"


def digest(exchange: Exchange) -> str:
    """Return a hash of the engine's whole state, in an order that the digest defines."""
    state = exchange.state
    ledger = state.ledger
    rows: list[object] = [
        state.last_order_id,
        state.last_trade_id,
        state.last_market_id,
        state.last_transfer_id,
        state.last_rank,
        state.now,
        ledger.fees,
        ledger.net_deposits,
        [_order_row(state.orders[id]) for id in sorted(state.orders)],
        [
            (a.user_id, a.available, a.locked, a.deadman_at, sorted(a.orders))
            for _, a in sorted(ledger.accounts.items())
        ],
    ]
    for p in sorted(state.positions(), key=lambda p: (p.user_id, p.market_id)):
        key = p.user_id, p.market_id
        shares = (p.yes, p.no, p.reserved_yes, p.reserved_no)
        rows.append((key, shares, p.cost_yes, p.cost_no, p.realized, p.net_paid))
    for id, market in sorted(state.markets.items()):
        queue = [order.id for order in market.book.orders()]
        terms = (market.slug, market.tick, market.maker_rate, market.taker_rate, market.closes_at)
        totals = (market.last_price, market.volume, market.open_interest, market.collateral)
        rows.append((id, str(market.status), str(market.outcome), terms, totals, queue))
        rows.append((market.fees, market.book_seq))
    for id, event in sorted(state.market_events.items()):
        rows.append((id, event.slug, event.title, str(event.outcome), event.closes_at))
        rows.append((event.open_interest, event.collateral, event.fees, event.outcomes))
        rows += [(h.user_id, h.base, h.net_paid) for _, h in sorted(event.holdings.items())]
    rows.append(sorted(map(repr, state.unfinished.values())))
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _order_row(order: Order) -> tuple[object, ...]:
    names = (
        "id", "user_id", "market_id", "is_buy", "price", "qty", "remaining", "filled", "notional",
        "close", "lock", "fee_exact", "fees_paid", "expires_at", "rank", "events", "created_at",
        "updated_at",
    )  # fmt: skip
    return (*(getattr(order, name) for name in names), str(order.status), str(order.stp))
