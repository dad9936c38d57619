"""Markets from creation to resolution.

Invariants:
- a final market is never changed;
- closing and resolving take at most STEP orders or positions at a time (steps.py); between the
  steps the market is CLOSED, other markets trade on, and each step alone keeps money conserved;
- orders end best price first, bids before asks; positions are settled in the order of their users;
- a settled position is dropped from memory: the market never changes it again.

Source: MARKET_RULES, Lifecycle, Bounds.
"""

from bisect import bisect_right
from collections.abc import Iterable

from predmarket.engine import steps
from predmarket.engine.book import Order
from predmarket.engine.commands import (
    CloseDue,
    CreateMarket,
    ResolveMarket,
    UpdateMarket,
)
from predmarket.engine.events import MarketChanged, PaidOut
from predmarket.engine.ledger import InvariantError
from predmarket.engine.market import PAYOUT, TRANSITIONS, Market
from predmarket.engine.position import Position
from predmarket.engine.replies import MarketDone, Refused, Resolved
from predmarket.engine.state import State
from predmarket.engine.steps import LOOKED_AT, Key, MarketSteps
from predmarket.engine.timers import TimerKind
from predmarket.enums import CancelReason, ErrorCode, MarketStatus, Outcome


def create(state: State, command: CreateMarket) -> MarketDone | Refused:
    """Create a market under a slug of its own."""
    if command.slug in state.slugs:
        return Refused(ErrorCode.SLUG_TAKEN, f"the slug {command.slug} is taken")
    state.last_market_id += 1
    market = Market(
        state.last_market_id,
        command.slug,
        command.tick,
        command.maker_rate,
        command.taker_rate,
        question=command.question,
        description=command.description,
        status=command.status,
        closes_at=command.closes_at,
        created_at=state.now,
        creator_id=command.creator_id,
    )
    state.markets[market.id] = market
    state.slugs[market.slug] = market.id
    schedule_close(state, market)
    _report(state, market, new_status=True)
    return MarketDone(market.id)


def update(state: State, command: UpdateMarket) -> MarketDone | Refused:
    """Change a market's status, closing time or texts, all of them or none."""
    market = state.markets.get(command.market_id)
    if market is None:
        return _not_found()
    status = command.status
    if (
        market.final
        or market.ending is not None
        or (status is not None and status not in TRANSITIONS[market.status])
    ):
        return _invalid(market, status)
    if command.question is not None:
        market.question = command.question
    if command.description is not None:
        market.description = command.description
    if command.sets_closes_at:
        market.closes_at = command.closes_at
    if status is MarketStatus.CLOSED:
        return MarketDone(market.id, close(state, market))
    if status is not None:
        reopened = market.status is MarketStatus.CLOSED
        if reopened and market.closes_at is not None and market.closes_at <= state.now:
            market.closes_at = None
        market.status = status
    schedule_close(state, market)
    _report(state, market, new_status=status is not None)
    return MarketDone(market.id)


def schedule_close(state: State, market: Market) -> None:
    """Set the timer of a market that closes on time, and retire the one it had."""
    due = market.closes_at if market.closes_on_time() else None
    if due == market.scheduled:
        return
    had, market.scheduled = market.scheduled, due
    if due is not None:
        state.timers.set(due, TimerKind.CLOSE, market.id)
    if had is not None:
        state.timers.retire(state.is_live)


def close_due(state: State, command: CloseDue) -> MarketDone:
    """Close a market whose closesAt has come."""
    market = state.markets[command.market_id]
    return MarketDone(market.id, close(state, market))


def close(state: State, market: Market) -> Key | None:
    """Close a market and cancel its resting orders; return the key of the steps that are left."""
    market.status = MarketStatus.CLOSED
    schedule_close(state, market)
    _report(state, market, new_status=True)
    return _step(state, market, MarketSteps(market.id))


def resolve(state: State, command: ResolveMarket) -> Resolved | MarketDone | Refused:
    """End a market and pay: at most STEP orders and positions now, the others in further steps."""
    market = state.markets.get(command.market_id)
    if market is None:
        return _not_found()
    if market.final or market.ending is not None:
        return _invalid(market, _final_status(command.outcome))
    market.ending = command.outcome
    market.settlement_price = (
        command.price if command.outcome is Outcome.SCALAR else PAYOUT.get(command.outcome)
    )
    market.status = MarketStatus.CLOSED
    schedule_close(state, market)
    begun = len(state.events)
    unfinished = _step(state, market, MarketSteps(market.id))
    if unfinished is None:
        market.status = _final_status(command.outcome)
    state.dirty_markets[market.id] = market
    state.events.insert(begun, MarketChanged(market.id, market.status, True))
    return _outcome(market, unfinished)


