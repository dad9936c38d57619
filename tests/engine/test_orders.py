"""Placing, amending and cancelling: every refusal, their order, and the locked amounts."""

from typing import Any

import pytest

from predmarket.engine.commands import CancelAll
from predmarket.engine.replies import Canceled, Refused
from predmarket.enums import CancelReason
from tests.engine.desk import SECOND, A, B, C, Desk, after_example_1, code, placed

# --- refusals of a placement ---------------------------------------------------------------


def _desk_for_refusals() -> Desk:
    """Return a desk with B's orders in market 1; 2 is halted, 3 a draft, 4 open and empty."""
    desk = Desk()
    desk.place(B, "BUY", "1", "0.40")
    desk.place(B, "SELL", "1", "0.60")
    desk.create()
    desk.status("HALTED", market=2)
    desk.create(status="DRAFT")
    desk.create()
    desk.now = SECOND
    return desk


LATE: dict[str, Any] = {"deadline": SECOND - 1}
EXPIRED: dict[str, Any] = {"tif": "GTD", "expires_at": SECOND}
NOWHERE: dict[str, Any] = {"market": 99}
HALTED: dict[str, Any] = {"market": 2}
DRAFT: dict[str, Any] = {"market": 3}
EMPTY: dict[str, Any] = {"market": 4}
REDUCE: dict[str, Any] = {"reduce_only": True}
POST: dict[str, Any] = {"post_only": True}
FOK: dict[str, Any] = {"tif": "FOK"}
OFF, CROSSING, DEAR = "0.605", "0.60", "1000000"


@pytest.mark.parametrize(
    ("qty", "price", "fields", "expected"),
    [
        ("1", "0.50", LATE, "DEADLINE_PASSED"),
        ("1", "0.50", EXPIRED, "DEADLINE_PASSED"),
        ("1", "0.50", NOWHERE, "MARKET_NOT_FOUND"),
        ("1", "0.50", DRAFT, "MARKET_NOT_FOUND"),
        ("1", "0.50", {**DRAFT, "as_admin": True}, "MARKET_NOT_OPEN"),
        ("1", "0.50", HALTED, "MARKET_NOT_OPEN"),
        ("1", None, EMPTY, "NO_LIQUIDITY"),
        ("1", "0.505", {}, "PRICE_OFF_TICK"),
        ("1", "0.50", REDUCE, "NOTHING_TO_REDUCE"),
        ("1", CROSSING, POST, "POST_ONLY_WOULD_CROSS"),
        ("2", CROSSING, FOK, "FOK_NOT_FILLABLE"),
        (DEAR, "0.50", {}, "INSUFFICIENT_FUNDS"),
        # of two that apply the first
        ("1", "0.50", {**LATE, **NOWHERE}, "DEADLINE_PASSED"),
        ("1", "0.50", {**EXPIRED, **HALTED}, "DEADLINE_PASSED"),
        ("1", None, {**NOWHERE, **REDUCE}, "MARKET_NOT_FOUND"),
        ("1", OFF, NOWHERE, "MARKET_NOT_FOUND"),
        ("1", None, HALTED, "MARKET_NOT_OPEN"),
        ("1", OFF, HALTED, "MARKET_NOT_OPEN"),
        ("1", None, {**EMPTY, **REDUCE}, "NO_LIQUIDITY"),
        ("1", None, {**EMPTY, **FOK}, "NO_LIQUIDITY"),
        ("1", OFF, REDUCE, "PRICE_OFF_TICK"),
        ("1", OFF, POST, "PRICE_OFF_TICK"),
        (DEAR, OFF, {}, "PRICE_OFF_TICK"),
        ("1", CROSSING, {**REDUCE, **POST}, "NOTHING_TO_REDUCE"),
        ("2", CROSSING, {**REDUCE, **FOK}, "NOTHING_TO_REDUCE"),
        (DEAR, CROSSING, POST, "POST_ONLY_WOULD_CROSS"),
        (DEAR, CROSSING, FOK, "FOK_NOT_FILLABLE"),
    ],
)
def test_refusals_in_their_order(
    qty: str, price: str | None, fields: dict[str, Any], expected: str
) -> None:
    """The first refusal that applies is given, and only the order's record remains."""
    desk = _desk_for_refusals()
    before = desk.standing()
    refused = desk.place(A, "BUY", qty, price, **fields)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.order_id) == (expected, 3)
    assert desk.rows == [("ORDER_REJECTED", 3, expected)]
    assert desk.standing() == before


