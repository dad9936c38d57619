"""The worked examples of events, 6 to 11, and what other venues publish, to the unit.

Markets A, B, C of the rules are 1, 2, 3 here, their users X, Y, Z (and W) are A, B, C.
"""

from __future__ import annotations

import pytest

from .desk import A as X
from .desk import B as Y
from .desk import C as Z
from .desk import EventDesk
from .units import show_qty

A, B, C, NONE = 1, 2, 3, 0
W = 4


def held(*outcomes: int, qty: str = "10.00", struck: tuple[int, ...] = ()) -> dict[int, str]:
    """Return a holding with these shares of three markets and NONE."""
    left = [outcome for outcome in (A, B, C, NONE) if outcome not in struck]
    return {outcome: qty if outcome in outcomes else "0.00" for outcome in left}


def after_example_6() -> EventDesk:
    """Return a desk where X is short 10 A, Y long."""
    desk = EventDesk()
    desk.place(X, "SELL", "10", "0.40", market=A)
    desk.place(Y, "BUY", "10", "0.40", market=A)
    return desk


def after_example_7() -> EventDesk:
    """Return a desk where X is short 10 B, too, and Z long."""
    desk = after_example_6()
    desk.place(X, "SELL", "10", "0.30", market=B)
    desk.place(Z, "BUY", "10", "0.30", market=B)
    return desk


def after_example_8() -> EventDesk:
    """Return a desk where X has bought A back from Y."""
    desk = after_example_7()
    desk.place(X, "BUY", "10", "0.45", market=A)
    desk.place(Y, "SELL", "10", "0.45", market=A)
    return desk


def test_example_6() -> None:
    """NO of one market is a share of everything else."""
    desk = EventDesk()
    desk.place(X, "SELL", "10", "0.40", market=A)
    assert desk.money(X) == ("94.000000", "6.000000")
    desk = after_example_6()
    assert (desk.money(X), desk.net(X, A)) == (("94.000000", "0.000000"), "-10.00")
    assert (desk.money(Y), desk.net(Y, A)) == (("96.000000", "0.000000"), "10.00")
    assert desk.held(X) == held(B, C, NONE)
    assert desk.event_collateral() == "10.000000"


def test_example_7() -> None:
    """The second NO locks nothing, and Kalshi's example costs 0.30 a pair."""
    desk = after_example_6()
    desk.place(X, "SELL", "10", "0.30", market=B)
    assert desk.money(X) == ("94.000000", "0.000000")
    desk = after_example_7()
    assert desk.money(X) == ("97.000000", "0.000000")
    assert desk.held(X) == held(C, NONE)
    assert (desk.net(X, A), desk.net(X, B), desk.returned(X)) == ("-10.00", "-10.00", "10.00")
    assert (desk.money(Z), desk.net(Z, B)) == (("97.000000", "0.000000"), "10.00")
    assert desk.event_collateral() == "10.000000"


def test_example_8() -> None:
    """Buying one of two NO back is an opening, because its shares have merged."""
    desk = after_example_7()
    desk.place(X, "BUY", "10", "0.45", market=A)
    assert desk.money(X) == ("92.500000", "4.500000")
    desk = after_example_8()
    assert desk.money(X) == ("92.500000", "0.000000")
    assert desk.held(X) == held(A, C, NONE)
    assert (desk.net(X, A), desk.net(X, B)) == ("0.00", "-10.00")
    assert (desk.realized(X, A), desk.returned(X)) == ("-0.500000", "0.00")
    assert (desk.money(Y), desk.held(Y)) == (("100.500000", "0.000000"), held())
    assert desk.event_collateral() == "10.000000"


