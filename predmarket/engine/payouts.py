"""Payouts, user by user, at the end of a market or an event, or at a strike.

A holder of b of NONE with net positions d(j) holds b + d(j) of each outcome j. The prices of all
outcomes add up to 1.00, so it receives b x 1.00 and d(j) at the price of j: no outcome in which
nothing is held is looked at. A market without an event is the same with one d.

Invariants:
- users are settled in the order of their ids; each user's whole part of a pool is settled at once;
- settled positions leave the memory: no command changes them again. A struck market's positions
  stay, flat, until its event ends, since a VOID undoes them, too.

Source: docs/market_rules.md, Lifecycle, Events, Bounds.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from predmarket.engine import steps
from predmarket.engine.events import Merged, PaidOut
from predmarket.engine.ledger import Holder, InvariantError, Ledger, Pool
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.position import Holding, Position
from predmarket.engine.state import State
from predmarket.engine.steps import LOOKED_AT, EventSteps, MarketSteps
from predmarket.enums import EventOutcome, Outcome
from predmarket.units import PRICE_ONE, Money


def settle_some(state: State, pool: Pool, under_way: MarketSteps | EventSteps, room: int) -> None:
    """Settle at most ``room`` positions in the order of their users, and drop them.

    A user's positions in an event are settled together, even if they exceed ``room`` alone.
    """
    holders: Mapping[int, Holder] = pool.positions if isinstance(pool, Market) else pool.holdings
    for user_id in next_users(state.ledger, holders, under_way.after, room):
        holder = holders.get(user_id)
        if holder is not None:
            positions = _positions(state, holder)
            left = _left(pool, holder, positions)
            if left is not None:
                count = max(1, len(left))
                if room < count and room < steps.STEP:
                    return
                room -= count
                _pay(state, pool, holder, left)
            _drop(state, pool, user_id, positions)
        under_way.after = user_id


def next_users(
    ledger: Ledger, holders: Mapping[int, Holder], after: int, room: int
) -> Sequence[int]:
    """Return user ids above ``after`` in order; some of these users may hold nothing.

    A few holders are sorted. For many holders, this reads a bounded part of the sorted accounts.
    """
    if len(holders) <= room:
        return sorted(user_id for user_id in holders if user_id > after)
    first = bisect_right(ledger.user_ids, after)
    return ledger.user_ids[first : first + LOOKED_AT * room]


def _positions(state: State, holder: Holder) -> list[Position]:
    if isinstance(holder, Position):
        return [holder]
    return [state.markets[id].positions[holder.user_id] for id in holder.market_ids]


def _voids(pool: Pool) -> bool:
    return pool.ending is Outcome.VOID or pool.ending is EventOutcome.VOID


def _left(pool: Pool, holder: Holder, positions: list[Position]) -> list[Position] | None:
    """Return the positions that the end changes, None if it does not concern the holder."""
    void = _voids(pool)
    left = [p for p in positions if p.yes or p.no or (void and p.realized)]
    if isinstance(holder, Position):
        return positions if left or (void and holder.net_paid) else None
    return left if left or (holder.net_paid if void else holder.base) else None


def _pay(state: State, pool: Pool, holder: Holder, left: list[Position]) -> None:
    ledger, user_id = state.ledger, holder.user_id
    if not isinstance(pool, Market):
        ledger.holding(user_id, pool)
    for position in left:
        ledger.position(user_id, state.markets[position.market_id])
    void, fee = _voids(pool), 0
    if void:
        cash, fee = ledger.refund(holder, pool)
    else:
        cash = _worth(state, holder, left)
        ledger.pay(holder, pool, cash)
    for position in left:
        position.end(0 if void else _price(state, position))
        if void:
            position.realized = 0
    if not isinstance(holder, Position):
        holder.end()
    if cash or fee:
        pool.paid_accounts += 1
        pool.paid_total += cash + fee
        alone = isinstance(pool, Market)
        state.events.append(
            PaidOut(user_id, pool.id if alone else None, cash, fee, None if alone else pool.id)
        )


def _worth(state: State, holder: Holder, left: list[Position]) -> Money:
    base = holder.no if isinstance(holder, Position) else holder.base
    nets = sum([(p.yes - p.no) * _price(state, p) for p in left])
    return base * PRICE_ONE + nets


def _price(state: State, position: Position) -> int:
    """Return the price that a YES share of the position's market pays."""
    price = state.markets[position.market_id].settlement_price
    assert price is not None  # every outcome but VOID has one
    return price


def _drop(state: State, pool: Pool, user_id: int, positions: list[Position]) -> None:
    for position in positions:
        del state.markets[position.market_id].positions[user_id]
    if not isinstance(pool, Market):
        del pool.holdings[user_id]


def strike_some(
    state: State, event: MarketEvent, struck: Market, under_way: EventSteps, room: int
) -> bool:
    """Take a struck outcome from at most ``room`` holdings, in the order of their users.

    Returns True after the last holding.
    """
    state.ledger.begin_strike()
    if not under_way.settling:
        under_way.settling = True
        event.outcomes -= 1
        state.ledger.dirty_events[event.id] = event
    state.dirty_markets[struck.id] = struck
    few = len(event.holdings) <= room
    for user_id in next_users(state.ledger, event.holdings, under_way.after, room):
        holding = event.holdings.get(user_id)
        if holding is not None:
            if not room:
                return False
            room -= _strike(state, event, struck, holding)
        under_way.after = user_id
    return few or under_way.after >= state.ledger.user_ids[-1]


def _strike(state: State, event: MarketEvent, struck: Market, holding: Holding) -> bool:
    """Take the struck outcome from a holding and merge its free sets; tell whether it changed."""
    ledger, user_id = state.ledger, holding.user_id
    position = struck.positions.get(user_id)
    changed = False
    if position is not None:
        holding.strike(position)
        changed = bool(position.yes or position.no)
        if changed:
            ledger.position(user_id, struck).end(0)
    if not holding.free_sets(event.outcomes):
        return changed
    sets = ledger.merge_sets(ledger.holding(user_id, event), event)
    if not sets:
        raise InvariantError(f"holding {user_id}: more is reserved than held")
    state.events.append(Merged(user_id, struck.id, sets))
    struck.paid_accounts += 1
    struck.paid_total += sets * PRICE_ONE
    return True
