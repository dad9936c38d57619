"""Rules of events that the worked examples do not reach, each in the smallest case of it."""

from __future__ import annotations

import pytest

from .desk import A, B, C, EventDesk
from .units import parse_money, parse_qty, show_money

NONE = 0


def _short_one(qty: str = "10") -> EventDesk:
    """A is short in market 1 at 0.40, B long."""
    desk = EventDesk()
    desk.trade(B, A, 1, qty, "0.40")
    return desk


def _refused(code: str) -> list[tuple[str, str]]:
    return [("REFUSED", code)]


def _order(desk: EventDesk, order: int) -> tuple[str, int, int]:
    """Return (status, close part, open part) of an order."""
    known = desk.exchange.ledger.orders[order]
    return known.status, known.close_left, known.open_left


# --- what is reserved -------------------------------------------------------------------------


def test_a_closing_buy_reserves_a_share_of_every_other_outcome() -> None:
    """The shares that a BUY reserves cannot be sold elsewhere until it is cancelled."""
    desk = _short_one()
    desk.place(A, "BUY", "6", "0.30", market=1)
    assert _order(desk, 3) == ("OPEN", 600, 0)
    assert desk.money(A) == ("94.000000", "0.000000")
    desk.place(A, "SELL", "10", "0.50", market=2)
    assert _order(desk, 4) == ("OPEN", 400, 600)
    assert desk.money(A) == ("91.000000", "3.000000")
    desk.do("cancel", user=A, order=3, admin=False)
    desk.do("cancel", user=A, order=4, admin=False)
    desk.place(A, "SELL", "10", "0.50", market=2)
    assert _order(desk, 5) == ("OPEN", 1000, 0)


def test_a_closing_sell_leaves_less_no_of_the_other_markets() -> None:
    """A share serves one order, either as YES or as a part of NO."""
    desk = _short_one()
    desk.place(A, "SELL", "10", "0.50", market=2)
    desk.place(A, "BUY", "10", "0.30", market=1)
    assert _order(desk, 4) == ("OPEN", 0, 1000)
    assert desk.money(A) == ("91.000000", "3.000000")


def test_a_reserved_share_does_not_merge() -> None:
    """A set reserved by an order does not merge until its release."""
    desk = _short_one()
    desk.place(A, "BUY", "10", "0.30", market=1)
    desk.place(A, "BUY", "10", "0.40", market=1)
    desk.place(C, "SELL", "10", "0.40", market=1)
    assert desk.held(A) == {1: "10.00", 2: "10.00", 3: "10.00", NONE: "10.00"}
    assert desk.returned(A) == "-10.00"
    notices = desk.do("cancel", user=A, order=3, admin=False)
    assert notices == [("ORDER_CANCELED", 3, "USER"), ("MERGED", A, 1, "10.00")]
    assert desk.returned(A) == "0.00"


def test_the_least_held_outcome_bounds_a_closing_buy() -> None:
    """Free NO is the least free count over the other outcomes."""
    desk = _short_one()
    desk.trade(C, A, 2, "4", "0.20")
    desk.place(A, "BUY", "10", "0.30", market=1)
    assert _order(desk, 5) == ("OPEN", 600, 400)


def test_an_amend_counts_what_the_order_itself_reserves() -> None:
    """An amend releases and reserves in one change, so the close part stays whole."""
    desk = _short_one()
    desk.place(A, "BUY", "10", "0.30", market=1)
    assert desk.amend(A, 3, "0.31", "12") == [("ORDER_AMENDED", 3, "0.3100", "12.00")]
    assert _order(desk, 3) == ("OPEN", 1000, 200)
    assert desk.money(A) == ("93.380000", "0.620000")


# --- positions --------------------------------------------------------------------------------


def test_one_fill_reduces_once() -> None:
    """A fill's close and open parts remove cost × q // n together, rounded once."""
    desk = EventDesk()
    desk.create(tick="0.0001")
    desk.trade(B, A, 4, "0.02", "0.9999")
    desk.trade(B, A, 4, "0.02", "0.5000")
    # A is short 0.04 in market 4 and has given three of the four shares of market 5 away.
    desk.trade(C, A, 5, "0.03", "0.10")
    desk.place(B, "SELL", "0.02", "0.60", market=4)
    desk.place(A, "BUY", "0.02", "0.60", market=4)
    # Half of a cost of 10002 millionths, where two halves of that half would be one less.
    assert desk.exchange.positions()[A, 4][5] == 5001
    assert desk.realized(A, 4) == show_money(2 * 4000 - 5001)


