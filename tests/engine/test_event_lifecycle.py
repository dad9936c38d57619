"""Events from creation to their end: refusals, and the effect of each change on the markets.

Source: docs/market_rules.md, Events.
"""

import pytest

from predmarket.engine import InvariantError
from predmarket.engine.commands import AddMarket, ResolveEvent, UpdateEvent
from predmarket.engine.events import EventChanged, PaidOut
from predmarket.engine.replies import EventDone, EventResolved, MarketDone, Reply
from predmarket.enums import EventOutcome, MarketStatus
from predmarket.units import MAX_EVENT_MARKETS, parse_qty
from tests.engine.desk import SECOND, code
from tests.engine.event_desk import (
    EventDesk,
    W,
    X,
    Y,
    Z,
    after_example_6,
    after_example_7,
    after_example_8,
)

WINNER, WEIGHTS = EventOutcome.WINNER, EventOutcome.WEIGHTS


def refused(desk: EventDesk, reply: Reply, expected: str) -> None:
    """Check a refusal and that it changed no state."""
    assert code(reply) == expected
    assert desk.events == []
    changes = desk.exchange.take_changes()
    assert [changes.market_events, changes.markets, changes.holdings, changes.positions] == [{}] * 4


@pytest.fixture
def desk() -> EventDesk:
    """Return a desk where X has NO of A, Y has YES, and no order rests."""
    desk = after_example_6()
    desk.exchange.take_changes()
    return desk


# --- creation ------------------------------------------------------------------------------


def test_an_event_gives_its_markets_their_terms() -> None:
    """Markets get the event's terms; they open at once under consecutive market ids."""
    desk = EventDesk(maker_fee="0.01", taker_fee="0.07", closes_at=9 * SECOND)
    assert desk.event.market_ids == [2, 3, 4]
    market = desk.of("B")
    assert (market.slug, market.label, market.event) == ("race-b", "RACE-B", desk.event)
    assert (market.maker_rate, market.taker_rate, market.tick) == (100, 700, 100)
    assert (market.closes_at, market.status) == (9 * SECOND, "OPEN")
    assert isinstance(desk.events[-1], EventChanged)
    desk.run_due(9 * SECOND)
    assert desk.statuses() == ["CLOSED"] * 3


@pytest.mark.parametrize(
    ("slug", "markets", "expected"),
    [
        ("new", ["one", "one"], "SLUG_TAKEN"),
        ("new", ["one", "race-b"], "SLUG_TAKEN"),
        ("new", ["one", "market-1"], "SLUG_TAKEN"),
        ("race", ["one", "two"], "SLUG_TAKEN"),
        ("new", ["one"], "VALIDATION_FAILED"),
        ("new", [], "VALIDATION_FAILED"),
        ("new", [f"m{n}" for n in range(MAX_EVENT_MARKETS + 1)], "VALIDATION_FAILED"),
    ],
)
def test_an_event_is_created_whole_or_not(
    desk: EventDesk, slug: str, markets: list[str], expected: str
) -> None:
    """Duplicate slugs and too few or too many markets create nothing."""
    refused(desk, desk.create_event(slug, markets), expected)
    reply = desk.create_event("new", ["one", "two"])
    assert isinstance(reply, EventDone)
    assert (reply.event_id, desk.exchange.state.last_market_id) == (2, 6)


def test_an_event_of_200_markets_trades() -> None:
    """The largest event, of 200 markets, trades."""
    desk = EventDesk()
    desk.create_event("large", [f"m{n}" for n in range(MAX_EVENT_MARKETS)])
    for market in (5, 104, 204):
        desk.place(X, "SELL", "1", "0.10", market=market)
        desk.place(Y, "BUY", "1", "0.10", market=market)
    assert desk.cash(X, Y) == ["99.30", "99.70"]
    assert desk.exchange.state.market_events[2].holdings[X].nets == {5: -100, 104: -100, 204: -100}


# --- adding --------------------------------------------------------------------------------


def test_an_added_market_belongs_to_whoever_holds_none(desk: EventDesk) -> None:
    """NO of A holds as much of an added market as of NONE.

    A resting BUY reserves its shares with the others.
    """
    desk.order(X, "BUY", "10", "A", "0.30")
    assert isinstance(desk.add("race-d"), MarketDone)
    assert desk.holds(X) == {"B": "10", "C": "10", "D": "10", "NONE": "10"}
    desk.order(X, "SELL", "10", "D", "0.90")
    assert desk.locked(X) == "1.00"
    desk.cancel_all(X)
    desk.order(X, "SELL", "10", "D", "0.90")
    assert desk.locked(X) == "0.00"


