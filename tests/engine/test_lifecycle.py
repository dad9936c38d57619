"""Markets from creation to resolution, at once and step by step."""

import pytest

from predmarket.engine import payouts, steps
from predmarket.engine.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    OpenAccount,
    ResolveMarket,
    TakeStep,
    UpdateMarket,
)
from predmarket.engine.events import MarketChanged, PaidOut
from predmarket.engine.replies import MarketDone, Resolved
from predmarket.enums import MarketStatus, Outcome
from predmarket.units import parse_money
from tests.engine.desk import (
    SECOND,
    A,
    B,
    C,
    Desk,
    after_example_1,
    after_example_2,
    after_example_3,
    code,
    placed,
)

STATUSES = [str(status) for status in MarketStatus]
ALLOWED = {
    ("DRAFT", "OPEN"),
    ("OPEN", "HALTED"),
    ("OPEN", "CLOSED"),
    ("HALTED", "OPEN"),
    ("HALTED", "CLOSED"),
    ("CLOSED", "OPEN"),
}


def _market_in(status: str) -> Desk:
    desk = Desk()
    desk.create(status="DRAFT" if status == "DRAFT" else "OPEN")
    if status in ("HALTED", "CLOSED"):
        desk.status(status, market=2)
    elif status in ("RESOLVED", "VOIDED"):
        desk.resolve("YES" if status == "RESOLVED" else "VOID", market=2)
    assert desk.exchange.state.markets[2].status == status
    return desk


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_the_table_of_transitions(before: str, after: str) -> None:
    """An admin may set a status only from the statuses in the table; else INVALID_TRANSITION."""
    desk = _market_in(before)
    reply = desk.status(after, market=2)
    allowed = (before, after) in ALLOWED
    assert code(reply) == (None if allowed else "INVALID_TRANSITION")
    assert desk.exchange.state.markets[2].status == (after if allowed else before)
    assert desk.rows == ([("MARKET_STATUS", 2, after)] if allowed else [])


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("outcome", ["YES", "NO", "SCALAR", "VOID"])
def test_anything_not_final_may_be_resolved(before: str, outcome: str) -> None:
    """A draft can be resolved, too; a final market cannot."""
    desk = _market_in(before)
    reply = desk.resolve(outcome, "0.3" if outcome == "SCALAR" else None, market=2)
    market = desk.exchange.state.markets[2]
    if before in ("RESOLVED", "VOIDED"):
        assert code(reply) == "INVALID_TRANSITION"
        assert market.status == before
    else:
        assert isinstance(reply, Resolved)
        assert market.status == ("VOIDED" if outcome == "VOID" else "RESOLVED")
        assert market.outcome == outcome


def test_a_refused_status_changes_nothing_else() -> None:
    """An update with a refused status changes no other field."""
    desk = _market_in("CLOSED")
    before = desk.standing()
    refused = desk.apply(UpdateMarket(2, MarketStatus.HALTED, True, 99, "new?", "new"))
    assert code(refused) == "INVALID_TRANSITION"
    assert desk.standing() == before


def test_final_is_final() -> None:
    """A final market's texts, closing time and orders cannot change."""
    desk = after_example_3()
    desk.resolve("YES")
    before = desk.standing()
    assert code(desk.closing(SECOND)) == "INVALID_TRANSITION"
    assert code(desk.apply(UpdateMarket(1, question="new?"))) == "INVALID_TRANSITION"
    assert code(desk.place(A, "BUY", "1", "0.5")) == "MARKET_NOT_OPEN"
    assert code(desk.cancel(B, 5)) == "ORDER_NOT_OPEN"
    assert desk.standing() == before


def test_details_change_without_the_status() -> None:
    """New texts emit a change of details, not of the status."""
    desk = Desk()
    assert desk.apply(UpdateMarket(1, question="Rain?", description="!")) == MarketDone(1)
    assert (desk.market.question, desk.market.description) == ("Rain?", "!")
    assert desk.events == [MarketChanged(1, MarketStatus.OPEN, False)]


def test_slugs_are_unique_and_markets_known() -> None:
    """A slug belongs to one market for ever; an unknown market gives NOT_FOUND."""
    desk = Desk()
    assert code(desk.create(slug="market-1")) == "SLUG_TAKEN"
    assert desk.create(slug="other") == MarketDone(2)
    assert code(desk.status("HALTED", market=3)) == "MARKET_NOT_FOUND"
    assert code(desk.resolve("YES", market=3)) == "MARKET_NOT_FOUND"