@pytest.mark.parametrize("fields", [NOWHERE, DRAFT, {**LATE, **NOWHERE}, {**LATE, **DRAFT}])
def test_the_record_names_no_market_that_is_not_there(fields: dict[str, Any]) -> None:
    """The record of an order in an unknown or invisible market has no market id."""
    desk = _desk_for_refusals()
    desk.exchange.take_changes()
    desk.place(A, "BUY", "1", "0.50", **fields)
    assert desk.exchange.take_changes().orders[3].market_id == 0


@pytest.mark.parametrize("qty", ["15", "3"])
def test_a_rejected_order_keeps_the_quantity_asked_for(qty: str) -> None:
    """The record of a rejected reduce-only order has the requested quantity, not the cap."""
    desk = after_example_1()
    desk.place(C, "BUY", "20", "0.50")
    desk.exchange.take_changes()
    refused = desk.place(A, "SELL", qty, "0.50", reduce_only=True, post_only=True)
    assert code(refused) == "POST_ONLY_WOULD_CROSS"
    order = desk.exchange.take_changes().orders[4]
    assert (order.qty, order.remaining, order.status) == (int(qty) * 100,) * 2 + ("REJECTED",)


def test_without_an_account_there_is_no_record() -> None:
    """An order of a user without an account leaves no record."""
    desk = Desk()
    refused = desk.place(99, "BUY", "1", "0.50")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.order_id) == ("USER_NOT_FOUND", None)
    assert placed(desk.place(A, "BUY", "1", "0.50")).id == 1


def test_refused_funds_say_how_much() -> None:
    """The details of INSUFFICIENT_FUNDS are the required and the available amounts."""
    desk = Desk()
    refused = desk.place(A, "BUY", "200", "0.60")
    assert isinstance(refused, Refused)
    assert refused.details == {"required": "120.000000", "available": "100.000000"}


def test_funds_to_the_last_millionth() -> None:
    """An order that needs exactly the available money is accepted."""
    desk = Desk(credit="5.5", taker_fee="0")
    assert code(desk.place(A, "BUY", "10", "0.56")) == "INSUFFICIENT_FUNDS"
    assert code(desk.place(A, "BUY", "10", "0.55")) is None
    assert desk.money(A) == ("0.000000", "5.500000")
    assert code(desk.place(B, "SELL", "10", "0.44")) == "INSUFFICIENT_FUNDS"
    assert code(desk.place(B, "SELL", "10", "0.46", post_only=False)) is None


def test_deadlines_and_expiries_at_the_very_moment() -> None:
    """An order at its deadline is accepted; one at its expiry is refused."""
    desk = Desk()
    desk.now = 10
    assert code(desk.place(A, "BUY", "1", "0.10", deadline=10)) is None
    assert code(desk.place(A, "BUY", "1", "0.10", deadline=9)) == "DEADLINE_PASSED"
    assert code(desk.place(A, "BUY", "1", "0.10", tif="GTD", expires_at=11)) is None
    assert code(desk.place(A, "BUY", "1", "0.10", tif="GTD", expires_at=10)) == "DEADLINE_PASSED"


# --- post-only and reduce-only -------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "crosses"),
    [
        ("BUY", "0.59", False),
        ("BUY", "0.60", True),
        ("SELL", "0.41", False),
        ("SELL", "0.40", True),
    ],
)
def test_post_only_never_takes(side: str, price: str, *, crosses: bool) -> None:
    """A post-only order that crosses any order, the user's own included, is rejected."""
    for owner in (A, B):
        desk = Desk()
        desk.place(owner, "BUY", "1", "0.40")
        desk.place(owner, "SELL", "1", "0.60")
        refused = code(desk.place(A, side, "1", price, post_only=True))
        assert refused == ("POST_ONLY_WOULD_CROSS" if crosses else None)
        assert len(desk.queue()) == (2 if crosses else 3)


@pytest.mark.parametrize(("user", "side"), [(A, "SELL"), (B, "BUY")])
def test_reduce_only_is_capped_to_the_free_shares(user: int, side: str) -> None:
    """A reduce-only order never opens: its quantity is capped to the free shares."""
    desk = after_example_1()
    price = "0.90" if side == "SELL" else "0.10"
    desk.place(user, side, "4", price)
    done = placed(desk.place(user, side, "15", price, reduce_only=True))
    assert done.qty == 600
    assert desk.account(user).locked == 0
    assert code(desk.place(user, side, "1", price, reduce_only=True)) == "NOTHING_TO_REDUCE"
    other = "BUY" if side == "SELL" else "SELL"
    assert code(desk.place(user, other, "1", "0.50", reduce_only=True)) == "NOTHING_TO_REDUCE"


