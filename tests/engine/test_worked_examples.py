"""The five examples of docs/market_rules.md, to the millionth of a dollar."""

import pytest

from predmarket.engine.replies import Fill, OrderDone
from predmarket.enums import Liquidity
from predmarket.units import format_money, parse_money, parse_price, parse_qty
from tests.engine.desk import A, B, C, Desk, after_example_1, after_example_2, after_example_3


def _sum(desk: Desk) -> str:
    cash = sum(desk.account(user).available + desk.account(user).locked for user in (A, B, C))
    return format_money(cash + desk.market.collateral + desk.exchange.state.ledger.fees)


def test_example_1_before_the_trade() -> None:
    """A resting BUY 10 @ 0.60 locks 6.00."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    assert desk.money(A) == ("94.000000", "6.000000")


def test_example_1() -> None:
    """A SELL at 0.55 trades at the resting 0.60, and each side pays its own price."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    desk.place(B, "SELL", "10", "0.55")
    assert desk.trades == [(1, 2, "0.6000", "10")]
    assert (desk.money(A), desk.money(B)) == (("94.000000", "0.000000"), ("96.000000", "0.000000"))
    assert (desk.shares(A), desk.shares(B)) == (("10", "0"), ("0", "10"))
    assert desk.position(A).cost_yes == parse_money("6")
    assert desk.position(B).cost_no == parse_money("4")
    assert desk.market.collateral == parse_money("10")
    assert _sum(desk) == "300.000000"


def test_example_2_before_the_trade() -> None:
    """A SELL of held shares locks no cash."""
    desk = after_example_1()
    desk.place(A, "SELL", "4", "0.70")
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.position(A).reserved_yes == parse_qty("4")


def test_example_2() -> None:
    """Shares change their owner without a new pair."""
    desk = after_example_2()
    assert (desk.money(A), desk.money(C)) == (("96.800000", "0.000000"), ("97.200000", "0.000000"))
    assert (desk.shares(A), desk.shares(C)) == (("6", "0"), ("4", "0"))
    assert desk.realized(A) == "0.400000"
    assert desk.market.collateral == parse_money("10")
    assert _sum(desk) == "300.000000"


def test_example_3_before_the_trade() -> None:
    """B's BUY rests on NO shares and locks no cash."""
    desk = after_example_2()
    desk.place(B, "BUY", "10", "0.50")
    assert desk.money(B) == ("96.000000", "0.000000")


def test_example_3() -> None:
    """Two closing orders destroy pairs."""
    desk = after_example_3()
    assert desk.money(A) == ("99.800000", "0.000000")
    assert (desk.shares(A), desk.realized(A)) == (("0", "0"), "-0.200000")
    assert desk.money(B) == ("99.000000", "0.000000")
    assert desk.shares(B) == ("0", "4")
    assert desk.book() == ([("0.5000", "4")], [])
    assert desk.market.collateral == parse_money("4")
    assert _sum(desk) == "300.000000"


@pytest.mark.parametrize(
    ("outcome", "price", "status", "available"),
    [
        ("YES", None, "RESOLVED", ["99.800000", "99.000000", "101.200000"]),
        ("NO", None, "RESOLVED", ["99.800000", "103.000000", "97.200000"]),
        ("SCALAR", "0.25", "RESOLVED", ["99.800000", "102.000000", "98.200000"]),
        ("VOID", None, "VOIDED", ["100.000000", "100.000000", "100.000000"]),
    ],
)
def test_example_4(outcome: str, price: str | None, status: str, available: list[str]) -> None:
    """Each outcome pays its amount, ends every order and clears all shares."""
    desk = after_example_3()
    desk.resolve(outcome, price)
    assert [desk.money(user) for user in (A, B, C)] == [(cash, "0.000000") for cash in available]
    assert desk.market.status == status
    assert desk.market.collateral == 0
    assert desk.queue() == []
    assert [desk.shares(user) for user in (A, B, C)] == [("0", "0")] * 3
    assert _sum(desk) == "300.000000"


def test_example_4_realized_is_final() -> None:
    """A resolution realizes the remainder; a VOID leaves neither profit nor loss."""
    resolved, voided = after_example_3(), after_example_3()
    resolved.resolve("YES")
    voided.resolve("VOID")
    assert [resolved.realized(u) for u in (A, B, C)] == ["-0.200000", "-1.000000", "1.200000"]
    assert [voided.realized(user) for user in (A, B, C)] == ["0.000000"] * 3


def test_example_5_lock() -> None:
    """A BUY above one half locks its fee at the top of the curve."""
    desk = Desk(taker_fee="0.07")
    desk.place(A, "BUY", "10", "0.60")
    assert desk.money(A) == ("93.825000", "6.175000")


def test_example_5_fee() -> None:
    """A taken BUY 10 @ 0.50 costs a fee of 0.175; the rest of the lock is released."""
    desk = Desk(taker_fee="0.07")
    desk.place(B, "SELL", "10", "0.50")
    reply = desk.place(A, "BUY", "10", "0.60")
    assert isinstance(reply, OrderDone)
    assert reply.fills == (
        Fill(1, parse_price("0.50"), parse_qty("10"), parse_money("0.175"), Liquidity.TAKER),
    )
    assert desk.money(A) == ("94.825000", "0.000000")
    assert desk.exchange.state.ledger.fees == parse_money("0.175")
    assert desk.realized(A) == "-0.175000"