def test_halted_keeps_orders_and_takes_cancels_only() -> None:
    """A halted market keeps its orders and their places, and accepts only cancels."""
    desk = Desk()
    for user in (A, B):
        desk.place(user, "BUY", "1", "0.50")
    desk.status("HALTED")
    assert desk.queue() == [1, 2]
    assert code(desk.place(C, "SELL", "1", "0.50")) == "MARKET_NOT_OPEN"
    placed(desk.cancel(B, 2))
    desk.status("OPEN")
    desk.place(C, "SELL", "1", "0.50")
    assert desk.trades == [(1, 4, "0.5000", "1")]


def test_closing_cancels_what_rests() -> None:
    """A closing cancels every order and releases its money: bids before asks, best first."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.50")
    desk.place(B, "SELL", "1", "0.60")
    desk.place(C, "BUY", "1", "0.55")
    desk.status("CLOSED")
    assert desk.rows == [
        ("MARKET_STATUS", 1, "CLOSED"),
        *[("ORDER_CANCELED", id, "MARKET_CLOSED") for id in (3, 1, 2)],
    ]
    assert [desk.money(user) for user in (A, B, C)] == [("100.000000", "0.000000")] * 3


def test_closes_on_time() -> None:
    """A market closes at closesAt exactly, also while halted."""
    desk = Desk()
    desk.create(closes_at=SECOND)
    desk.status("HALTED", market=2)
    assert desk.run_due(SECOND - 1) == []
    assert desk.run_due(SECOND) == [("MARKET_STATUS", 2, "CLOSED")]


def test_a_draft_does_not_close() -> None:
    """A draft past its closing time closes when it is opened."""
    desk = Desk()
    desk.create(closes_at=SECOND, status="DRAFT")
    assert desk.run_due(2 * SECOND) == []
    desk.status("OPEN", market=2)
    assert desk.run_due(2 * SECOND) == [("MARKET_STATUS", 2, "CLOSED")]


def test_a_moved_closing_time_counts_alone() -> None:
    """A new closing time replaces the old one; None removes it."""
    desk = Desk()
    desk.closing(SECOND)
    desk.closing(3 * SECOND)
    assert desk.run_due(2 * SECOND) == []
    desk.closing(None)
    assert desk.run_due(4 * SECOND) == []
    assert desk.market.status == "OPEN"


@pytest.mark.parametrize("passed", [True, False])
def test_reopening_clears_a_closing_time_that_has_passed(*, passed: bool) -> None:
    """Reopening clears a past closing time; a future one still closes the market."""
    desk = Desk()
    desk.closing(5 * SECOND)
    desk.now = SECOND
    desk.status("CLOSED")
    desk.now = (5 if passed else 2) * SECOND
    desk.status("OPEN")
    assert desk.market.closes_at == (None if passed else 5 * SECOND)
    closed = [] if passed else [("MARKET_STATUS", 1, "CLOSED")]
    assert desk.run_due(9 * SECOND) == closed


def test_resolution_reports_what_it_paid() -> None:
    """The reply and the events name each account with a payout."""
    desk = after_example_3()
    assert desk.resolve("NO") == Resolved(1, 1, parse_money("4"))
    assert [event for event in desk.events if isinstance(event, PaidOut)] == [
        PaidOut(B, 1, parse_money("4"), 0)
    ]


@pytest.mark.parametrize(
    ("price", "paid"), [("0", (0, "10")), ("1", ("10", 0)), ("0.3333", ("3.333", "6.667"))]
)
def test_scalar_pays_any_price(price: str, paid: tuple[str | int, str | int]) -> None:
    """A SCALAR outcome has four decimals, on the tick or not, 0 and 1 included."""
    desk = after_example_1()
    desk.resolve("SCALAR", price)
    yes, no = (parse_money(amount) for amount in paid)
    assert desk.account(A).available == parse_money("94") + yes
    assert desk.account(B).available == parse_money("96") + no
    assert desk.market.settlement_price == int(parse_money(price) / 100)


# --- VOID ----------------------------------------------------------------------------------


def test_void_gives_fees_back() -> None:
    """A VOID returns everybody's money and all fees of the market."""
    desk = Desk(maker_fee="0.02", taker_fee="0.07")
    desk.create(taker_fee="0.07")
    desk.place(A, "BUY", "10", "0.50")
    desk.place(B, "SELL", "10", "0.50")
    desk.place(C, "SELL", "3", "0.40")
    desk.place(A, "BUY", "3", "0.40")
    desk.place(A, "SELL", "1", "0.50", market=2)
    desk.place(B, "BUY", "1", "0.50", market=2)
    # 13 pairs, and fees of 0.05, 0.175, 0.0144 and 0.0504
    assert desk.resolve("VOID") == Resolved(1, 3, parse_money("13.2898"))
    assert (desk.market.fees, desk.exchange.state.ledger.fees) == (0, parse_money("0.0175"))
    assert desk.money(C) == ("100.000000", "0.000000")
    assert [desk.realized(user) for user in (A, B, C)] == ["0.000000"] * 3
    desk.resolve("VOID", market=2)
    assert [desk.money(user)[0] for user in (A, B, C)] == ["100.000000"] * 3