def proceed(state: State, under_way: MarketSteps) -> Resolved | MarketDone:
    """Take the next step of a market that is closing or resolving."""
    market = state.markets[under_way.market_id]
    unfinished = _step(state, market, under_way)
    if unfinished is None and market.outcome is not None:
        market.status = _final_status(market.outcome)
        _report(state, market, new_status=True)
    return _outcome(market, unfinished)


def _outcome(market: Market, unfinished: Key | None) -> Resolved | MarketDone:
    if market.final:
        return Resolved(market.id, market.paid_accounts, market.paid_total)
    return MarketDone(market.id, unfinished)


def _step(state: State, market: Market, under_way: MarketSteps) -> Key | None:
    """Cancel orders, then settle positions, at most STEP of both together.

    Returns the key of the steps that are left, None when there are none.
    """
    reason = CancelReason.MARKET_CLOSED if market.ending is None else CancelReason.MARKET_RESOLVED
    state.dirty_markets[market.id] = market
    room = steps.STEP
    while room and (order := _first_resting(market)) is not None:
        state.cancel(order, reason)
        room -= 1
    if not market.book.empty:
        return state.begin(under_way)
    if market.ending is not None:
        _settle_some(state, market, under_way, room)
        if market.positions:
            return state.begin(under_way)
        _finish(market)
    return None


def _first_resting(market: Market) -> Order | None:
    level = market.book.bids.best() or market.book.asks.best()
    return None if level is None else level.head


def _settle_some(state: State, market: Market, under_way: MarketSteps, room: int) -> None:
    """Settle at most ``room`` positions in the order of their users, and drop what is settled.

    When there are few positions, their users are sorted. When there are many, the sorted accounts
    are searched for positions, a bounded number at a time.
    """
    ledger = state.ledger
    if len(market.positions) <= room:
        user_ids: Iterable[int] = sorted(market.positions)
    else:
        first = bisect_right(ledger.user_ids, under_way.after)
        user_ids = ledger.user_ids[first : first + LOOKED_AT * room]
    for user_id in user_ids:
        position = market.positions.get(user_id)
        if position is not None:
            if _is_unpaid(position, market.ending):
                if not room:
                    return
                room -= 1
                _pay(state, market, position)
            ledger.drop(position, market)
        under_way.after = user_id


def _is_unpaid(position: Position, outcome: Outcome | None) -> bool:
    if outcome is Outcome.VOID:
        return bool(position.net_paid or position.realized or position.yes or position.no)
    return bool(position.yes or position.no)


def _pay(state: State, market: Market, position: Position) -> None:
    position = state.ledger.position(position.user_id, market)
    fee = 0
    if market.ending is Outcome.VOID:
        cash, fee = state.ledger.refund(position, market)
    else:
        assert market.settlement_price is not None  # every other outcome has one
        cash = state.ledger.pay_out(position, market, market.settlement_price)
    if cash or fee:
        market.paid_accounts += 1
        market.paid_total += cash + fee
        state.events.append(PaidOut(position.user_id, market.id, cash, fee))


def _finish(market: Market) -> None:
    assert market.ending is not None  # only a resolution finishes
    if market.collateral or (market.ending is Outcome.VOID and market.fees):
        raise InvariantError(f"market {market.id}: collateral left after the last payment")
    market.outcome = market.ending
    market.ending = None
    market.open_interest = 0


def _final_status(outcome: Outcome) -> MarketStatus:
    return MarketStatus.VOIDED if outcome is Outcome.VOID else MarketStatus.RESOLVED


def _report(state: State, market: Market, *, new_status: bool) -> None:
    state.dirty_markets[market.id] = market
    state.events.append(MarketChanged(market.id, market.status, new_status))


def _not_found() -> Refused:
    return Refused(ErrorCode.MARKET_NOT_FOUND, "there is no such market")


def _invalid(market: Market, status: MarketStatus | None) -> Refused:
    wanted = "be changed" if status is None else f"become {status.value}"
    message = f"a market that is {market.status.value} cannot {wanted}"
    if status is market.status:
        message = f"the market is {market.status.value} already"
    return Refused(
        ErrorCode.INVALID_TRANSITION,
        message,
        {"status": market.status.value},
    )