def test_reduce_only_market_order() -> None:
    """A reduce-only market order sells the free shares and no more."""
    desk = after_example_1()
    desk.place(C, "BUY", "20", "0.50")
    done = placed(desk.place(A, "SELL", "15", reduce_only=True))
    assert (done.status, done.qty, done.filled) == ("FILLED", 1000, 1000)
    assert desk.shares(A) == ("0", "0")


def test_reduce_only_fok_needs_only_its_cap() -> None:
    """A reduce-only FOK order has to fill its cap, not the requested quantity."""
    desk = after_example_1()
    desk.place(C, "BUY", "10", "0.50")
    done = placed(desk.place(A, "SELL", "15", "0.50", tif="FOK", reduce_only=True))
    assert done.status == "FILLED"


# --- amend ---------------------------------------------------------------------------------


def _two_offers() -> Desk:
    """Return a desk where A and B offer 2 each @ 0.70, in that order."""
    desk = Desk()
    desk.place(A, "SELL", "2", "0.70")
    desk.place(B, "SELL", "2", "0.70")
    return desk


@pytest.mark.parametrize(
    ("price", "qty", "queue"),
    [
        (None, "1.99", [1, 2]),
        ("0.70", "1", [1, 2]),
        (None, None, [1, 2]),
        ("0.70", "2", [1, 2]),
        (None, "2.01", [2, 1]),
        ("0.71", None, [2, 1]),
        ("0.69", None, [1, 2]),
        ("0.71", "1", [2, 1]),
    ],
)
def test_the_place_after_an_amend(price: str | None, qty: str | None, queue: list[int]) -> None:
    """A smaller order keeps its place; a larger one or another price goes to the back."""
    desk = _two_offers()
    placed(desk.amend(A, 1, price, qty))
    assert desk.queue() == queue


def test_a_new_price_joins_behind() -> None:
    """An amended order is the last at its new price."""
    desk = _two_offers()
    desk.place(C, "SELL", "1", "0.80")
    desk.amend(A, 1, "0.80", None)
    assert desk.queue() == [2, 3, 1]
    assert desk.book() == ([], [("0.7000", "2"), ("0.8000", "3")])


def test_an_amend_that_changes_nothing_says_nothing() -> None:
    """An amend to the same price and quantity succeeds without events or changes."""
    desk = _two_offers()
    desk.now = 5
    done = placed(desk.amend(A, 1, "0.70", "2"))
    assert (done.updated_at, desk.events) == (0, [])


def test_an_amend_that_crosses_trades() -> None:
    """An amended order that crosses trades after its amend event."""
    desk = Desk()
    desk.place(A, "SELL", "2", "0.70")
    desk.place(B, "BUY", "1", "0.50")
    desk.amend(A, 1, "0.50", None)
    assert desk.rows == [
        ("ORDER_AMENDED", 1, "0.5000", "2.00"),
        ("MATCH", 1, 2, 1, "0.5000", "1.00", "SELL", "0.000000", "0.000000"),
        ("ORDER_FILLED", 2, "1.00"),
        ("ORDER_PARTIALLY_FILLED", 1, "1.00"),
    ]
    assert desk.book() == ([], [("0.5000", "1")])


def test_amended_into_an_own_order() -> None:
    """An amend into the user's own order ends by SELF_TRADE, as a new order does."""
    desk = Desk()
    desk.place(A, "SELL", "2", "0.70")
    desk.place(A, "BUY", "2", "0.50")
    done = placed(desk.amend(A, 2, "0.70", None))
    assert (done.status, done.reason) == ("CANCELED", "SELF_TRADE")
    assert desk.queue() == [1]
    assert desk.money(A) == ("99.400000", "0.600000")


def test_qty_is_the_total_and_exceeds_what_is_filled() -> None:
    """An amended quantity includes the filled one and must exceed it."""
    desk = Desk()
    desk.place(A, "SELL", "5", "0.70")
    desk.place(B, "BUY", "2", "0.70")
    assert code(desk.amend(A, 1, None, "2")) == "QTY_BELOW_FILLED"
    done = placed(desk.amend(A, 1, None, "2.01"))
    assert (done.qty, done.filled, done.status) == (201, 200, "PARTIALLY_FILLED")
    assert desk.book() == ([], [("0.7000", "0.01")])
    assert desk.money(A) == ("99.397000", "0.003000")