def _in_debt() -> Desk:
    """Return a desk where A withdrew a profit before its market was voided; market 2 is open."""
    desk = Desk()
    desk.place(A, "BUY", "100", "0.10")
    desk.place(B, "SELL", "100", "0.10")
    desk.place(A, "SELL", "100", "0.90")
    desk.place(C, "BUY", "100", "0.90")
    desk.create(taker_fee="0.07")
    desk.place(A, "BUY", "10", "0.50", market=2)
    desk.place(B, "SELL", "10", "0.50", market=2)
    desk.place(A, "BUY", "1", "0.10", market=2)
    desk.transfer(A, "-174.8937")
    desk.resolve("VOID")
    return desk


def test_void_may_leave_available_negative() -> None:
    """A VOID takes back a withdrawn profit; available may be negative, and locks stay."""
    desk = _in_debt()
    assert desk.money(A) == ("-80.000000", "0.106300")


def test_a_debtor_receives_closes_and_cancels() -> None:
    """A debtor may sell, cancel and deposit, but neither lock money nor withdraw."""
    desk = _in_debt()
    assert code(desk.place(A, "BUY", "0.01", "0.01", market=2)) == "INSUFFICIENT_FUNDS"
    assert code(desk.place(A, "SELL", "10.01", "0.50", market=2)) == "INSUFFICIENT_FUNDS"
    assert code(desk.transfer(A, "-0.000001")) == "INSUFFICIENT_FUNDS"
    placed(desk.cancel(A, 7))
    desk.place(C, "BUY", "10", "0.40", market=2)
    assert placed(desk.place(A, "SELL", "10", "0.40", market=2)).status == "FILLED"
    # 10 × 0.40 less a fee of 0.168, and the lock of the order cancelled
    assert desk.money(A) == ("-76.061700", "0.000000")
    assert code(desk.transfer(A, "100")) is None
    assert code(desk.place(A, "BUY", "0.01", "0.01", market=2)) is None


# --- step by step --------------------------------------------------------------------------

