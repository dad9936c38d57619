"""Events in steps: each is bounded, and no command runs between them in the event's markets.

Source: docs/market_rules.md, Bounds, Events.
"""

import msgspec
import pytest

from predmarket.engine import payouts, steps
from predmarket.engine.commands import (
    AddMarket,
    CancelAll,
    CancelOrder,
    Command,
    Disconnect,
    OpenAccount,
    PlaceOrder,
    ResolveEvent,
    ResolveMarket,
    TakeStep,
    UpdateEvent,
    UpdateMarket,
)
from predmarket.engine.events import OrderCanceled, PaidOut
from predmarket.engine.replies import EventDone, EventResolved, MarketDone, Resolved
from predmarket.engine.snapshot import snapshot
from predmarket.engine.steps import EventSteps
from predmarket.enums import EventOutcome, MarketStatus, OrderType, Outcome, Side, TimeInForce
from predmarket.units import parse_money
from tests.engine.desk import SECOND
from tests.engine.event_desk import EventDesk, W, X, Y, Z

STEP = TakeStep("event/1")
CLOSE = UpdateEvent(1, MarketStatus.CLOSED)
NONE_WINS = ResolveEvent(1, EventOutcome.NONE)
STRIKE = ResolveMarket(2, Outcome.NO)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit a step to two orders or positions."""
    monkeypatch.setattr(steps, "STEP", 2)


@pytest.fixture
def desk() -> EventDesk:
    """Return a desk with positions in A, B and C and six resting orders in A and in C.

    X has NO of each market; Y, Z and W have YES of one each.
    """
    desk = EventDesk()
    for user, letter in ((Y, "A"), (Z, "B"), (W, "C")):
        desk.trade(user, X, "10", letter, "0.30")
    for _ in range(3):
        desk.order(Y, "BUY", "1", "A", "0.10")
        desk.order(Z, "BUY", "1", "C", "0.10")
    return desk


def limit(user: int, market: int) -> PlaceOrder:
    """Return a BUY of 1 at 0.05."""
    return PlaceOrder(
        user, market, Side.BUY, OrderType.LIMIT, 500, 100, TimeInForce.GTC
    )  # fmt: skip


def take_steps(desk: EventDesk, command: Command) -> list[int]:
    """Execute a command step by step; return the number of orders and users in each step."""
    desk.apply(command, finish=False)
    handled = []
    while True:
        kinds = (OrderCanceled, PaidOut)
        handled.append(sum(isinstance(event, kinds) for event in desk.events))
        step = desk.exchange.next_step()
        if step is None:
            return handled
        desk.apply(step, finish=False)


def test_a_closing_cancels_a_few_at_a_time(desk: EventDesk) -> None:
    """A closing cancels a few orders per step; all markets are CLOSED from the first."""
    desk.apply(CLOSE, finish=False)
    assert desk.statuses() == ["CLOSED"] * 3
    assert take_steps(desk, STEP) == [2, 2]
    assert not desk.exchange.state.orders


def test_a_resolution_cancels_then_settles(desk: EventDesk) -> None:
    """A resolution cancels six orders, settles X's three positions in one step, then the rest."""
    assert take_steps(desk, ResolveEvent(1, EventOutcome.WINNER, 2)) == [2, 2, 2, 0, 1, 0]
    assert desk.statuses() == ["RESOLVED"] * 3
    assert desk.cash(X, Y, Z, W) == ["99.00", "107.00", "97.00", "97.00"]