def test_an_added_market_takes_the_most_open_status() -> None:
    """An added market gets the first of OPEN, HALTED, CLOSED and DRAFT among non-final markets."""
    desk = EventDesk(status="DRAFT")
    desk.add("race-d")
    assert desk.statuses() == ["DRAFT"] * 4
    desk.event_status("OPEN")
    for letter, status in (("A", "HALTED"), ("B", "CLOSED"), ("C", "CLOSED"), ("D", "CLOSED")):
        desk.status(status, desk.id(letter))
    desk.add("race-e")
    assert desk.statuses()[-1] == "HALTED"
    desk.event_status("CLOSED")
    desk.add("race-f")
    assert desk.statuses() == ["CLOSED"] * 6


def test_what_takes_no_further_market(desk: EventDesk) -> None:
    """Exhaustive, final and full events refuse a market, as does a duplicate slug."""
    refused(desk, desk.add("race-d", event=2), "EVENT_NOT_FOUND")
    refused(desk, desk.add("race-a"), "SLUG_TAKEN")
    for n in range(MAX_EVENT_MARKETS - 3):
        desk.apply(AddMarket(1, f"m{n}", "?"))
    desk.strike("B")
    desk.exchange.take_changes()
    refused(desk, desk.add("race-d"), "LIMIT_EXCEEDED")
    desk.decide("A")
    desk.exchange.take_changes()
    refused(desk, desk.add("race-d"), "INVALID_TRANSITION")
    exhaustive = EventDesk(exhaustive=True)
    exhaustive.exchange.take_changes()
    refused(exhaustive, exhaustive.add("race-d"), "EVENT_IS_EXHAUSTIVE")


# --- status and closing time ---------------------------------------------------------------


def test_a_status_of_the_event_is_that_of_its_markets(desk: EventDesk) -> None:
    """An event's status changes each market that allows it, and is refused if none does."""
    desk.order(Z, "BUY", "1", "C", "0.10")
    desk.order(Z, "BUY", "1", "B", "0.10")
    desk.status("HALTED", desk.id("A"))
    desk.event_status("HALTED")
    assert desk.statuses() == ["HALTED"] * 3
    desk.exchange.take_changes()
    refused(desk, desk.event_status("HALTED"), "INVALID_TRANSITION")
    desk.event_status("CLOSED")
    assert desk.statuses() == ["CLOSED"] * 3
    assert [row[:2] for row in desk.rows if row[0] == "ORDER_CANCELED"] == [
        ("ORDER_CANCELED", 4),
        ("ORDER_CANCELED", 3),
    ]
    desk.event_status("OPEN")
    assert desk.statuses() == ["OPEN"] * 3
    assert code(desk.event_status("OPEN", event=2)) == "EVENT_NOT_FOUND"


def test_texts_of_an_event_change() -> None:
    """Title and description change alone or together."""
    desk = EventDesk()
    desk.apply(UpdateEvent(1, title="Who wins it?"))
    desk.apply(UpdateEvent(1, description="By noon."))
    assert (desk.event.title, desk.event.description) == ("Who wins it?", "By noon.")


def test_a_market_closes_with_its_event_or_earlier() -> None:
    """A market's own closing time must be earlier than the event's; None removes it."""
    desk = EventDesk(closes_at=9 * SECOND)
    desk.exchange.take_changes()
    for late in (9 * SECOND, 10 * SECOND):
        refused(desk, desk.closing(late, desk.id("B")), "VALIDATION_FAILED")
    desk.closing(5 * SECOND, desk.id("B"))
    desk.closing(7 * SECOND, desk.id("C"))
    desk.event_closing(6 * SECOND)
    assert [desk.of(x).closes_at for x in "ABC"] == [6 * SECOND, 5 * SECOND, 6 * SECOND]
    desk.closing(None, desk.id("B"))
    desk.event_closing(8 * SECOND)
    assert [desk.of(x).closes_at for x in "ABC"] == [8 * SECOND] * 3
    desk.run_due(8 * SECOND)
    assert desk.statuses() == ["CLOSED"] * 3


def test_reopening_clears_a_time_that_has_passed() -> None:
    """Reopening clears a past closing time.

    A market's own gives way to the event's; the event's is cleared for all that follow it.
    """
    desk = EventDesk(closes_at=9 * SECOND)
    desk.closing(5 * SECOND, desk.id("B"))
    desk.run_due(6 * SECOND)
    desk.status("OPEN", desk.id("B"))
    assert desk.of("B").closes_at == 9 * SECOND
    desk.run_due(10 * SECOND)
    desk.status("OPEN", desk.id("A"))
    assert [desk.of(x).closes_at for x in "ABC"] == [None] * 3
    assert desk.event.closes_at is None
    assert desk.statuses() == ["OPEN", "CLOSED", "CLOSED"]