STEP_1 = TakeStep("market/1")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit a step to one order or position."""
    monkeypatch.setattr(steps, "STEP", 1)


def _resting(count: int) -> Desk:
    desk = Desk()
    for _ in range(count):
        desk.place(A, "BUY", "1", "0.10")
    return desk


@pytest.mark.usefixtures("small_steps")
def test_closing_takes_steps() -> None:
    """The market is CLOSED at once; each step cancels one more order."""
    desk = _resting(3)
    close = UpdateMarket(1, MarketStatus.CLOSED)
    assert desk.apply(close, finish=False) == MarketDone(1, "market/1")
    assert (desk.market.status, desk.queue()) == ("CLOSED", [2, 3])
    assert desk.exchange.next_step() == STEP_1
    assert desk.apply(STEP_1, finish=False) == MarketDone(1, "market/1")
    assert desk.apply(STEP_1, finish=False) == MarketDone(1)
    assert desk.exchange.next_step() is None
    assert desk.queue() == []


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize(
    "command",
    [
        UpdateMarket(1, MarketStatus.OPEN),
        UpdateMarket(1, question="?"),
        ResolveMarket(1, Outcome.VOID),
        CancelOrder(A, 2),
        AmendOrder(A, 2, None, 50),
        CancelAll(A),
        CancelAll(B, 1),
    ],
)
def test_commands_for_a_closing_market_wait(command: Command) -> None:
    """Commands for a closing market wait until its last order is cancelled."""
    desk = _resting(2)
    desk.apply(UpdateMarket(1, MarketStatus.CLOSED), finish=False)
    assert desk.exchange.waits_for(command) == "market/1"
    with pytest.raises(AssertionError, match="has to wait"):
        desk.exchange.apply(desk.now, command)
    desk.apply(STEP_1, finish=False)
    assert desk.exchange.waits_for(command) is None
    desk.apply(command)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("outcome", [Outcome.YES, Outcome.VOID])
def test_resolving_takes_steps(outcome: Outcome) -> None:
    """A resolving market is CLOSED and cannot change until the last payment makes it final."""
    desk = after_example_2()
    desk.place(B, "SELL", "1", "0.90")
    desk.place(B, "SELL", "1", "0.90")
    first = desk.apply(ResolveMarket(1, outcome), finish=False)
    assert first == MarketDone(1, "market/1")
    assert desk.market.status == "CLOSED"
    replies = []
    while (step := desk.exchange.next_step()) is not None:
        replies.append(desk.apply(step, finish=False))
    final = "VOIDED" if outcome is Outcome.VOID else "RESOLVED"
    assert isinstance(replies[-1], Resolved)
    assert all(reply == MarketDone(1, "market/1") for reply in replies[:-1])
    assert (desk.market.status, desk.market.outcome) == (final, outcome)
    assert desk.rows[-1] == ("MARKET_STATUS", 1, final)
    cash = ["100.000000"] * 3 if outcome is Outcome.VOID else ["102.800000", "96.000000", "101.2"]
    assert [desk.money(user)[0].rstrip("0") for user in (A, B, C)] == [c.rstrip("0") for c in cash]
    again = desk.apply(ResolveMarket(1, Outcome.NO))
    assert code(again) == "INVALID_TRANSITION"


@pytest.mark.parametrize("step", [1, 2, 3, 4, 1_000])
def test_all_steps_come_to_the_same(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Balances are the same for every size of steps."""
    monkeypatch.setattr(steps, "STEP", step)
    desk = after_example_3()
    reply = desk.resolve("YES")
    assert [desk.money(u)[0] for u in (A, B, C)] == ["99.800000", "99.000000", "101.200000"]
    assert (desk.market.paid_accounts, desk.market.paid_total) == (1, parse_money("4"))
    assert code(reply) is None


@pytest.mark.parametrize(("at_once", "looked_at"), [(1, 1), (1, 2), (1, 50), (1_000, 50)])
def test_positions_are_settled_in_the_order_of_users_and_dropped(
    at_once: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are settled in order of users, a few per step.

    A step examines a bounded number of accounts without a position.
    """
    desk = Desk()
    for user in (50, 9, 30, 7, 20, 8):
        desk.apply(OpenAccount(user, parse_money("10")))
    for user in (30, 7, 50, 9):
        desk.place(user, "BUY", "1", "0.50")
        desk.place(A, "SELL", "1", "0.50")
    monkeypatch.setattr(steps, "STEP", at_once)
    monkeypatch.setattr(payouts, "LOOKED_AT", looked_at)
    desk.apply(ResolveMarket(1, Outcome.YES), finish=False)
    left, paid = len(desk.market.positions), [_paid(desk)]
    while (step := desk.exchange.next_step()) is not None:
        desk.apply(step, finish=False)
        assert left - len(desk.market.positions) <= 1
        left = len(desk.market.positions)
        paid.append(_paid(desk))
    assert [user for users in paid for user in users] == [7, 9, 30, 50]
    assert not [*desk.exchange.state.positions()]


def _paid(desk: Desk) -> list[int]:
    return [event.user_id for event in desk.events if isinstance(event, PaidOut)]


def test_timers_of_a_market_follow_what_is_live() -> None:
    """A closing time that is moved, or a halt and reopening, leaves no stale timer."""
    desk = Desk()
    for n in range(1, 4_001):
        desk.closing(n * SECOND)
        if n % 2:
            desk.status("HALTED")
            desk.status("OPEN")
    assert len(desk.exchange.state.timers) <= 2_002
    assert desk.run_due(4_000 * SECOND) == [("MARKET_STATUS", 1, "CLOSED")]