def test_a_position_turns_from_short_to_long() -> None:
    """A fill larger than the position closes it and opens the rest at the same price."""
    desk = _short_one()
    desk.trade(A, B, 1, "15", "0.30")
    assert desk.net(A, 1) == "5.00"
    assert desk.realized(A, 1) == "1.000000"
    assert desk.exchange.positions()[A, 1][4] == parse_money("1.50")
    assert desk.net(B, 1) == "-5.00"
    assert desk.exchange.markets()[1][1] == parse_qty("5")


# --- reduce-only ------------------------------------------------------------------------------


def test_reduce_only_follows_the_net_position_and_may_lock() -> None:
    """The cap brings the net position to 0, even if the shares are held elsewhere."""
    desk = _short_one()
    desk.trade(C, A, 2, "10", "0.30")
    nothing = desk.place(A, "SELL", "1", "0.50", market=1, reduce_only=True)
    assert nothing == [("ORDER_REJECTED", 5, "NOTHING_TO_REDUCE")]
    nothing = desk.place(A, "BUY", "1", "0.50", market=3, reduce_only=True)
    assert nothing == [("ORDER_REJECTED", 6, "NOTHING_TO_REDUCE")]
    desk.place(A, "BUY", "50", "0.20", market=1, reduce_only=True)
    assert _order(desk, 7) == ("OPEN", 0, 1000)
    assert desk.money(A) == ("95.000000", "2.000000")


def test_reduce_only_counts_what_other_orders_of_that_side_have_left() -> None:
    """The cap subtracts the remainders of the user's other orders on that side."""
    desk = _short_one()
    desk.place(A, "BUY", "7", "0.20", market=1)
    desk.place(A, "SELL", "5", "0.90", market=1)
    desk.place(A, "BUY", "10", "0.10", market=1, reduce_only=True)
    assert desk.exchange.orders()[5][3] == parse_qty("3")
    nothing = desk.place(A, "BUY", "1", "0.10", market=1, reduce_only=True)
    assert nothing == [("ORDER_REJECTED", 6, "NOTHING_TO_REDUCE")]
    # An amend does not count the order's own remainder.
    assert desk.amend(A, 5, "0.11", "10") == [("ORDER_AMENDED", 5, "0.1100", "3.00")]


def test_an_amend_caps_to_what_is_left_to_reduce() -> None:
    """An amend's cap subtracts other orders placed since, down to 0."""
    desk = _short_one()
    desk.place(A, "BUY", "10", "0.20", market=1, reduce_only=True)
    desk.place(A, "BUY", "6", "0.10", market=1)
    assert desk.amend(A, 3, None, None) == [("ORDER_AMENDED", 3, "0.2000", "4.00")]
    desk.place(A, "BUY", "9", "0.10", market=1)
    assert desk.amend(A, 3, "0.21", None) == _refused("NOTHING_TO_REDUCE")
    assert desk.exchange.orders()[3][3] == parse_qty("4")


# --- striking and adding ----------------------------------------------------------------------


def test_a_strike_cancels_first_and_merges_what_is_left() -> None:
    """Orders of the struck market are cancelled before the merge; others keep their reserves."""
    desk = _short_one()
    desk.place(A, "SELL", "4", "0.90", market=2)
    desk.place(A, "BUY", "10", "0.30", market=1)
    assert desk.strike(1) == [
        ("MARKET_STATUS", 1, "RESOLVED"),
        ("ORDER_CANCELED", 4, "MARKET_RESOLVED"),
        ("MERGED", A, 1, "6.00"),
    ]
    assert desk.held(A) == {2: "4.00", 3: "4.00", NONE: "4.00"}
    assert desk.event_collateral() == "4.000000"
    notices = desk.do("cancel", user=A, order=3, admin=False)
    assert notices == [("ORDER_CANCELED", 3, "USER"), ("MERGED", A, 2, "4.00")]


@pytest.mark.parametrize(("exhaustive", "strikes"), [(False, [1, 2]), (True, [1])])
def test_two_outcomes_stay(exhaustive: bool, strikes: list[int]) -> None:
    """A strike that would leave less than two outcomes, NONE counted, is refused."""
    desk = EventDesk(exhaustive=exhaustive)
    for market in strikes:
        assert desk.strike(market)[0][0] == "MARKET_STATUS"
    assert desk.strike(3) == _refused("EVENT_DECIDES")