# --- striking ------------------------------------------------------------------------------


def test_only_the_event_decides(desk: EventDesk) -> None:
    """A single market of an event can only be resolved NO."""
    for outcome, price in (("YES", None), ("SCALAR", "0.5"), ("VOID", None)):
        refused(desk, desk.resolve(outcome, price, desk.id("A")), "EVENT_DECIDES")
    desk.strike("A")
    desk.exchange.take_changes()
    for outcome in ("NO", "YES"):
        refused(desk, desk.resolve(outcome, market=desk.id("A")), "INVALID_TRANSITION")
    refused(desk, desk.status("OPEN", desk.id("A")), "INVALID_TRANSITION")


@pytest.mark.parametrize(("exhaustive", "strikes"), [(False, "AB"), (True, "A")])
def test_two_outcomes_stay(exhaustive: bool, strikes: str) -> None:
    """A strike leaves at least two outcomes, NONE counted."""
    desk = EventDesk(exhaustive=exhaustive)
    for letter in strikes:
        desk.strike(letter)
    desk.exchange.take_changes()
    refused(desk, desk.strike("C"), "EVENT_DECIDES")


def test_a_strike_cancels_first_and_merges_what_is_left() -> None:
    """The struck outcome counts until its orders end; other orders keep their reserves."""
    desk = after_example_6()
    desk.order(X, "BUY", "6", "A", "0.10")
    desk.order(X, "SELL", "3", "B", "0.90")
    desk.strike("A")
    kinds = [row[0] for row in desk.rows]
    assert kinds == ["MARKET_STATUS", "ORDER_CANCELED", "MERGED"]
    assert desk.rows[-1] == ("MERGED", X, desk.id("A"), "7.00")
    assert desk.holds(X) == {"B": "3", "C": "3", "NONE": "3"}
    assert desk.cash(X) == ["101.00"]


def test_a_strike_completes_sets_of_those_who_never_traded_it() -> None:
    """After a strike, YES of all remaining markets of an exhaustive event is a complete set."""
    desk = EventDesk(exhaustive=True)
    desk.trade(X, Y, "10", "B", "0.30")
    desk.trade(X, Y, "10", "C", "0.30")
    desk.strike("A")
    assert desk.cash(X, Y) == ["104.00", "96.00"]
    assert desk.holds(X) == desk.holds(Y) == {}
    assert desk.returned(X) == "10.000000"


def test_after_a_strike_no_needs_the_struck_outcome_no_more() -> None:
    """After a strike of A, NO of B is a share of C and of NONE."""
    desk = after_example_7()
    desk.strike("A")
    desk.order(X, "BUY", "10", "B", "0.10")
    assert desk.locked(X) == "0.00"


# --- resolving -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "market", "weights", "expected"),
    [
        (WINNER, 1, (), "MARKET_NOT_FOUND"),
        (WINNER, None, (), "MARKET_NOT_FOUND"),
        (WINNER, 2, (), "INVALID_TRANSITION"),
        (EventOutcome.NONE, None, (), "EVENT_IS_EXHAUSTIVE"),
        (WEIGHTS, None, ((3, 5_000), (0, 5_000)), "EVENT_IS_EXHAUSTIVE"),
        (WEIGHTS, None, ((3, 5_000), (1, 5_000)), "MARKET_NOT_FOUND"),
        (WEIGHTS, None, ((3, 10_000), (2, 0)), "INVALID_TRANSITION"),
        (WEIGHTS, None, ((3, 5_000), (4, 4_999)), "VALIDATION_FAILED"),
        (WEIGHTS, None, ((3, 5_000), (4, 5_001)), "VALIDATION_FAILED"),
        (WEIGHTS, None, ((3, 5_000), (3, 5_000)), "VALIDATION_FAILED"),
        (WEIGHTS, None, ((3, -1), (4, 10_001)), "VALIDATION_FAILED"),
        (WEIGHTS, None, (), "VALIDATION_FAILED"),
    ],
)
def test_an_event_cannot_end_so(
    outcome: EventOutcome, market: int | None, weights: tuple[tuple[int, int], ...], expected: str
) -> None:
    """A struck, foreign or unknown winner, NONE if exhaustive, and wrong weights are refused."""
    desk = EventDesk(exhaustive=True)
    desk.strike("A")
    desk.exchange.take_changes()
    refused(desk, desk.apply(ResolveEvent(1, outcome, market, weights)), expected)


