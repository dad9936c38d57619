"""Proposed resolutions: announced, changed, confirmed, withdrawn, or executed at their time.

Source: docs/market_rules.md, Proposals.
"""

import pytest

from predmarket.engine import steps
from predmarket.engine.commands import (
    ConfirmProposal,
    ProposeResolution,
    ResolveEvent,
    ResolveMarket,
    TakeStep,
    WithdrawProposal,
)
from predmarket.engine.proposal import encode
from predmarket.engine.replies import EventDone, EventResolved, MarketDone, Resolved
from predmarket.engine.snapshot import digest, snapshot
from predmarket.enums import EventOutcome, Outcome
from tests.engine.desk import SECOND, A, B, C, Desk, after_example_2, code
from tests.engine.event_desk import EventDesk, X, Y, after_example_7

DAY = 86_400 * SECOND
ANN, BOB = 7, 8
YES = ResolveMarket(1, Outcome.YES, actor_id=ANN, note="It rained.", source="https://example.com")
NO = ResolveMarket(1, Outcome.NO, actor_id=BOB)
VOID = ResolveMarket(1, Outcome.VOID, actor_id=ANN)
WON = ResolveEvent(1, EventOutcome.WINNER, 2, actor_id=ANN)
CONFIRM, WITHDRAW = ConfirmProposal(1, None, BOB), WithdrawProposal(1, None, BOB)
CONFIRM_EVENT, WITHDRAW_EVENT = ConfirmProposal(None, 1, BOB), WithdrawProposal(None, 1, BOB)


def cash(desk: Desk) -> list[str]:
    """Return the available cash of A, B and C."""
    return [desk.money(user)[0] for user in (A, B, C)]


def proposed(resolution: ResolveMarket = YES, *, by_two: bool = False) -> Desk:
    """Return a desk of example 2 with a resting order and a resolution proposed for tomorrow."""
    desk = after_example_2()
    desk.place(B, "BUY", "1", "0.10")
    assert desk.apply(ProposeResolution(resolution, DAY, by_two)) == MarketDone(1)
    return desk


def test_a_proposal_closes_and_pays_nothing() -> None:
    """A proposal cancels orders as a closing does, pays nothing, and is part of the state."""
    desk = after_example_2()
    desk.place(B, "BUY", "1", "0.10")
    before, plain = cash(desk), snapshot(desk.exchange.state)
    desk.apply(ProposeResolution(YES, DAY))
    assert desk.rows == [
        ("MARKET_STATUS", 1, "CLOSED"),
        ("ORDER_CANCELED", 5, "MARKET_CLOSED"),
    ]
    assert cash(desk)[0] == before[0]
    assert desk.shares(A) == ("6", "0")
    assert desk.market.proposal is not None
    assert desk.market.proposal.resolution == YES
    assert b"It rained." in snapshot(desk.exchange.state)
    assert b"proposals" not in plain


@pytest.mark.parametrize(
    ("resolution", "left"),
    [
        (YES, ["102.800000", "96.000000", "101.200000"]),
        (NO, ["96.800000", "106.000000", "97.200000"]),
        (VOID, ["100.000000"] * 3),
        (
            ResolveMarket(1, Outcome.SCALAR, 2_500, actor_id=ANN),
            ["98.300000", "103.500000", "98.200000"],
        ),
    ],
    ids=lambda value: value.outcome.value if isinstance(value, ResolveMarket) else "",
)
@pytest.mark.parametrize("confirmed", [True, False])
def test_it_ends_like_a_resolution(
    resolution: ResolveMarket, left: list[str], *, confirmed: bool
) -> None:
    """A confirmed or due proposal gives the state of the same resolution at that time."""
    desk, at_once = proposed(resolution), after_example_2()
    at_once.place(B, "BUY", "1", "0.10")
    at_once.status("CLOSED")
    if confirmed:
        assert isinstance(desk.apply(CONFIRM), Resolved)
    else:
        assert desk.run_due(DAY - 1) == []
        assert desk.run_due(DAY) != []
        at_once.now = DAY
    at_once.apply(resolution)
    assert cash(desk) == left
    assert digest(desk.exchange.state) == digest(at_once.exchange.state)
    assert desk.run_due(2 * DAY) == []
    for command in (CONFIRM, WITHDRAW, ProposeResolution(NO, 3 * DAY)):
        assert code(desk.apply(command)) in ("PROPOSAL_NOT_FOUND", "INVALID_TRANSITION")