def test_only_the_event_decides() -> None:
    """YES, SCALAR and VOID of one market are refused, and a struck one is final."""
    desk = _short_one()
    for outcome, price in (("YES", None), ("SCALAR", "0.5"), ("VOID", None)):
        refused = desk.do("resolve", market=1, outcome=outcome, price=price)
        assert refused == _refused("EVENT_DECIDES")
    desk.strike(1)
    assert desk.strike(1) == _refused("INVALID_TRANSITION")
    assert desk.do("update_market", market=1, status="OPEN") == _refused("INVALID_TRANSITION")


def test_an_added_market_belongs_to_who_holds_none() -> None:
    """Holders of NONE, and resting closing BUYs, get the added market's shares."""
    desk = _short_one()
    desk.place(A, "BUY", "10", "0.40", market=1)
    desk.do("update_event", event=1, status="HALTED")
    desk.do("update_market", market=3, status="OPEN")
    assert desk.do("add_market", event=1) == [("MARKET_STATUS", 4, "OPEN")]
    assert desk.held(A) == {1: "0.00", 2: "10.00", 3: "10.00", NONE: "10.00", 4: "10.00"}
    desk.place(A, "SELL", "10", "0.10", market=4)
    assert _order(desk, 4) == ("OPEN", 0, 1000)
    desk.do("update_market", market=1, status="OPEN")
    desk.place(B, "SELL", "10", "0.40", market=1)
    assert set(desk.held(A).values()) == {"0.00"}
    assert desk.totals() == ["100.000000"] * 3


def test_what_can_not_be_added_to() -> None:
    """Unknown, final, exhaustive and full events (200 markets, struck ones counted) are refused."""
    desk = EventDesk(exhaustive=True)
    assert desk.do("add_market", event=2) == _refused("EVENT_NOT_FOUND")
    assert desk.do("add_market", event=1) == _refused("EVENT_IS_EXHAUSTIVE")
    desk.resolve_event(1)
    assert desk.do("add_market", event=1) == _refused("INVALID_TRANSITION")
    desk = EventDesk(199)
    desk.strike(1)
    assert desk.do("add_market", event=1) == [("MARKET_STATUS", 200, "OPEN")]
    assert desk.do("add_market", event=1) == _refused("LIMIT_EXCEEDED")
    for count in (0, 1, 201):
        assert desk.create(markets=count) == _refused("VALIDATION_FAILED")


# --- how it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "weights", "code"),
    [
        (9, None, "MARKET_NOT_FOUND"),
        (1, None, "INVALID_TRANSITION"),
        ("NONE", None, "EVENT_IS_EXHAUSTIVE"),
        ("WEIGHTS", [(NONE, "1")], "EVENT_IS_EXHAUSTIVE"),
        ("WEIGHTS", [(2, "0.5"), (9, "0.5")], "MARKET_NOT_FOUND"),
        ("WEIGHTS", [(1, "0"), (9, "1")], "INVALID_TRANSITION"),
        ("WEIGHTS", [(2, "0.5"), (3, "0.4999")], "VALIDATION_FAILED"),
        ("WEIGHTS", [(2, "0.5"), (2, "0.5")], "VALIDATION_FAILED"),
        ("WEIGHTS", [(2, "1.5"), (3, "-0.5")], "VALIDATION_FAILED"),
        ("WEIGHTS", [], "VALIDATION_FAILED"),
    ],
)
def test_refused_endings(outcome: int | str, weights: object, code: str) -> None:
    """A resolution to an impossible outcome is refused and changes nothing."""
    desk = EventDesk(exhaustive=True)
    desk.strike(1)
    assert desk.resolve_event(outcome, weights) == _refused(code)
    assert [row[0] for row in desk.exchange.markets().values()] == ["RESOLVED", "OPEN", "OPEN"]


def test_weights_realize_each_position_at_its_weight() -> None:
    """A tie pays every holder their share; realized profits add up to the payments."""
    desk = _short_one()
    desk.trade(C, A, 2, "10", "0.30")
    desk.place(A, "SELL", "1", "0.90", market=3)
    desk.resolve_event("WEIGHTS", [(1, "0.2"), (2, "0.3333"), (NONE, "0.4667")])
    assert desk.exchange.orders()[5][:2] == ("CANCELED", "MARKET_RESOLVED")
    # A was short 10 at 0.40 and at 0.30, and the two markets are worth 0.20 and 0.3333.
    assert (desk.realized(A, 1), desk.realized(A, 2)) == ("2.000000", "-0.333000")
    assert desk.totals() == ["101.667000", "98.000000", "100.333000"]


