"""The stream of event commands has the properties that MEASURES states, on every machine."""

import hashlib

import pytest

from benchmarks.event_stream import EventStream, event_stream
from benchmarks.rows.engine import exchange_rate
from predmarket.engine import Exchange
from predmarket.engine.commands import CancelOrder, Command, CreateEvent, PlaceOrder
from predmarket.engine.replies import OrderDone
from predmarket.enums import Side

USERS = 10


@pytest.fixture(scope="module")
def stream() -> EventStream:
    """The first 2 000 commands for three events and ten users."""
    return event_stream(2_000, events=3, users=USERS)


def test_it_is_the_same_everywhere(stream: EventStream) -> None:
    """The digest of the stream never changes, so that results of different days can be compared."""
    drawn = [drawn_of(command) for command in (*stream.opening, *stream.commands)]
    digest = hashlib.sha256(repr(drawn).encode()).hexdigest()
    assert digest[:16] == "42d21924ed3c70cf"


def drawn_of(command: Command) -> tuple[object, ...]:
    """Return the fields of a command that the stream draws; later fields are left out."""
    match command:
        case PlaceOrder():
            side = command.side.value
            return (command.user_id, command.market_id, side, command.price, command.qty)
        case CancelOrder():
            return (command.user_id, command.order_id)
        case CreateEvent():
            return (command.slug, command.exhaustive, len(command.markets))
    return (type(command).__name__,)


def test_a_third_of_the_orders_is_covered_by_what_is_held(stream: EventStream) -> None:
    """Free shares cover a third of the orders.

    60 % of the commands are orders, and half of these are BUYs.
    """
    exchange = Exchange()
    state = exchange.state
    for command in stream.opening:
        exchange.apply(0, command)
    covered = []
    owners: dict[int, int] = {}
    for command in stream.commands:
        if isinstance(command, PlaceOrder):
            market = state.markets[command.market_id]
            held = state.ledger.free_opposite(
                command.user_id, market, is_buy=command.side is Side.BUY
            )
            covered.append(held >= command.qty)
        reply, _ = exchange.apply(0, command)
        if isinstance(command, CancelOrder):
            assert owners.pop(command.order_id) == command.user_id
        else:
            assert isinstance(reply, OrderDone)
            owners[reply.order.id] = reply.order.user_id
    orders = [one for one in stream.commands if isinstance(one, PlaceOrder)]
    assert len(orders) / len(stream.commands) == pytest.approx(0.6, abs=0.04)
    assert sum(covered) / len(orders) == pytest.approx(1 / 3, abs=0.04)
    assert sum(one.side is Side.BUY for one in orders) / len(orders) == pytest.approx(0.5, abs=0.04)


def test_every_user_is_in_every_outcome(stream: EventStream) -> None:
    """Every user has a position in every outcome before the first timed command."""
    exchange = Exchange()
    for command in stream.opening:
        exchange.apply(0, command)
    state = exchange.state
    assert [event.outcomes for event in state.market_events.values()] == [3, 26, 50]
    assert {len(market.positions) for market in state.markets.values()} == {USERS}


def test_the_row_carries_it_out(stream: EventStream) -> None:
    """The benchmark's row executes the stream and reports a positive rate."""
    assert exchange_rate(stream.opening, stream.commands) > 0
