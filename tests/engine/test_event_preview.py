"""A preview in an event equals placing, since it makes the same decision on a copy."""

import pytest

from predmarket.engine.commands import PlaceOrder
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.preview import Copy, Shares, Trial
from predmarket.engine.replies import OrderDone, Refused
from predmarket.enums import OrderType, Side, TimeInForce
from predmarket.units import parse_price, parse_qty
from tests.engine.event_desk import EventDesk, W, X, Y, Z, after_example_6, after_example_7


def _exhaustive() -> EventDesk:
    """Return a desk where X has YES of B and of C in an exhaustive event of three."""
    desk = EventDesk(exhaustive=True)
    desk.trade(X, Y, "10", "B", "0.30")
    desk.trade(X, Y, "6", "C", "0.30")
    return desk


def _with_orders() -> EventDesk:
    """Return a desk where X has NO of A and of B, partly reserved by orders."""
    desk = after_example_7()
    desk.trade(X, W, "4", "A", "0.45")
    desk.order(X, "BUY", "3", "B", "0.10")
    desk.order(X, "SELL", "2", "C", "0.90")
    return desk


def copy_for(desk: EventDesk, command: PlaceOrder) -> Copy:
    """Return a copy of the state that the order reads, built from rows as a gateway does."""
    state, user = desk.exchange.state, command.user_id
    real, of = state.markets[command.market_id], desk.event
    event = MarketEvent(of.id, of.slug, of.tick, exhaustive=of.exhaustive)
    event.outcomes = of.outcomes
    copy = Copy(desk.now, user, Market(real.id, real.slug, real.tick, event=event))
    copy.fund(desk.account(user).available, 0, 0, 0)
    holding = of.holdings.get(user)
    if holding is not None:
        rows = [state.markets[id].positions[user] for id in holding.market_ids]
        copy.hold(
            holding.base,
            [Shares(p.market_id, p.yes, p.no, p.reserved_yes, p.reserved_no) for p in rows],
        )
    for order in state.orders.values():
        if order.market_id == real.id:
            copy.rest(order.side, order.price, order.remaining, own=order.user_id == user)
    return copy


@pytest.mark.parametrize("reduce_only", [False, True])
@pytest.mark.parametrize("make", [after_example_6, after_example_7, _exhaustive, _with_orders])
def test_a_preview_is_what_placing_does(make: object, reduce_only: bool) -> None:
    """Preview and placing lock the same cash and give the same refusals."""
    for user in (X, Y, Z):
        for letter in "ABC":
            for side in Side:
                assert callable(make)
                desk = make()
                desk.order(W, "SELL" if side is Side.BUY else "BUY", "2", letter, "0.50")
                command = PlaceOrder(
                    user,
                    desk.id(letter),
                    side,
                    OrderType.LIMIT,
                    parse_price("0.50"),
                    parse_qty("7"),
                    TimeInForce.GTC,
                    reduce_only=reduce_only,
                )
                trial = copy_for(desk, command).place(command)
                reply = desk.apply(command)
                if isinstance(reply, Refused):
                    assert isinstance(trial, Refused)
                    assert trial.code is reply.code
                    continue
                assert isinstance(reply, OrderDone)
                assert isinstance(trial, Trial)
                resting = desk.exchange.state.orders.get(reply.order.id)
                locked = resting.lock if resting is not None else 0
                assert (trial.filled, trial.locked) == (reply.order.filled, locked)