def test_an_amend_may_use_the_money_the_order_holds() -> None:
    """An amend releases the old lock and locks anew in one change."""
    desk = Desk(credit="6")
    desk.place(A, "BUY", "10", "0.50")
    assert code(desk.amend(A, 1, "0.61", None)) == "INSUFFICIENT_FUNDS"
    placed(desk.amend(A, 1, "0.60", None))
    assert desk.money(A) == ("0.000000", "6.000000")


def test_an_amend_takes_free_shares_into_its_close_part() -> None:
    """An amend that requeues uses shares that became free since."""
    desk = after_example_1()
    desk.place(A, "SELL", "10", "0.80")
    desk.place(A, "SELL", "10", "0.70")
    assert desk.money(A) == ("91.000000", "3.000000")
    desk.cancel(A, 3)
    desk.amend(A, 4, "0.71", None)
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.position(A).reserved_yes == 1000


def test_shrinking_releases_the_open_part_first() -> None:
    """A smaller quantity reduces the open part first, then the close part."""
    desk = after_example_1()
    desk.place(A, "SELL", "15", "0.70")
    assert desk.money(A) == ("92.500000", "1.500000")
    desk.amend(A, 3, None, "12")
    assert desk.money(A) == ("93.400000", "0.600000")
    assert desk.position(A).reserved_yes == 1000
    desk.amend(A, 3, None, "8")
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.position(A).reserved_yes == 800
    assert desk.book() == ([], [("0.7000", "8")])


def test_reduce_only_caps_again_at_an_amend() -> None:
    """An amended reduce-only order is capped to the shares that its user could give."""
    desk = after_example_1()
    desk.place(A, "SELL", "4", "0.70", reduce_only=True)
    done = placed(desk.amend(A, 3, None, "12"))
    assert (done.qty, desk.account(A).locked) == (1000, 0)
    assert placed(desk.amend(A, 3, "0.80", "12")).qty == 1000
    desk.now = 7
    same = placed(desk.amend(A, 3, None, "11"))
    assert (same.qty, same.updated_at) == (1000, 0)


@pytest.mark.parametrize(
    ("user", "order", "price", "qty", "expected"),
    [
        (A, 99, None, "1", "ORDER_NOT_FOUND"),
        (A, 0, None, "1", "ORDER_NOT_FOUND"),
        (B, 1, None, "3", "FORBIDDEN"),
        (B, 2, None, "3", "ORDER_NOT_OPEN"),
        (A, 1, "0.555", None, "PRICE_OFF_TICK"),
        (A, 1, None, "1", "QTY_BELOW_FILLED"),
        (A, 1, "0.50", None, "POST_ONLY_WOULD_CROSS"),
        (A, 1, None, "5000", "INSUFFICIENT_FUNDS"),
        # of two that apply the first
        (A, 1, "0.555", "1", "PRICE_OFF_TICK"),
        (A, 1, "0.50", "1", "QTY_BELOW_FILLED"),
        (A, 1, "0.50", "5000", "POST_ONLY_WOULD_CROSS"),
    ],
)
def test_refused_amends(
    user: int, order: int, price: str | None, qty: str | None, expected: str
) -> None:
    """Each refusal of an amend has its code and changes nothing."""
    desk = Desk()
    desk.place(A, "SELL", "2", "0.70", post_only=True)
    desk.place(B, "BUY", "1", "0.70")
    desk.place(B, "BUY", "1", "0.50")
    before = desk.standing()
    refused = desk.amend(user, order, price, qty)
    assert code(refused) == expected
    assert desk.events == []
    assert desk.standing() == before


def test_no_amend_while_halted() -> None:
    """A halted market refuses amends, and orders keep their places."""
    desk = _two_offers()
    desk.status("HALTED")
    assert code(desk.amend(A, 1, None, "1")) == "MARKET_NOT_OPEN"
    assert code(desk.amend(A, 1, "0.555", None)) == "MARKET_NOT_OPEN"
    placed(desk.cancel(A, 1))
    desk.status("OPEN")
    assert desk.queue() == [2]


def test_release_and_relock_without_a_merge_between() -> None:
    """Shares that an amend releases and reserves again do not merge."""
    desk = after_example_1()
    desk.place(A, "SELL", "10", "0.90")
    desk.place(A, "SELL", "10", "0.40")
    desk.place(C, "BUY", "10", "0.40")
    assert desk.shares(A) == ("10", "10")
    desk.amend(A, 3, "0.80", None)
    assert desk.rows == [("ORDER_AMENDED", 3, "0.8000", "10.00")]
    assert desk.shares(A) == ("10", "10")
    desk.amend(A, 3, None, "4")
    assert desk.rows == [("ORDER_AMENDED", 3, "0.8000", "4.00"), ("MERGED", A, 1, "6.00")]


