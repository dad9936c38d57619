"""Rules that the worked examples do not reach, each in the smallest case that shows it."""

from __future__ import annotations

import pytest

from .desk import A, B, C, Desk, after_example_1
from .records import Notice
from .units import parse_money, parse_qty, show_money


def test_fee_of_many_fills_is_that_of_one() -> None:
    """The exact sum over an order is rounded up once, for any number of fills."""
    desk = Desk(taker_fee="0.0003")
    for _ in range(7):
        desk.place(B, "SELL", "0.01", "0.33")
    events = desk.place(A, "BUY", "0.07", "0.33")
    fees = [event[7] for event in events if event[0] == "MATCH"]
    # 0.0003 × 0.07 × 0.33 × 0.67 dollars are 4.6431 millionths in all: 5, not 7 times 1.
    assert sum(parse_money(str(fee)) for fee in fees) == 5
    assert desk.exchange.orders()[8][5] == 5


@pytest.mark.parametrize(
    ("stp", "expected"),
    [
        ("SKIP", [("ORDER_CANCELED", 3, "SELF_TRADE")]),
        ("CANCEL_MAKER", [("ORDER_CANCELED", 1, "SELF_TRADE")]),
        ("CANCEL_TAKER", [("ORDER_CANCELED", 3, "SELF_TRADE")]),
        ("CANCEL_BOTH", [("ORDER_CANCELED", 1, "SELF_TRADE"), ("ORDER_CANCELED", 3, "SELF_TRADE")]),
    ],
)
def test_self_trade_modes(stp: str, expected: list[Notice]) -> None:
    """A taker that meets its user's order first, then another's, ends according to its mode."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.50")
    desk.place(B, "SELL", "1", "0.51")
    events = desk.place(A, "BUY", "3", "0.55", stp=stp)
    assert [event for event in events if event[0] == "ORDER_CANCELED"] == expected
    traded = any(event[0] == "MATCH" for event in events)
    assert traded == (stp in ("SKIP", "CANCEL_MAKER"))
    rests = desk.exchange.queue(1)[0]
    assert rests == ([3] if stp == "CANCEL_MAKER" else [])


@pytest.mark.parametrize(
    ("stp", "accepted"),
    [("SKIP", True), ("CANCEL_MAKER", True), ("CANCEL_TAKER", False), ("CANCEL_BOTH", False)],
)
def test_fok_counts_what_its_mode_lets_it_take(stp: str, accepted: bool) -> None:
    """FOK skips own orders or stops at them, and a rejected FOK cancels no order."""
    desk = Desk()
    desk.place(B, "SELL", "1", "0.50")
    desk.place(A, "SELL", "1", "0.51")
    desk.place(B, "SELL", "1", "0.52")
    events = desk.place(A, "BUY", "2", "0.55", tif="FOK", stp=stp)
    if accepted:
        assert desk.exchange.orders()[4][0] == "FILLED"
    else:
        assert events == [("ORDER_REJECTED", 4, "FOK_NOT_FILLABLE")]
        assert desk.exchange.queue(1) == ([], [1, 2, 3])


def test_market_order_stops_at_its_collar() -> None:
    """A collar off the tick moves towards the best price; the remainder is cancelled."""
    desk = Desk()
    for price in ("0.50", "0.53", "0.54"):
        desk.place(B, "SELL", "1", price)
    events = desk.place(A, "BUY", "3", None, max_slippage="0.0399")
    assert [event[4] for event in events if event[0] == "MATCH"] == ["0.5000", "0.5300"]
    assert events[-1] == ("ORDER_CANCELED", 4, "MARKET_REMAINDER")
    assert desk.exchange.orders()[4][2] is None


def test_merge_when_an_open_order_meets_shares_taken_since() -> None:
    """Shares acquired after the placement merge once both sides are booked."""
    desk = Desk()
    desk.place(A, "BUY", "5", "0.40")
    desk.place(A, "SELL", "5", "0.60")
    desk.place(B, "BUY", "5", "0.60")
    events = desk.place(B, "SELL", "5", "0.40", reduce_only=True)
    assert events == [
        ("ORDER_ACCEPTED", 4),
        ("MATCH", 2, 1, 4, "0.4000", "5.00", "SELL", "0.000000", "0.000000"),
        ("ORDER_FILLED", 1, "5.00"),
        ("ORDER_FILLED", 4, "5.00"),
        ("MERGED", A, 1, "5.00"),
    ]
    assert desk.money(A) == ("101.000000", "0.000000")
    assert show_money(desk.exchange.positions()[A, 1][6]) == "1.000000"


def test_release_merges_what_it_frees() -> None:
    """Cancelling an order releases its reserved shares, which merge."""
    desk = Desk()
    desk.place(A, "BUY", "5", "0.40")
    desk.place(B, "SELL", "5", "0.40")
    desk.place(A, "SELL", "5", "0.90")
    desk.place(A, "SELL", "5", "0.40")
    desk.place(C, "BUY", "5", "0.40")
    assert desk.exchange.positions()[A, 1][:2] == (500, 500)
    events = desk.do("cancel", user=A, order=3, admin=False)
    assert events == [("ORDER_CANCELED", 3, "USER"), ("MERGED", A, 1, "5.00")]


def test_shrinking_keeps_the_place_and_releases_the_open_part_first() -> None:
    """A smaller order keeps its place and its close part."""
    desk = after_example_1()
    desk.place(A, "SELL", "15", "0.70")
    desk.place(C, "SELL", "1", "0.70")
    assert desk.money(A) == ("92.500000", "1.500000")
    assert desk.amend(A, 3, None, "8") == [("ORDER_AMENDED", 3, "0.7000", "8.00")]
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.exchange.queue(1)[1] == [3, 4]


def test_growing_goes_to_the_back_and_a_no_change_does_not() -> None:
    """A larger order goes to the back; an amend without a change emits nothing and stays."""
    desk = Desk()
    desk.place(A, "SELL", "1", "0.70")
    desk.place(B, "SELL", "1", "0.70")
    assert desk.amend(A, 1, "0.70", "1") == []
    assert desk.exchange.queue(1)[1] == [1, 2]
    desk.amend(A, 1, None, "1.01")
    assert desk.exchange.queue(1)[1] == [2, 1]


def test_amend_that_crosses_trades() -> None:
    """An amended order that crosses trades after its amend event."""
    desk = Desk()
    desk.place(A, "SELL", "2", "0.70")
    desk.place(B, "BUY", "1", "0.50")
    assert desk.amend(A, 1, "0.50", None) == [
        ("ORDER_AMENDED", 1, "0.5000", "2.00"),
        ("MATCH", 1, 2, 1, "0.5000", "1.00", "SELL", "0.000000", "0.000000"),
        ("ORDER_FILLED", 2, "1.00"),
        ("ORDER_PARTIALLY_FILLED", 1, "1.00"),
    ]


def test_refused_amends() -> None:
    """Each refusal of an amend has its code and changes nothing."""
    desk = Desk()
    desk.place(A, "SELL", "2", "0.70", post_only=True)
    desk.place(B, "BUY", "1", "0.70")
    desk.place(B, "BUY", "1", "0.50")
    before = desk.exchange.orders()
    codes = {
        "ORDER_NOT_FOUND": desk.amend(A, 99, None, "1"),
        "FORBIDDEN": desk.amend(B, 1, None, "5"),
        "ORDER_NOT_OPEN": desk.amend(B, 2, None, "5"),
        "PRICE_OFF_TICK": desk.amend(A, 1, "0.555", None),
        "QTY_BELOW_FILLED": desk.amend(A, 1, None, "1"),
        "POST_ONLY_WOULD_CROSS": desk.amend(A, 1, "0.50", None),
        "INSUFFICIENT_FUNDS": desk.amend(A, 1, None, "5000"),
    }
    assert codes == {code: [("REFUSED", code)] for code in codes}
    assert desk.exchange.orders() == before


def test_reduce_only_is_capped_and_capped_again() -> None:
    """Placement and amend cap a reduce-only order to the quantity that it can close."""
    desk = after_example_1()
    nothing = desk.place(C, "SELL", "1", "0.70", reduce_only=True)
    assert nothing == [("ORDER_REJECTED", 3, "NOTHING_TO_REDUCE")]
    desk.place(A, "SELL", "15", "0.70", reduce_only=True)
    assert desk.exchange.orders()[4][3] == parse_qty("10")
    assert desk.amend(A, 4, None, "12") == []
    assert desk.amend(A, 4, "0.80", "12") == [("ORDER_AMENDED", 4, "0.8000", "10.00")]


def test_void_may_leave_available_negative() -> None:
    """A VOID takes back a withdrawn profit; a debtor may lock nothing."""
    desk = Desk()
    desk.place(A, "BUY", "100", "0.10")
    desk.place(B, "SELL", "100", "0.10")
    desk.place(A, "SELL", "100", "0.90")
    desk.place(C, "BUY", "100", "0.90")
    desk.do("transfer", user=A, amount="-180")
    desk.create()
    desk.do("resolve", market=1, outcome="VOID", price=None)
    assert desk.money(A) == ("-80.000000", "0.000000")
    refused = desk.place(A, "BUY", "0.01", "0.01", market=2)
    assert refused == [("ORDER_REJECTED", 5, "INSUFFICIENT_FUNDS")]
    assert desk.do("transfer", user=A, amount="-0.01") == [("REFUSED", "INSUFFICIENT_FUNDS")]


def test_the_limit_of_a_transfer_comes_before_its_funds() -> None:
    """A withdrawal beyond the limit gives that error, with or without funds."""
    desk = Desk()
    too_much = desk.do("transfer", user=A, amount="-1000000000.000001")
    assert too_much == [("REFUSED", "LIMIT_EXCEEDED")]
    assert desk.do("transfer", user=A, amount="-1000000000") == [("REFUSED", "INSUFFICIENT_FUNDS")]


def test_what_is_due_comes_first_in_order() -> None:
    """Closes, expiries and dead-man switches of one time precede a later command."""
    desk = Desk()
    second = 1_000_000
    desk.create(closes_at=second)
    desk.place(A, "BUY", "1", "0.10", market=2)
    desk.place(B, "BUY", "1", "0.10", tif="GTD", expires_at=second)
    desk.place(C, "BUY", "1", "0.10")
    desk.do("cancel_after", user=C, seconds=1)
    assert desk.exchange.advance(second - 1) == []
    assert desk.place(A, "SELL", "1", "0.10", ts=second) == [
        ("MARKET_STATUS", 2, "CLOSED"),
        ("ORDER_CANCELED", 1, "MARKET_CLOSED"),
        ("ORDER_CANCELED", 2, "EXPIRED"),
        ("ORDER_CANCELED", 3, "DEADMAN"),
        ("ORDER_ACCEPTED", 4),
    ]
    assert [row[:2] for row in desk.exchange.orders().values()][:3] == [
        ("CANCELED", "MARKET_CLOSED"),
        ("EXPIRED", "EXPIRED"),
        ("CANCELED", "DEADMAN"),
    ]


def test_deadlines_and_expiries_at_the_very_moment() -> None:
    """An order at its deadline is accepted; one at its expiry is refused."""
    desk = Desk()
    assert desk.place(A, "BUY", "1", "0.10", ts=10, deadline=10) == [("ORDER_ACCEPTED", 1)]
    late = desk.place(A, "BUY", "1", "0.10", tif="GTD", expires_at=10)
    assert late == [("ORDER_REJECTED", 2, "DEADLINE_PASSED")]


def test_reopening_clears_a_closing_time_that_has_passed() -> None:
    """A market reopened after its closing time stays open."""
    desk = Desk()
    desk.do("update_market", market=1, status=None, closes_at=5)
    assert desk.exchange.advance(5) == [("MARKET_STATUS", 1, "CLOSED")]
    reopened = desk.do("update_market", market=1, status="OPEN")
    assert reopened == [("MARKET_STATUS", 1, "OPEN")]
    assert desk.exchange.advance(100) == []


def test_final_is_final() -> None:
    """No command changes a resolved market."""
    desk = Desk()
    desk.do("resolve", market=1, outcome="YES", price=None)
    refused = [("REFUSED", "INVALID_TRANSITION")]
    assert desk.do("update_market", market=1, status="OPEN") == refused
    assert desk.do("update_market", market=1, status=None, closes_at=9) == refused
    assert desk.do("resolve", market=1, outcome="VOID", price=None) == refused
    assert desk.place(A, "BUY", "1", "0.5") == [("ORDER_REJECTED", 1, "MARKET_NOT_OPEN")]
