"""Markets from creation to resolution.

Invariants:
- a final market is never changed;
- closing and resolving take at most ``STEP`` orders or positions at a time; between the steps the
  market is CLOSED, other markets trade on, and each step alone keeps money conserved.

Source: MARKET_RULES, Lifecycle.
"""

from predmarket.engine.book import Order
from predmarket.engine.commands import (
    ContinueMarket,
    CreateMarket,
    ResolveMarket,
    UpdateMarket,
)
from predmarket.engine.events import MarketChanged, PaidOut
from predmarket.engine.ledger import InvariantError, Position
from predmarket.engine.market import PAYOUT, TRANSITIONS, Market
from predmarket.engine.replies import MarketDone, Refused, Resolved
from predmarket.engine.state import STEP, State
from predmarket.engine.timers import TimerKind
from predmarket.terms import CancelReason, ErrorCode, MarketStatus, Outcome


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
        or (market.status is MarketStatus.CLOSED and status is not None and not market.book.empty)
    ):
        return _invalid(market, status)
    if command.question is not None:
        market.question = command.question
    if command.description is not None:
        market.description = command.description
    if command.sets_closes_at:
        market.closes_at = command.closes_at
    if status is None:
        schedule_close(state, market)
        _report(state, market, new_status=False)
    elif status is MarketStatus.CLOSED:
        close(state, market)
    else:
        reopened = market.status is MarketStatus.CLOSED
        if reopened and market.closes_at is not None and market.closes_at <= state.now:
            market.closes_at = None
        market.status = status
        market.sweeping = []
        state.unfinished.pop(market.id, None)
        schedule_close(state, market)
        _report(state, market, new_status=True)
    return MarketDone(market.id, market.unfinished)


def schedule_close(state: State, market: Market) -> None:
    """Set the timer of a market that closes on time."""
    if market.closes_at is not None and market.closes_on_time():
        state.timers.set(market.closes_at, TimerKind.CLOSE, market.id)


def close(state: State, market: Market) -> None:
    """Close a market and cancel what rests in it, or the first step of that."""
    market.status = MarketStatus.CLOSED
    _report(state, market, new_status=True)
    start_sweep(market)
    _step(state, market)


def resolve(state: State, command: ResolveMarket) -> Resolved | MarketDone | Refused:
    """End a market and pay, or take the first step of that."""
    market = state.markets.get(command.market_id)
    if market is None:
        return _not_found()
    if market.final or market.ending is not None:
        return _invalid(market, _final_status(command.outcome))
    market.ending = command.outcome
    market.settlement_price = (
        command.price if command.outcome is Outcome.SCALAR else PAYOUT.get(command.outcome)
    )
    start_sweep(market)
    start_paying(market)
    at_once = len(market.sweeping) + len(market.unpaid) <= STEP
    market.status = _final_status(command.outcome) if at_once else MarketStatus.CLOSED
    _report(state, market, new_status=True)
    _step(state, market)
    return _outcome(market)


def proceed(state: State, command: ContinueMarket) -> Resolved | MarketDone:
    """Take the next step of a market that is closing or resolving."""
    market = state.markets[command.market_id]
    _step(state, market)
    return _outcome(market)


def _outcome(market: Market) -> Resolved | MarketDone:
    if market.final:
        return Resolved(market.id, market.paid_accounts, market.paid_total)
    return MarketDone(market.id, market.unfinished)


def start_sweep(market: Market) -> None:
    """List the resting orders that a closed market has to cancel, last id first."""
    market.sweeping = sorted((order.id for order in market.book.orders()), reverse=True)


def start_paying(market: Market) -> None:
    """List the positions that the resolution has not settled yet, last user first."""
    market.unpaid = [
        position
        for _, position in sorted(market.positions.items(), reverse=True)
        if _is_unpaid(position, market.ending)
    ]


def _is_unpaid(position: Position, outcome: Outcome | None) -> bool:
    if outcome is Outcome.VOID:
        return bool(position.net_paid or position.realized or position.yes or position.no)
    return bool(position.yes or position.no)


def _step(state: State, market: Market) -> None:
    """Cancel, then pay, at most STEP of both; make the market final when nothing is left."""
    reason = CancelReason.MARKET_CLOSED if market.ending is None else CancelReason.MARKET_RESOLVED
    room = STEP
    while room and (order := _next_resting(state, market)) is not None:
        state.cancel(order, reason)
        room -= 1
    if _next_resting(state, market) is None and market.ending is not None:
        while room and (position := _next_unpaid(market)) is not None:
            _pay(state, market, position)
            room -= 1
        if _next_unpaid(market) is None:
            _finish(state, market)
    state.dirty_markets[market.id] = market
    if market.unfinished:
        state.unfinished[market.id] = market
    else:
        state.unfinished.pop(market.id, None)


def _next_resting(state: State, market: Market) -> Order | None:
    """Return the next order to cancel. Passes over those whose owner was faster.

    What is passed over takes no room in a step: a list made anew after a restart does not hold it,
    and both must lead to the same steps.
    """
    while market.sweeping:
        order = state.orders.get(market.sweeping[-1])
        if order is not None:
            return order
        market.sweeping.pop()
    return None


def _next_unpaid(market: Market) -> Position | None:
    """Return the next position to pay. Passes over those that merged away meanwhile."""
    while market.unpaid:
        position = market.unpaid[-1]
        if _is_unpaid(position, market.ending):
            return position
        market.unpaid.pop()
    return None


def _pay(state: State, market: Market, position: Position) -> None:
    position = state.ledger.position(position.user_id, market)
    fee = 0
    if market.ending is Outcome.VOID:
        cash, fee = state.ledger.undo(position, market)
    else:
        assert market.settlement_price is not None  # every other outcome has one
        cash = state.ledger.pay_out(position, market, market.settlement_price)
    if cash or fee:
        market.paid_accounts += 1
        market.paid_total += cash + fee
        state.events.append(PaidOut(position.user_id, market.id, cash, fee))


def _finish(state: State, market: Market) -> None:
    assert market.ending is not None  # only a resolution finishes
    if market.collateral or (market.ending is Outcome.VOID and market.fees):
        raise InvariantError(f"market {market.id}: collateral left after the last payment")
    market.outcome = market.ending
    market.ending = None
    market.open_interest = 0
    final = _final_status(market.outcome)
    if market.status is not final:
        market.status = final
        _report(state, market, new_status=True)


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