def test_a_change_replaces_it_and_its_time() -> None:
    """A new proposal replaces the old one and its time."""
    desk = proposed()
    desk.apply(ProposeResolution(NO, 3 * DAY))
    assert desk.run_due(2 * DAY) == []
    desk.run_due(3 * DAY)
    assert desk.market.outcome is Outcome.NO


def test_withdrawn_it_stays_closed_until_opened() -> None:
    """A proposed market cannot be opened; a withdrawn one can, and its time has no effect."""
    desk = proposed()
    refused = desk.status("OPEN")
    assert code(refused) == "INVALID_TRANSITION"
    assert desk.apply(WITHDRAW) == MarketDone(1)
    assert (desk.market.status, desk.market.proposal) == ("CLOSED", None)
    assert code(desk.apply(WITHDRAW)) == "PROPOSAL_NOT_FOUND"
    assert code(desk.status("OPEN")) is None
    assert desk.run_due(2 * DAY) == []
    assert desk.market.status == "OPEN"


def test_it_may_be_resolved_at_once() -> None:
    """An immediate resolution replaces the proposal."""
    desk = proposed()
    desk.resolve("NO")
    assert (desk.market.outcome, desk.market.proposal) == (Outcome.NO, None)
    assert desk.run_due(2 * DAY) == []


def test_by_two_only_another_admin_makes_it() -> None:
    """A proposal for two admins executes only by another admin, not by its time or proposer."""
    desk = proposed(by_two=True)
    assert desk.run_due(2 * DAY) == []
    refused = desk.apply(ConfirmProposal(1, None, ANN))
    assert code(refused) == "ANOTHER_ADMIN_NEEDED"
    assert desk.market.proposal is not None
    assert isinstance(desk.apply(CONFIRM), Resolved)


def test_a_confirm_makes_only_what_it_means() -> None:
    """A confirm of another proposal, even one of another time only, is refused."""
    desk = proposed()
    seen = encode(desk.market.proposal)
    desk.apply(ProposeResolution(YES, 2 * DAY))
    stale = ConfirmProposal(1, None, BOB, seen)
    assert code(desk.apply(stale)) == "PROPOSAL_CHANGED"
    assert desk.market.proposal is not None
    meant = ConfirmProposal(1, None, BOB, encode(desk.market.proposal))
    assert isinstance(desk.apply(meant), Resolved)


def test_refusals_change_nothing() -> None:
    """Unknown, final and unproposed subjects are refused without changes."""
    desk = EventDesk()
    before = snapshot(desk.exchange.state)
    for command, expected in (
        (ProposeResolution(ResolveMarket(99, Outcome.NO), DAY), "MARKET_NOT_FOUND"),
        (ProposeResolution(ResolveEvent(99, EventOutcome.NONE), DAY), "EVENT_NOT_FOUND"),
        (ProposeResolution(ResolveEvent(1, EventOutcome.WINNER, 1), DAY), "MARKET_NOT_FOUND"),
        (ProposeResolution(ResolveMarket(2, Outcome.YES), DAY), "EVENT_DECIDES"),
        (ConfirmProposal(99, None, ANN), "MARKET_NOT_FOUND"),
        (WithdrawProposal(None, 99, ANN), "EVENT_NOT_FOUND"),
        (CONFIRM, "PROPOSAL_NOT_FOUND"),
        (WITHDRAW_EVENT, "PROPOSAL_NOT_FOUND"),
    ):
        assert code(desk.apply(command)) == expected
    assert snapshot(desk.exchange.state) == before