@pytest.mark.parametrize(
    ("outcome", "weights", "totals"),
    [
        (A, None, ["102.500000", "100.500000", "97.000000"]),
        (B, None, ["92.500000", "100.500000", "107.000000"]),
        ("NONE", None, ["102.500000", "100.500000", "97.000000"]),
        ("WEIGHTS", [(A, "0.5"), (B, "0.5")], ["97.500000", "100.500000", "102.000000"]),
        ("VOID", None, ["100.000000", "100.000000", "100.000000"]),
    ],
)
def test_example_9(outcome: int | str, weights: object, totals: list[str]) -> None:
    """Each way to end the event pays its amounts and clears all shares."""
    desk = after_example_8()
    status = "VOIDED" if outcome == "VOID" else "RESOLVED"
    told = [("MARKET_STATUS", market, status) for market in (A, B, C)]
    assert desk.resolve_event(outcome, weights) == told
    assert desk.totals() == totals
    assert desk.exchange.holdings() == {}
    assert desk.event_collateral() == "0.000000"


def test_example_10() -> None:
    """A whole set of an exhaustive event pays 1.00 at once, in either direction."""
    desk = EventDesk(exhaustive=True)
    desk.trade(X, Y, A, "10", "0.40")
    desk.trade(X, Y, B, "10", "0.30")
    assert (desk.money(X)[0], desk.money(Y)[0]) == ("93.000000", "97.000000")
    assert desk.held(Y) == {A: "0.00", B: "0.00", C: "10.00"}
    desk.trade(X, Y, C, "10", "0.25")
    assert (desk.money(X)[0], desk.money(Y)[0]) == ("100.500000", "99.500000")
    assert (desk.returned(X), desk.returned(Y)) == ("10.00", "20.00")
    assert [desk.net(X, market) for market in (A, B, C)] == ["10.00"] * 3
    assert [desk.net(Y, market) for market in (A, B, C)] == ["-10.00"] * 3
    assert desk.exchange.holdings() == {}
    assert desk.event_collateral() == "0.000000"


def test_example_11() -> None:
    """A strike completes sets; holders of NONE hold a market that is added later."""
    desk = after_example_6()
    assert desk.strike(A) == [("MARKET_STATUS", A, "RESOLVED"), ("MERGED", X, A, "10.00")]
    assert (desk.money(X)[0], desk.money(Y)[0]) == ("104.000000", "96.000000")
    assert (desk.net(X, A), desk.realized(X, A)) == ("0.00", "4.000000")
    assert (desk.net(Y, A), desk.realized(Y, A)) == ("0.00", "-4.000000")
    assert desk.exchange.holdings() == {}
    assert desk.event_collateral() == "0.000000"
    desk.do("open_account", user=W, credit="100")
    assert desk.do("add_market", event=1) == [("MARKET_STATUS", 4, "OPEN")]
    desk.trade(Z, W, 4, "5", "0.20")
    assert desk.money(W)[0] == "96.000000"
    assert desk.held(W) == {**held(B, C, NONE, qty="5.00", struck=(A,)), 4: "0.00"}
    assert desk.net(W, 4) == "-5.00"


@pytest.mark.parametrize("exhaustive", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_no_of_several_is_dollars_and_yes_of_the_others(count: int, *, exhaustive: bool) -> None:
    """NO of m markets equals m − 1 dollars and one YES of each other outcome."""
    desk = EventDesk(5, exhaustive=exhaustive, credit="1000")
    paid = 0
    for market, cents in zip(range(1, count + 1), (13, 29, 7, 31, 11), strict=False):
        desk.trade(Y, X, market, "10", f"0.{cents:02}")
        paid += 10 * (100 - cents)
    cents_left, _ = divmod(sum(desk.exchange.accounts()[X]), 10_000)
    assert cents_left == 100_000 - paid + (count - 1) * 1_000
    others = list(range(count + 1, 6))
    others += [] if exhaustive else [NONE]
    have = {outcome for outcome, qty in desk.held(X).items() if qty == "10.00"}
    assert have == set(others)
    assert set(desk.held(X).values()) <= {"0.00", "10.00"}
    assert desk.returned(X) == show_qty((count - 1) * 1_000)