def test_a_void_undoes_struck_markets_too() -> None:
    """A VOID undoes a struck market's trades, payouts and fees; its status stays."""
    desk = EventDesk()
    desk.create(taker_fee="0.07")
    desk.trade(B, A, 4, "10", "0.40")
    desk.do("resolve", market=4, outcome="NO", price=None)
    assert desk.exchange.fees_collected() > 0
    void = desk.do("resolve_event", event=2, outcome="VOID", weights=None)
    assert void == [("MARKET_STATUS", 5, "VOIDED"), ("MARKET_STATUS", 6, "VOIDED")]
    assert desk.totals() == ["100.000000"] * 3
    assert desk.exchange.fees_collected() == 0
    assert desk.exchange.positions() == {}
    assert desk.exchange.markets()[4][0] == "RESOLVED"


def test_final_is_final() -> None:
    """No command changes a resolved event or a market of it."""
    desk = _short_one()
    desk.resolve_event(2)
    for refused in (
        desk.resolve_event("VOID"),
        desk.do("update_event", event=1, status="OPEN"),
        desk.do("update_event", event=1, status=None, closes_at=9),
        desk.do("update_market", market=1, status="OPEN"),
        desk.strike(3),
    ):
        assert refused == _refused("INVALID_TRANSITION")
    unknown = desk.do("resolve_event", event=2, outcome="VOID", weights=None)
    assert unknown == _refused("EVENT_NOT_FOUND")


# --- statuses and closing times ---------------------------------------------------------------


def test_closing_an_event_closes_what_can_be_closed() -> None:
    """Statuses change first, then orders are cancelled by market; closed markets stay closed."""
    desk = EventDesk()
    desk.place(A, "BUY", "1", "0.10", market=3)
    desk.place(A, "BUY", "1", "0.10", market=2)
    desk.do("update_market", market=1, status="CLOSED")
    assert desk.do("update_event", event=1, status="CLOSED") == [
        ("MARKET_STATUS", 2, "CLOSED"),
        ("MARKET_STATUS", 3, "CLOSED"),
        ("ORDER_CANCELED", 2, "MARKET_CLOSED"),
        ("ORDER_CANCELED", 1, "MARKET_CLOSED"),
    ]
    assert desk.do("update_event", event=1, status="CLOSED") == _refused("INVALID_TRANSITION")


def _closing_times(desk: EventDesk) -> list[int | None]:
    return [market.closes_at for market in desk.exchange.ledger.markets.values()]


def test_a_market_of_an_event_closes_with_it_or_earlier() -> None:
    """A market's closing time must be earlier than the event's, and is cleared otherwise."""
    desk = EventDesk()
    desk.do("update_market", market=2, status=None, closes_at=70)
    desk.do("update_event", event=1, status=None, closes_at=100)
    assert _closing_times(desk) == [100, 70, 100]
    late = desk.do("update_market", market=1, status=None, closes_at=100)
    assert late == _refused("VALIDATION_FAILED")
    desk.do("update_event", event=1, status=None, closes_at=60)
    assert _closing_times(desk) == [60, 60, 60]
    desk.do("update_market", market=1, status=None, closes_at=50)
    desk.do("update_market", market=1, status=None, closes_at=None)
    desk.do("update_market", market=3, status=None, closes_at=40)
    desk.do("update_event", event=1, status=None, closes_at=None)
    assert _closing_times(desk) == [None, None, 40]


def test_reopening_clears_what_has_passed() -> None:
    """Reopening clears the event's past closing time for all markets that follow it."""
    desk = EventDesk()
    desk.do("update_event", event=1, status=None, closes_at=10)
    desk.do("update_market", market=2, status=None, closes_at=5)
    assert desk.exchange.advance(6) == [("MARKET_STATUS", 2, "CLOSED")]
    desk.do("update_market", market=2, status="OPEN")
    assert _closing_times(desk) == [10, 10, 10]
    assert len(desk.exchange.advance(10)) == 3
    assert desk.do("update_market", market=1, status="OPEN") == [("MARKET_STATUS", 1, "OPEN")]
    assert _closing_times(desk) == [None, None, None]