# --- cancel --------------------------------------------------------------------------------


def test_cancel_returns_everything() -> None:
    """A cancel releases cash and shares at once."""
    desk = after_example_1()
    desk.place(A, "SELL", "15", "0.70")
    done = placed(desk.cancel(A, 3))
    assert (done.status, done.reason) == ("CANCELED", "USER")
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.position(A).reserved_yes == 0


def test_who_may_cancel() -> None:
    """The owner or an admin may cancel; the reason tells which."""
    desk = Desk()
    for _ in range(2):
        desk.place(A, "BUY", "1", "0.10")
    assert code(desk.cancel(B, 1)) == "FORBIDDEN"
    assert placed(desk.cancel(B, 1, as_admin=True)).reason == "ADMIN"
    assert placed(desk.cancel(A, 2, as_admin=True)).reason == "USER"
    assert code(desk.cancel(A, 1)) == "ORDER_NOT_OPEN"
    assert code(desk.cancel(A, 3)) == "ORDER_NOT_FOUND"
    assert code(desk.cancel(A, 0)) == "ORDER_NOT_FOUND"


@pytest.mark.parametrize(
    ("market", "side", "expected"),
    [
        (None, None, (2, 1, 5, 4)),
        (1, None, (2, 1)),
        (None, "BUY", (1, 4)),
        (2, "SELL", (5,)),
        (3, None, ()),
    ],
)
def test_cancel_all(market: int | None, side: str | None, expected: tuple[int, ...]) -> None:
    """A cancel-all covers the user's orders of a market or side, by market, SELL before BUY."""
    desk = Desk()
    desk.create()
    desk.place(A, "BUY", "1", "0.10")
    desk.place(A, "SELL", "1", "0.90")
    desk.place(B, "BUY", "1", "0.10")
    desk.place(A, "BUY", "1", "0.10", market=2)
    desk.place(A, "SELL", "1", "0.90", market=2)
    desk.amend(A, 1, "0.11", None)
    assert desk.cancel_all(A, market, side) == Canceled(expected)
    assert desk.rows == [("ORDER_CANCELED", id, "USER") for id in expected]


def test_cancel_all_tells_why() -> None:
    """A gateway's cancel-all after a lost connection has a reason of its own."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.10")
    desk.apply(CancelAll(A, reason=CancelReason.DISCONNECT))
    assert desk.rows == [("ORDER_CANCELED", 1, "DISCONNECT")]


@pytest.mark.parametrize(
    ("gateway", "connection", "user", "expected"),
    [
        ("a", "a-1", None, (3, 1)),
        ("a", "a-1", A, (1,)),
        ("a", "a-1", C, ()),
        ("a", "a-1", 99, ()),
        ("a", "a-2", None, ()),
        ("a", None, None, (2, 3, 1)),
        ("a", None, B, (3,)),
        ("a-1", None, None, ()),
    ],
)
def test_the_end_of_a_connection(
    gateway: str, connection: str | None, user: int | None, expected: tuple[int, ...]
) -> None:
    """The end of a connection cancels the orders tied to it; a gateway's, those of all its own."""
    desk = Desk()
    for owner, tied in ((A, "a-1"), (A, "a-10"), (B, "a-1"), (A, "b-1"), (A, None)):
        desk.place(owner, "BUY", "1", "0.10", connection=tied)
    desk.place(A, "BUY", "1", "0.20", connection="a-1")
    desk.place(B, "SELL", "1", "0.20")
    desk.amend(A, 1, "0.11", None)
    assert desk.disconnect(gateway, connection, user) == Canceled(expected)
    assert desk.rows == [("ORDER_CANCELED", id, "DISCONNECT") for id in expected]
    assert desk.disconnect(gateway, connection, user) == Canceled(())


def test_cancel_all_of_nobody() -> None:
    """A cancel-all without an account cancels nothing."""
    assert Desk().cancel_all(99) == Canceled(())


def test_release_merges_what_it_frees() -> None:
    """Shares that a cancel releases merge with the opposite shares at once."""
    desk = after_example_1()
    desk.place(A, "SELL", "10", "0.90")
    desk.place(A, "SELL", "10", "0.40")
    desk.place(C, "BUY", "10", "0.40")
    desk.cancel(A, 3)
    assert desk.rows == [("ORDER_CANCELED", 3, "USER"), ("MERGED", A, 1, "10.00")]
    assert desk.money(A) == ("98.000000", "0.000000")
    assert desk.realized(A) == "-2.000000"