@pytest.mark.parametrize("confirmed", [True, False])
def test_an_event_is_proposed_with_all_its_markets(*, confirmed: bool) -> None:
    """All markets close; the winner of example 7 is paid at the execution, not before."""
    desk = after_example_7()
    assert desk.apply(ProposeResolution(WON, DAY)) == EventDone(1)
    assert desk.statuses() == ["CLOSED"] * 3
    assert desk.cash(X, Y) == ["97.00", "96.00"]
    assert code(desk.event_status("OPEN")) == "INVALID_TRANSITION"
    assert code(desk.status("OPEN", 2)) == "INVALID_TRANSITION"
    assert code(desk.strike("B")) == "EVENT_DECIDES"
    assert code(desk.apply(ConfirmProposal(2, None, BOB))) == "EVENT_DECIDES"
    if confirmed:
        assert isinstance(desk.apply(CONFIRM_EVENT), EventResolved)
    else:
        desk.run_due(DAY)
    assert desk.event.outcome is EventOutcome.WINNER
    assert desk.cash(X, Y) == ["97.00", "106.00"]
    assert desk.run_due(2 * DAY) == []


def test_an_event_is_withdrawn_and_extended() -> None:
    """A market added meanwhile is closed, too; after the withdrawal all can be opened."""
    desk = EventDesk()
    desk.apply(ProposeResolution(WON, DAY))
    desk.add("race-d")
    assert desk.statuses() == ["CLOSED"] * 4
    assert desk.apply(WITHDRAW_EVENT) == EventDone(1)
    desk.event_status("OPEN")
    assert desk.statuses() == ["OPEN"] * 4
    assert desk.run_due(2 * DAY) == []


def test_a_proposed_strike_leaves_two_outcomes() -> None:
    """Proposed strikes count, so that each can be executed.

    Opening the event spares their markets, and a proposal for the event removes them.
    """
    desk = EventDesk()

    def strike(letter: str) -> str | None:
        struck = ResolveMarket(desk.id(letter), Outcome.NO, actor_id=ANN)
        return code(desk.apply(ProposeResolution(struck, DAY)))

    assert (strike("A"), strike("B"), strike("C")) == (None, None, "EVENT_DECIDES")
    assert code(desk.strike("C")) == "EVENT_DECIDES"
    assert strike("A") is None
    assert desk.statuses() == ["CLOSED", "CLOSED", "OPEN"]
    desk.event_status("HALTED")
    desk.event_status("OPEN")
    assert desk.statuses() == ["CLOSED", "CLOSED", "OPEN"]
    desk.run_due(DAY)
    assert desk.statuses() == ["RESOLVED", "RESOLVED", "OPEN"]
    other = EventDesk()
    other.apply(ProposeResolution(ResolveMarket(other.id("A"), Outcome.NO, actor_id=ANN), DAY))
    other.apply(ProposeResolution(ResolveEvent(1, EventOutcome.NONE, actor_id=BOB), 2 * DAY))
    assert (other.of("A").proposal, other.statuses()) == (None, ["CLOSED"] * 3)
    assert other.run_due(DAY) == []


def test_steps_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands for a proposal and its timer wait for the steps of the closing."""
    monkeypatch.setattr(steps, "STEP", 1)
    desk = after_example_2()
    for _ in range(3):
        desk.place(B, "BUY", "1", "0.10")
    closing = desk.apply(ProposeResolution(YES, SECOND), finish=False)
    assert closing == MarketDone(1, "market/1")
    for command in (CONFIRM, WITHDRAW, ProposeResolution(NO, DAY)):
        assert desk.exchange.waits_for(command) == "market/1"
    desk.now = SECOND
    assert desk.exchange.due(desk.now) is None
    while desk.exchange.next_step() is not None:
        desk.apply(TakeStep("market/1"), finish=False)
    desk.run_due(SECOND)
    assert desk.market.outcome is Outcome.YES
    assert cash(desk) == ["102.800000", "96.000000", "101.200000"]


def test_withdrawn_timers_do_not_stay() -> None:
    """A proposal that changes again and again leaves few timers."""
    desk = Desk()
    for n in range(1, 4_001):
        desk.apply(ProposeResolution(YES, DAY + n))
    assert len(desk.exchange.state.timers) < 1_500