def test_final_is_final(desk: EventDesk) -> None:
    """No command changes a final event or its markets."""
    desk.decide("B")
    desk.exchange.take_changes()
    for command in (
        ResolveEvent(1, EventOutcome.VOID),
        UpdateEvent(1, MarketStatus.OPEN),
        UpdateEvent(1, title="?"),
        AddMarket(1, "new", "?"),
    ):
        refused(desk, desk.apply(command), "INVALID_TRANSITION")
    refused(desk, desk.strike("A"), "INVALID_TRANSITION")
    assert code(desk.apply(ResolveEvent(2, EventOutcome.VOID))) == "EVENT_NOT_FOUND"
    assert [*desk.exchange.state.positions()] == []
    assert desk.event.holdings == {}


def test_everybody_is_paid_once() -> None:
    """Orders end first; then each user gets one payment for the event, in order of users."""
    desk = after_example_8()
    desk.order(W, "BUY", "1", "C", "0.10")
    reply = desk.decide("A 0.5 B 0.2 NONE 0.3")
    paid = [event for event in desk.events if isinstance(event, PaidOut)]
    assert paid == [PaidOut(X, None, 8_000_000, 0, 1), PaidOut(Z, None, 2_000_000, 0, 1)]
    assert isinstance(reply, EventResolved)
    assert (reply.accounts, reply.total) == (2, 10_000_000)
    kinds = [row[0] for row in desk.rows]
    assert kinds == ["MARKET_STATUS"] * 3 + ["ORDER_CANCELED"]
    assert desk.cash(X, Z, W) == ["100.50", "99.00", "100.00"]


def test_each_position_is_realized_at_its_own_outcome() -> None:
    """The realized profits of all markets add up to the money received."""
    desk = after_example_7()
    desk.decide("B")
    assert [desk.gain(X, letter) for letter in "AB"] == ["4.00", "-7.00"]
    assert (desk.gain(Y, "A"), desk.gain(Z, "B")) == ("-4.00", "7.00")
    assert desk.cash(X, Y, Z) == ["97.00", "96.00", "107.00"]


def test_a_void_undoes_struck_markets_too() -> None:
    """A VOID returns a struck market's trades, payouts and fees; its status stays."""
    desk = EventDesk(taker_fee="0.07")
    desk.trade(Y, X, "10", "A", "0.40")
    desk.trade(Z, X, "10", "B", "0.30")
    desk.strike("A")
    desk.exchange.take_changes()
    desk.decide("VOID")
    assert desk.cash(X, Y, Z) == ["100.00"] * 3
    assert desk.statuses() == ["RESOLVED", "VOIDED", "VOIDED"]
    assert [desk.gain(user, "A") for user in (X, Y)] == ["0.00", "0.00"]
    assert desk.event.fees == desk.event.collateral == 0


def test_a_resolution_must_use_up_the_collateral() -> None:
    """A resolution that leaves collateral over raises before the event is final."""
    desk = after_example_6()
    desk.event.collateral += 1
    with pytest.raises(InvariantError, match="collateral left"):
        desk.decide("A")


def _base_lost(desk: EventDesk) -> None:
    desk.event.total_base -= 1


def _sets_miscounted(desk: EventDesk) -> None:
    desk.event.open_interest += 1


def _net_lost(desk: EventDesk) -> None:
    desk.of("A").total_no -= 1


def _collateral_lost(desk: EventDesk) -> None:
    desk.event.collateral -= 1


def _reserve_made(desk: EventDesk) -> None:
    desk.event.holdings[X].reserved += parse_qty("1")


def _both_sides_held(desk: EventDesk) -> None:
    position = desk.position(X, desk.id("A"))
    position.yes += parse_qty("10")
    position.no += parse_qty("10")


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (_base_lost, "bases and sets"),
        (_sets_miscounted, "bases and sets"),
        (_net_lost, "YES, NO and open interest"),
        (_collateral_lost, "collateral differs"),
        (_reserve_made, "more or less free"),
        (_both_sides_held, "shares or reserve out of bounds"),
    ],
)
def test_a_tampered_event_is_found(tamper: object, message: str) -> None:
    """The next command that touches a tampered event raises, without a full scan."""
    desk = after_example_6()
    desk.order(Y, "SELL", "1", "A", "0.30")
    assert callable(tamper)
    tamper(desk)
    with pytest.raises(InvariantError, match=message):
        desk.order(X, "BUY", "1", "A", "0.30")
