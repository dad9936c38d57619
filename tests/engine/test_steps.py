"""Commands in steps: each step is bounded, and no conflicting command runs in between.

Source: docs/market_rules.md, Bounds.
"""

import random

import msgspec
import pytest

from predmarket.engine import book, steps
from predmarket.engine.commands import (
    AmendOrder,
    CancelAfter,
    CancelAll,
    Command,
    Disconnect,
    PlaceOrder,
    ResolveMarket,
    TakeStep,
    Transfer,
    UpdateMarket,
)
from predmarket.engine.events import Match, OrderCanceled, PaidOut
from predmarket.engine.replies import Canceled, OrderDone
from predmarket.engine.state import Changes
from predmarket.enums import (
    MarketStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.units import parse_money
from tests.engine.desk import SECOND, A, B, C, Desk, code, placed

MARKET_1, ACCOUNT_A = TakeStep("market/1"), TakeStep("account/1")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit a step to two orders or positions."""
    monkeypatch.setattr(steps, "STEP", 2)


def buy(user: int, qty: int, *, tif: TimeInForce = TimeInForce.GTC, **more: object) -> PlaceOrder:
    """Return a BUY of so many contracts at 0.50 in the first market."""
    order = PlaceOrder(user, 1, Side.BUY, OrderType.LIMIT, 5_000, qty * 100, tif)
    return PlaceOrder(*(more.get(n, getattr(order, n)) for n in PlaceOrder.__struct_fields__))  # type: ignore[arg-type]


def asks(count: int, user: int = A, *, connection: str | None = None) -> Desk:
    """Return a desk with so many asks of one contract at 0.50."""
    desk = Desk()
    for _ in range(count):
        desk.place(user, "SELL", "1", "0.50", connection=connection)
    return desk


def handled(desk: Desk) -> int:
    """Return how many orders or positions the last step handled."""
    kinds = (Match, OrderCanceled, PaidOut)
    return sum(isinstance(event, kinds) for event in desk.events)


@pytest.mark.parametrize(
    "command",
    [
        buy(B, 5),
        buy(A, 5, stp=SelfTradePrevention.CANCEL_MAKER),
        CancelAll(A),
        CancelAll(A, 1, Side.SELL),
        Disconnect("g", "g-1", A),
        Disconnect("g", "g-1"),
        Disconnect("g"),
        UpdateMarket(1, MarketStatus.CLOSED),
        ResolveMarket(1, Outcome.VOID),
    ],
    ids=lambda command: type(command).__name__,
)
def test_no_step_does_more_than_its_bound(command: Command) -> None:
    """Five orders take three steps in every kind of command."""
    desk = asks(5, connection="g-1")
    did = []
    desk.apply(command, finish=False)
    did.append(handled(desk))
    while (step := desk.exchange.next_step()) is not None:
        desk.apply(step, finish=False)
        did.append(handled(desk))
    assert did == [2, 2, 1]
    assert not desk.exchange.state.unfinished


def test_a_dead_mans_switch_takes_steps() -> None:
    """Commands of the account wait until the last step; those of others do not."""
    desk = asks(5)
    desk.apply(CancelAfter(A, 1))
    desk.now = SECOND
    due = desk.exchange.due(desk.now)
    assert due is not None
    desk.exchange.apply(*due)
    assert desk.exchange.waits_for(Transfer(A, 1, "", C)) == "account/1"
    assert desk.exchange.waits_for(Transfer(B, 1, "", C)) is None
    assert desk.exchange.waits_for(buy(A, 1)) == "account/1"
    assert desk.exchange.waits_for(buy(B, 1)) is None
    assert desk.apply(ACCOUNT_A, finish=False) == Canceled((3, 4), "account/1")
    assert desk.apply(ACCOUNT_A, finish=False) == Canceled((5,))


def test_what_is_filled_before_its_step_is_not_cancelled() -> None:
    """Others may fill orders that a cancel-all has not reached yet."""
    desk = asks(5)
    assert desk.apply(CancelAll(A), finish=False) == Canceled((1, 2), "account/1")
    desk.apply(buy(B, 1), finish=False)
    assert desk.trades == [(6, 3, "0.5000", "1")]
    assert desk.apply(ACCOUNT_A, finish=False) == Canceled((4, 5))


def test_a_sweep_reports_each_step_and_rests_at_the_end() -> None:
    """A sweep is PARTIALLY_FILLED and in no book between steps; its remainder rests at the end."""
    desk = asks(3)
    first = desk.apply(buy(B, 4), finish=False)
    assert isinstance(first, OrderDone)
    assert (first.unfinished, first.order.filled, len(first.fills)) == ("market/1", 200, 2)
    assert desk.queue() == [3]
    last = desk.apply(MARKET_1, finish=False)
    assert isinstance(last, OrderDone)
    assert (last.unfinished, last.order.status, last.order.filled) == (
        None, "PARTIALLY_FILLED", 300,
    )  # fmt: skip
    assert desk.queue() == [4]


def test_an_amended_order_sweeps_in_steps() -> None:
    """An amended order trades from the back of the queue; until its end no command changes it."""
    desk = asks(5)
    bid = placed(desk.place(B, "BUY", "5", "0.40")).id
    desk.apply(AmendOrder(B, bid, 5_000, None), finish=False)
    assert desk.exchange.waits_for(AmendOrder(B, bid, None, 900)) == "market/1"
    desk.apply(MARKET_1)
    assert desk.queue() == []


def test_what_falls_due_amid_a_sweep_follows_it() -> None:
    """An order that expires during a sweep is filled; the market closes after the last step."""
    desk = Desk()
    desk.closing(SECOND)
    for _ in range(3):
        desk.place(A, "SELL", "1", "0.50", tif="GTD", expires_at=SECOND)
    desk.place(A, "SELL", "1", "0.60", tif="GTD", expires_at=SECOND)
    desk.now = SECOND - 1
    desk.apply(buy(B, 4), finish=False)
    desk.now = 2 * SECOND
    assert desk.exchange.due(desk.now) is None
    desk.apply(MARKET_1, finish=False)
    assert desk.trades == [(5, 3, "0.5000", "1")]
    assert desk.run_due(desk.now) == [
        ("MARKET_STATUS", 1, "CLOSED"),
        ("ORDER_CANCELED", 5, "MARKET_CLOSED"),
        ("ORDER_CANCELED", 4, "MARKET_CLOSED"),
    ]


def test_a_sweep_happens_at_the_time_of_its_first_step() -> None:
    """All of a sweep's times are that of its first step, also after a restart."""
    desk = asks(5)
    makers = [desk.exchange.state.orders[id] for id in range(1, 6)]
    desk.now = SECOND
    desk.apply(buy(B, 6), finish=False)
    taker = desk.exchange.state.orders[6]
    for now in (2 * SECOND, 3 * SECOND):
        desk.now = now
        state = desk.exchange.state
        state.unfinished = steps.decode(steps.encode(state.unfinished))
        desk.apply(MARKET_1, finish=False)
        assert (state.now, state.happens_at) == (now, SECOND)
    assert {order.updated_at for order in (taker, *makers)} == {SECOND}
    desk.now = 4 * SECOND
    desk.amend(B, 6, None, "7")
    assert taker.updated_at == 4 * SECOND


def test_a_deadline_is_checked_before_the_first_step_only() -> None:
    """A sweep that began in time continues after its deadline."""
    desk = asks(3)
    desk.apply(buy(B, 3, deadline=10), finish=False)
    desk.now = SECOND
    desk.apply(MARKET_1)
    assert desk.exchange.state.last_trade_id == 3


def test_a_cancel_all_waits_for_the_markets_it_meets() -> None:
    """A cancel-all waits for a sweep in a market with the user's orders, not for others."""
    desk = asks(5)
    desk.create()
    desk.place(C, "BUY", "1", "0.10", market=2)
    desk.apply(buy(B, 5), finish=False)
    assert desk.exchange.waits_for(CancelAll(A)) == "market/1"
    assert desk.exchange.waits_for(CancelAll(B)) == "market/1"
    assert desk.exchange.waits_for(CancelAll(C)) is None
    assert desk.exchange.waits_for(CancelAll(A, 2)) is None


def test_the_end_of_a_connection_begins_at_once_and_its_steps_wait() -> None:
    """The end of a connection is journaled at once, so that no crash loses it; its steps wait."""
    desk = asks(5, connection="g-1")
    desk.apply(buy(B, 3), finish=False)
    assert desk.apply(Disconnect("g"), finish=False) == Canceled((), "gateway/g")
    assert desk.exchange.waits_for(buy(A, 1)) == "market/1"
    assert desk.exchange.next_step() == MARKET_1
    desk.apply(MARKET_1)
    assert desk.queue() == []
    assert not desk.exchange.state.ties.gateways


def test_steps_of_two_markets_take_turns() -> None:
    """After each step the other market's turn comes."""
    desk = asks(5)
    desk.create()
    for _ in range(5):
        desk.place(A, "SELL", "1", "0.50", market=2)
    desk.apply(buy(B, 5), finish=False)
    desk.apply(buy(C, 5, market_id=2), finish=False)
    turns = []
    while (step := desk.exchange.next_step()) is not None:
        turns.append(step.key)
        desk.apply(step, finish=False)
    assert turns == ["market/1", "market/2", "market/1", "market/2"]


# --- open orders ------------------------------------------------------------------------------


def test_one_open_order_too_many() -> None:
    """An order that cannot rest is exempt from the limit of open orders."""
    desk = asks(2)
    assert code(desk.apply(buy(A, 1, side=Side.SELL, max_open_orders=2))) == "TOO_MANY_OPEN_ORDERS"
    for tif in (TimeInForce.IOC, TimeInForce.FOK):
        assert code(desk.apply(buy(A, 1, tif=tif, max_open_orders=2))) in (None, "FOK_NOT_FILLABLE")
    assert code(desk.apply(buy(A, 1, price=100, max_open_orders=3))) is None
    desk.cancel(A, 1)
    assert code(desk.apply(buy(A, 1, price=100, max_open_orders=2))) == "TOO_MANY_OPEN_ORDERS"


@pytest.mark.parametrize("tif", [TimeInForce.GTC, TimeInForce.IOC])
def test_an_order_under_way_counts_if_it_may_rest(tif: TimeInForce) -> None:
    """A GTC sweep counts as an open order between its steps; an IOC one does not."""
    desk = asks(5)
    desk.create()
    desk.apply(buy(B, 5, tif=tif), finish=False)
    other = buy(B, 1, market_id=2, price=100, max_open_orders=1)
    refused = desk.apply(other, finish=False)
    assert code(refused) == ("TOO_MANY_OPEN_ORDERS" if tif is TimeInForce.GTC else None)


def test_a_refusal_marks_nothing_as_changed() -> None:
    """A refused amend, withdrawal or transfer writes no row and sends no balance."""
    desk = asks(1)
    bid = placed(desk.place(B, "BUY", "1", "0.40")).id
    desk.exchange.take_changes()
    for command in (
        AmendOrder(B, bid, 4_500, 100_000_000),
        Transfer(B, -parse_money("1000"), "", C),
        Transfer(B, parse_money("2000000000"), "", C),
    ):
        assert code(desk.apply(command)) is not None
        changes = desk.exchange.take_changes()
        assert changes == Changes({}, {}, {}, {}, {}, {}, {})


# --- own orders -------------------------------------------------------------------------------


def test_own_orders_in_front_are_passed_over_without_a_walk() -> None:
    """An earlier walk's result is reused for own orders, except for an order that moved."""
    desk = Desk(credit="1000000")
    own = [placed(desk.place(A, "SELL", "0.01", "0.50")).id for _ in range(400)]
    for user in (B, C):
        desk.place(user, "SELL", "1", "0.50")
    for gone in (own[399], own[63], own[64], own[0], None):
        reply = desk.place(A, "BUY", "0.01", "0.50", tif="IOC")
        assert placed(reply).status == "FILLED"
        if gone is not None:
            desk.amend(A, gone, None, "0.02")
    resting = desk.market.book.asks.best()
    assert resting is not None
    marks = sum(order.skip is not None for order in resting)
    assert 4 <= marks <= 12
    assert sum(order.user_id == B for order in resting) == 1


def test_what_stands_ahead_of_an_own_order_is_added_up_by_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FOK fills exactly the quantity ahead of an own order and reads no order of other runs.

    This holds however orders join, leave, shrink and fill.
    """
    monkeypatch.setattr(book, "RUN", 3)
    desk, chance = Desk(credit="1000000"), random.Random(5)
    desk.place(B, "SELL", "1", "0.50")
    level = desk.market.book.asks.best()
    assert level is not None
    for _ in range(120):
        owner = chance.choice((A, B, B, C))
        desk.place(owner, "SELL", f"0.{chance.randint(1, 9):02}", "0.50")
        some = chance.choice([*level])
        match chance.randrange(4):
            case 0:
                desk.cancel(some.user_id, some.id)
            case 1 if some.remaining > 1:
                desk.amend(some.user_id, some.id, None, f"0.{some.qty - 1:02}")
            case 2:
                desk.place(chance.choice((A, C)), "BUY", "0.04", "0.50", tif="IOC")
        before = 0
        for order in level:
            assert level.ahead_of(order) == before
            before += order.remaining
    resting = [*level]
    assert level is desk.market.book.asks.best()
    own = next(order for order in resting if order.user_id == A)
    ahead = sum(order.remaining for order in resting[: resting.index(own)])
    assert ahead == level.ahead_of(own)

    def walk(_: book.Level) -> None:
        raise AssertionError("a walk over a level")

    more = buy(A, 1, stp=SelfTradePrevention.CANCEL_TAKER, tif=TimeInForce.FOK)
    for qty, refused in ((ahead + 1, "FOK_NOT_FILLABLE"), (ahead, None)):
        monkeypatch.setattr(book.Level, "__iter__", walk)
        reply, _ = desk.exchange.apply(desk.now, msgspec.structs.replace(more, qty=qty))
        assert code(reply) == refused


def test_runs_without_orders_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of runs follows the resting orders, not all orders that ever rested."""
    monkeypatch.setattr(book, "RUN", 2)
    desk = asks(1)
    level = desk.market.book.asks.best()
    assert level is not None
    for _ in range(20):
        desk.cancel(A, placed(desk.place(A, "SELL", "1", "0.50")).id)
        assert len(level.runs or ()) <= 2


@pytest.mark.parametrize("tick", ["0.0001", "0.01"])
def test_whole_levels_of_own_orders_are_passed_over(tick: str) -> None:
    """A sweep skips blocks, then levels, that hold only own orders."""
    desk = Desk(credit="1000000", tick=tick)
    step = 1 if tick == "0.0001" else 100
    for n in range(90):
        desk.place(A, "SELL", "0.01", f"{(1_000 + n * step) / 10_000:.4f}")
    desk.place(B, "SELL", "1", f"{(1_000 + 88 * step) / 10_000:.4f}")
    assert placed(desk.place(A, "BUY", "1", "0.99", tif="FOK")).status == "FILLED"
    assert [match[3] for match in desk.trades] == ["1"]
    assert code(desk.place(A, "BUY", "0.01", "0.99", tif="FOK")) == "FOK_NOT_FILLABLE"
