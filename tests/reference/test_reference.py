"""The reference itself: worked examples, conservation, and independence of the package."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings

from .audit import audit
from .desk import A, B, C, Desk, after_example_1, after_example_2, after_example_3, position
from .exchange import ReferenceExchange
from .generate import random_commands
from .strategies import Step, concrete, opening, steps
from .units import parse_money, parse_price, parse_qty, show_money


def test_example_1_before_the_trade() -> None:
    """A resting BUY locks price times quantity."""
    desk = Desk()
    assert desk.place(A, "BUY", "10", "0.60") == [("ORDER_ACCEPTED", 1)]
    assert desk.money(A) == ("94.000000", "6.000000")


def test_example_1() -> None:
    """A trade happens at the resting price and creates pairs."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    events = desk.place(B, "SELL", "10", "0.55")
    assert events == [
        ("ORDER_ACCEPTED", 2),
        ("MATCH", 1, 1, 2, "0.6000", "10.00", "SELL", "0.000000", "0.000000"),
        ("ORDER_FILLED", 1, "10.00"),
        ("ORDER_FILLED", 2, "10.00"),
    ]
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.money(B) == ("96.000000", "0.000000")
    assert desk.collateral() == "10.000000"
    assert desk.exchange.positions() == {
        (A, 1): position("10", "0", "6", "0", "0"),
        (B, 1): position("0", "10", "0", "4", "0"),
    }


def test_example_2_before_the_trade() -> None:
    """A SELL of shares held reserves them and locks no cash."""
    desk = after_example_1()
    desk.place(A, "SELL", "4", "0.70")
    assert desk.money(A) == ("94.000000", "0.000000")
    assert desk.exchange.positions()[A, 1][2] == parse_qty("4")


def test_example_2() -> None:
    """Held shares are sold on, so the collateral stays."""
    desk = after_example_2()
    assert desk.money(A) == ("96.800000", "0.000000")
    assert desk.money(C) == ("97.200000", "0.000000")
    assert desk.collateral() == "10.000000"
    assert desk.exchange.positions()[A, 1] == position("6", "0", "3.60", "0", "0.40")
    assert desk.exchange.positions()[C, 1] == position("4", "0", "2.80", "0", "0")


def test_example_3() -> None:
    """Two closing orders against each other destroy pairs."""
    desk = after_example_3()
    assert desk.money(A) == ("99.800000", "0.000000")
    assert desk.money(B) == ("99.000000", "0.000000")
    assert desk.money(C) == ("97.200000", "0.000000")
    assert desk.collateral() == "4.000000"
    assert desk.exchange.positions()[A, 1] == position("0", "0", "0", "0", "-0.20")
    # B paid 0.40 a share and got 0.50 for six of them.
    assert desk.exchange.positions()[B, 1] == position(
        "0", "4", "0", "1.60", "0.60", reserved_no="4"
    )
    assert desk.exchange.book(1) == ([(parse_price("0.50"), parse_qty("4"))], [])


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
    """Each outcome pays its amount and clears all shares."""
    desk = after_example_3()
    events = desk.do("resolve", market=1, outcome=outcome, price=price)
    assert events == [("MARKET_STATUS", 1, status), ("ORDER_CANCELED", 5, "MARKET_RESOLVED")]
    assert [desk.money(user)[0] for user in (A, B, C)] == available
    assert [desk.money(user)[1] for user in (A, B, C)] == ["0.000000"] * 3
    assert desk.collateral() == "0.000000"
    assert all(not any(row[:6]) for row in desk.exchange.positions().values())


def test_example_4_realized_pnl_is_final() -> None:
    """The outcome realizes the remainder; a VOID leaves neither profit nor loss."""
    resolved, voided = after_example_3(), after_example_3()
    resolved.do("resolve", market=1, outcome="YES", price=None)
    voided.do("resolve", market=1, outcome="VOID", price=None)
    realized = {key: show_money(row[6]) for key, row in resolved.exchange.positions().items()}
    assert realized == {(A, 1): "-0.200000", (B, 1): "-1.000000", (C, 1): "1.200000"}
    assert voided.exchange.positions() == {}


def test_example_5_lock() -> None:
    """The fee lock of a BUY above one half uses the maximum of the curve."""
    desk = Desk(taker_fee="0.07")
    desk.place(A, "BUY", "10", "0.60")
    assert desk.money(A) == ("93.825000", "6.175000")


def test_example_5_fee() -> None:
    """The taker pays the fee of the trade's price; the rest of the lock is released."""
    desk = Desk(taker_fee="0.07")
    desk.place(B, "SELL", "10", "0.50")
    events = desk.place(A, "BUY", "10", "0.60")
    assert events[1] == ("MATCH", 1, 2, 1, "0.5000", "10.00", "BUY", "0.175000", "0.000000")
    assert desk.money(A) == ("94.825000", "0.000000")
    assert desk.exchange.fees_collected() == parse_money("0.175")


@pytest.mark.parametrize("seed", range(5))
def test_conservation_over_generated_commands(seed: int) -> None:
    """The books balance after every command, and only a VOID increases a debt."""
    exchange = ReferenceExchange()
    before: dict[int, tuple[int, int]] = {}
    for command in random_commands(seed, exchange, count=1500):
        exchange.apply(command)
        audit(exchange)
        after = exchange.accounts()
        if command.get("outcome") != "VOID":
            for user, (available, _) in after.items():
                was = before.get(user, (0, 0))[0]
                assert available >= min(0, was), "somebody owes more without a VOID"
        before = after


@settings(max_examples=60, deadline=None)
@given(steps())
def test_conservation_over_steps(drawn: list[Step]) -> None:
    """The books balance over steps that hypothesis can shrink."""
    exchange = ReferenceExchange()
    for step in [*opening(), *drawn]:
        exchange.apply(concrete(step, exchange))
        audit(exchange)


def test_shares_no_code_with_the_engine() -> None:
    """No file here imports predmarket, so no mistake can be shared."""
    imported = set()
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    assert not [name for name in imported if name.split(".")[0] == "predmarket"]