def test_a_user_is_settled_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose positions do not fit into the rest of a step is settled whole in the next."""
    monkeypatch.setattr(steps, "STEP", 3)
    desk = EventDesk()
    for user, letter in ((X, "A"), (Z, "B"), (W, "C")):
        desk.trade(user, Y, "10", letter, "0.30")
    desk.apply(NONE_WINS, finish=False)
    left = [[*desk.event.holdings]]
    while (step := desk.exchange.next_step()) is not None:
        desk.apply(step, finish=False)
        left.append([*desk.event.holdings])
    assert left == [[Y, Z, W], [Z, W], []]


def test_the_last_step_answers(desk: EventDesk) -> None:
    """Earlier steps return a key, while every market is CLOSED; the last one has the reply."""
    reply = desk.apply(NONE_WINS, finish=False)
    assert reply == EventDone(1, "event/1")
    assert desk.statuses() == ["CLOSED"] * 3
    while (step := desk.exchange.next_step()) is not None:
        reply = desk.apply(step, finish=False)
    assert reply == EventResolved(1, 1, parse_money("10"))
    struck = EventDesk()
    struck.order(Y, "BUY", "1", "A", "0.10")
    struck.order(Y, "BUY", "1", "A", "0.10")
    struck.order(Y, "BUY", "1", "A", "0.10")
    assert struck.apply(STRIKE, finish=False) == MarketDone(2, "event/1")
    assert struck.statuses() == ["CLOSED", "OPEN", "OPEN"]
    assert struck.apply(STEP, finish=False) == Resolved(2, 0, 0)


@pytest.mark.parametrize("holders", [2, 9])
@pytest.mark.parametrize("looked_at", [1, 50])
def test_a_strike_goes_through_all_holders(
    monkeypatch: pytest.MonkeyPatch, holders: int, looked_at: int
) -> None:
    """A strike visits all holders in the order of their ids, however far apart the ids are."""
    monkeypatch.setattr(payouts, "LOOKED_AT", looked_at)
    desk = EventDesk()
    users = [*range(20, 20 + 3 * holders, 3)]
    for user in range(10, 60):
        desk.apply(OpenAccount(user, parse_money("10")))
    for user in reversed(users):
        desk.trade(Y, user, "1", "A", "0.40")
    for _ in range(3):
        desk.order(Y, "BUY", "1", "A", "0.10")
    desk.strike("A")
    merged = [row[1] for row in desk.rows if row[0] == "MERGED"]
    assert merged == users
    assert desk.cash(*users) == ["10.40"] * holders
    assert desk.collateral == "0.00"


@pytest.mark.parametrize("begin", [CLOSE, NONE_WINS, STRIKE], ids=["close", "resolve", "strike"])
def test_what_waits_for_an_event(desk: EventDesk, begin: Command) -> None:
    """Commands and timers of the event and its markets wait; others proceed."""
    order = desk.exchange.state.last_order_id
    desk.apply(begin, finish=False)
    waiting: list[Command] = [
        limit(W, 2),
        limit(W, 4),
        CancelOrder(Z, order),
        CancelAll(Z),
        CancelAll(Z, 4),
        UpdateMarket(3, question="?"),
        ResolveMarket(3, Outcome.NO),
        UpdateEvent(1, title="?"),
        AddMarket(1, "race-d", "?"),
        NONE_WINS,
    ]
    assert [desk.exchange.waits_for(command) for command in waiting] == ["event/1"] * len(waiting)
    free: list[Command] = [limit(W, 1), UpdateEvent(2), CancelAll(W), OpenAccount(9)]
    for command in free:
        assert desk.exchange.waits_for(command) is None


def test_an_event_waits_for_each_of_its_markets(desk: EventDesk) -> None:
    """A sweep or a closing in one market delays commands of the event, not of other markets."""
    desk.apply(UpdateMarket(2, MarketStatus.CLOSED), finish=False)
    of_event: list[Command] = [CLOSE, NONE_WINS, AddMarket(1, "race-d", "?")]
    for command in [*of_event, ResolveMarket(3, Outcome.NO)]:
        assert desk.exchange.waits_for(command) == "market/2"
    of_others: list[Command] = [UpdateMarket(3, question="?"), limit(W, 4)]
    for command in of_others:
        assert desk.exchange.waits_for(command) is None


def test_a_timer_waits_for_the_event() -> None:
    """A market's closing time during the steps is obsolete after them."""
    desk = EventDesk(closes_at=5 * SECOND)
    for _ in range(5):
        desk.order(Y, "BUY", "1", "A", "0.10")
    desk.apply(STRIKE, finish=False)
    assert desk.exchange.due(6 * SECOND) is None
    desk.finish()
    desk.run_due(6 * SECOND)
    assert desk.statuses() == ["RESOLVED", "CLOSED", "CLOSED"]


def test_a_disconnect_waits_for_the_event() -> None:
    """A disconnect begins at once; its steps wait while a market of the event is held."""
    desk = EventDesk()
    for letter in "AAAC":
        desk.place(Y, "BUY", "1", "0.10", market=desk.id(letter), connection="g-1")
    desk.apply(STRIKE, finish=False)
    desk.apply(Disconnect("g", "g-1"), finish=False)
    assert [row[0] for row in desk.rows] == []
    desk.finish()
    assert not desk.exchange.state.orders


def test_in_steps_or_at_once_the_same(monkeypatch: pytest.MonkeyPatch, desk: EventDesk) -> None:
    """A strike and a resolution reach the same state under every bound."""
    states = []
    for bound in (1, 2, 3, 1_000):
        monkeypatch.setattr(steps, "STEP", 1_000)
        again = EventDesk()
        for user, letter in ((Y, "A"), (Z, "B"), (W, "C")):
            again.trade(user, X, "10", letter, "0.30")
            again.order(user, "SELL", "4", letter, "0.80")
        monkeypatch.setattr(steps, "STEP", bound)
        again.strike("B")
        struck = snapshot(again.exchange.state)
        again.decide("A 0.25 NONE 0.75")
        states.append((struck, snapshot(again.exchange.state)))
    assert states == [states[0]] * 4


def test_records_of_steps_are_stored() -> None:
    """The record of an event's remaining steps is read back unchanged."""
    records = [EventSteps(1), EventSteps(2, 5), EventSteps(3, 7, True, 40)]
    stored = steps.encode({one.key: one for one in records})
    assert [*steps.decode(stored).values()] == records
    assert msgspec.json.decode(stored)[1] == ["event", 2, 5, False, 0]


def test_the_snapshot_sees_what_is_held_of_an_event(desk: EventDesk) -> None:
    """States that differ in one base share or one label have different snapshots."""
    state = desk.exchange.state
    before = snapshot(state)
    desk.event.holdings[X].base += 1
    other = snapshot(state)
    desk.event.holdings[X].base -= 1
    assert before != other
    desk.of("A").label = "another"
    assert snapshot(state) != before
