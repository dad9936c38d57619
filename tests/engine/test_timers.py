"""Timers of closings, expiries and dead-man switches."""

from itertools import permutations
from random import Random

import pytest

from predmarket.engine.commands import CancelAfter, CloseDue, DeadmanDue, ExpiryDue, TakeStep
from predmarket.engine.timers import EXAMINED, Timer, TimerKind, Timers
from tests.engine.desk import SECOND, A, B, C, Desk, code, placed


def test_timers_come_in_one_order() -> None:
    """Timers fire by due time, kind and id, however they were set."""
    ordered = [
        (5, TimerKind.DEADMAN, 1),
        (9, TimerKind.CLOSE, 7),
        (9, TimerKind.EXPIRY, 2),
        (9, TimerKind.EXPIRY, 3),
        (9, TimerKind.DEADMAN, 1),
    ]
    for chosen in permutations(ordered):
        timers = Timers()
        for timer in chosen:
            timers.set(*timer)
        fired = []
        while (first := timers.first()) is not None:
            fired.append(first)
            timers.drop_first()
        assert fired == ordered


def test_what_is_due_comes_first_in_order() -> None:
    """Closes, expiries and dead-man switches of one time precede a command at that time."""
    desk = Desk()
    desk.create(closes_at=SECOND)
    desk.place(A, "BUY", "1", "0.10", market=2)
    desk.place(B, "BUY", "1", "0.10", tif="GTD", expires_at=SECOND)
    desk.place(C, "BUY", "1", "0.10")
    desk.apply(CancelAfter(C, 1))
    assert desk.run_due(SECOND - 1) == []
    desk.now = SECOND
    desk.place(A, "SELL", "1", "0.10")
    assert desk.rows == [
        ("MARKET_STATUS", 2, "CLOSED"),
        ("ORDER_CANCELED", 1, "MARKET_CLOSED"),
        ("ORDER_CANCELED", 2, "EXPIRED"),
        ("ORDER_CANCELED", 3, "DEADMAN"),
        ("ORDER_ACCEPTED", 4),
    ]


def test_due_commands_carry_their_own_time() -> None:
    """A due command has its due time as its stamp, even if executed long after."""
    desk = Desk()
    desk.create(closes_at=3 * SECOND)
    desk.place(A, "BUY", "1", "0.10", tif="GTD", expires_at=2 * SECOND)
    desk.apply(CancelAfter(B, 1))
    exchange = desk.exchange
    assert exchange.next_due() == SECOND
    seen = []
    while (due := exchange.due(60 * SECOND)) is not None:
        seen.append(due)
        exchange.apply(*due)
    assert seen == [
        (SECOND, DeadmanDue(B)),
        (2 * SECOND, ExpiryDue(1)),
        (3 * SECOND, CloseDue(2)),
    ]
    assert (exchange.next_due(), exchange.state.now) == (None, 3 * SECOND)


def test_a_timer_set_into_the_past_runs_now() -> None:
    """A timer in the past fires at the last command's time, as time never goes back."""
    desk = Desk()
    desk.now = 5 * SECOND
    desk.closing(SECOND)
    assert desk.exchange.due(5 * SECOND) == (5 * SECOND, CloseDue(1))


def test_nothing_trades_at_its_expiry() -> None:
    """A GTD order ends at expiresAt exactly, with status and reason EXPIRED."""
    desk = Desk()
    desk.place(A, "BUY", "2", "0.50", tif="GTD", expires_at=SECOND)
    desk.now = SECOND - 1
    desk.place(B, "SELL", "1", "0.50")
    assert desk.trades == [(1, 2, "0.5000", "1")]
    desk.exchange.take_changes()
    desk.now = SECOND
    assert placed(desk.place(B, "SELL", "1", "0.50")).status == "OPEN"
    ended = desk.exchange.take_changes().orders[1]
    assert (ended.status, ended.reason, ended.filled) == ("EXPIRED", "EXPIRED", 100)
    assert desk.money(A) == ("99.500000", "0.000000")


def test_an_order_expires_while_its_market_is_halted() -> None:
    """An order expires during a halt."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.50", tif="GTD", expires_at=SECOND)
    desk.status("HALTED")
    assert desk.run_due(SECOND) == [("ORDER_CANCELED", 1, "EXPIRED")]


def test_an_amended_order_still_expires() -> None:
    """An amend keeps the order's expiry."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.50", tif="GTD", expires_at=SECOND)
    desk.amend(A, 1, "0.40", "3")
    assert desk.run_due(SECOND) == [("ORDER_CANCELED", 1, "EXPIRED")]


@pytest.mark.parametrize("how", ["filled", "cancelled"])
def test_the_timer_of_an_ended_order_is_passed_over(how: str) -> None:
    """The timer of an ended order has no effect."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.50", tif="GTD", expires_at=SECOND)
    if how == "filled":
        desk.place(B, "SELL", "1", "0.50")
    else:
        desk.cancel(A, 1)
    assert desk.run_due(SECOND) == []


def test_the_dead_man_switch() -> None:
    """The switch cancels all orders of its user in every market unless it is renewed."""
    desk = Desk()
    desk.create()
    desk.place(A, "BUY", "1", "0.10")
    desk.place(B, "BUY", "1", "0.10")
    desk.place(A, "SELL", "1", "0.90", market=2)
    desk.apply(CancelAfter(A, 2))
    assert desk.run_due(2 * SECOND - 1) == []
    assert desk.run_due(2 * SECOND) == [
        ("ORDER_CANCELED", 1, "DEADMAN"),
        ("ORDER_CANCELED", 3, "DEADMAN"),
    ]
    desk.place(A, "BUY", "1", "0.10")
    assert desk.run_due(9 * SECOND) == []


def test_rearming_the_switch_replaces_it() -> None:
    """Only the latest setting of the switch counts, even if it is the earlier time."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.10")
    desk.apply(CancelAfter(A, 1))
    desk.now = SECOND // 2
    desk.apply(CancelAfter(A, 5))
    assert desk.run_due(5 * SECOND) == []
    desk.apply(CancelAfter(A, 0))
    assert desk.run_due(9 * SECOND) == []
    assert desk.queue() == [1]
    desk.apply(CancelAfter(A, 50))
    desk.apply(CancelAfter(A, 1))
    assert desk.run_due(10 * SECOND) == [("ORDER_CANCELED", 1, "DEADMAN")]


def test_the_switch_needs_an_account() -> None:
    """The switch of a user without an account is refused."""
    assert code(Desk().apply(CancelAfter(99, 1))) == "USER_NOT_FOUND"


def test_stale_timers_do_not_pile_up() -> None:
    """Orders with a far expiry, placed and cancelled in a loop, leave no memory behind."""
    desk = Desk()
    timers = desk.exchange.state.timers
    kept = placed(desk.place(B, "BUY", "1", "0.10", tif="GTD", expires_at=9 * SECOND))
    for _ in range(3_000):
        order = placed(desk.place(A, "BUY", "1", "0.10", tif="GTD", expires_at=8 * SECOND))
        desk.cancel(A, order.id)
        desk.apply(CancelAfter(A, 7))
    assert len(timers) < 2_100
    assert timers.first() == (7 * SECOND + desk.now, TimerKind.DEADMAN, A)
    desk.run_due(9 * SECOND)
    assert kept.id not in desk.exchange.state.orders


def test_a_timer_that_is_retired_costs_little_however_many_there_are() -> None:
    """Each call examines few timers, and the stale ones are removed."""
    timers, count = Timers(), 10_000
    live = {(due, int(TimerKind.EXPIRY), due) for due in range(count)}
    for timer in live:
        timers.set(timer[0], TimerKind.EXPIRY, timer[2])
    examined: list[Timer] = []

    def is_live(due: int, kind: TimerKind, id: int) -> bool:
        examined.append((due, int(kind), id))
        return examined[-1] in live

    at_once = most = 0
    for due in Random(1).sample(range(count), count - 1):
        live.remove((due, int(TimerKind.EXPIRY), due))
        examined.clear()
        timers.retire(is_live)
        at_once = max(at_once, len(examined))
        most = max(most, len(timers) - 3 * len(live))
    assert at_once == EXAMINED
    assert most <= 1_000
    assert live <= set(timers)


def test_what_is_examined_meanwhile_falls_due_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers fire in order while stale ones are removed, also during a search."""
    monkeypatch.setattr("predmarket.engine.timers.FEW", 20)
    random, timers = Random(1), Timers()
    live: set[Timer] = set()
    next_id = searched = 0

    def is_live(due: int, kind: TimerKind, id: int) -> bool:
        nonlocal searched
        searched += 1
        return (due, int(kind), id) in live

    for _ in range(3_000):
        if random.random() < 0.55 or not live:
            next_id += 1
            timer = (random.randrange(1_000), random.randrange(3), next_id)
            live.add(timer)
            timers.set(timer[0], TimerKind(timer[1]), timer[2])
        elif random.random() < 0.9:
            live.remove(random.choice(tuple(live)) if len(live) < 50 else next(iter(live)))
            timers.retire(is_live)
        else:
            while (first := timers.first()) not in live:
                timers.drop_first()
            assert first == min(live)
            timers.set_aside_first("key")
            if random.random() < 0.5:
                timers.release("key")
            else:
                live.remove(first)
                timers.release("key")
                timers.retire(is_live)
    assert searched > 100
    while live:
        if (first := timers.first()) in live:
            assert first == min(live)
            live.remove(first)
        timers.drop_first()


def test_what_is_passed_over_at_once_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call skips a bounded number of stale or waiting timers of one time."""
    monkeypatch.setattr("predmarket.engine.exchange.PASSED", 4)
    monkeypatch.setattr("predmarket.engine.steps.STEP", 4)
    desk = Desk()
    desk.closing(SECOND)
    for _ in range(10):
        desk.place(A, "BUY", "1", "0.10", tif="GTD", expires_at=SECOND)
    last = placed(desk.place(B, "BUY", "1", "0.10", tif="GTD", expires_at=SECOND + 1)).id
    exchange, timers = desk.exchange, desk.exchange.state.timers
    due = exchange.due(SECOND)
    assert due == (SECOND, CloseDue(1))
    exchange.apply(*due)  # cancels four orders; seven timers of the market wait
    assert [exchange.pass_over(SECOND + 1) for _ in range(4)] == [False, False, False, True]
    assert len(timers) == 0
    desk.now = SECOND
    desk.apply(TakeStep("market/1"))
    assert len(timers) == 7
    assert timers.first() == (SECOND, TimerKind.EXPIRY, 5)
    assert [exchange.pass_over(SECOND + 1) for _ in range(2)] == [False, True]
    assert exchange.due(SECOND + 1) is None
    assert last not in exchange.state.orders
