"""The worked examples 6 to 11 of docs/market_rules.md, to the millionth of a dollar."""

import pytest

from predmarket.engine.replies import Resolved
from predmarket.units import parse_qty
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


def test_example_6_before_the_trade() -> None:
    """A SELL of shares not held locks the price of NO."""
    desk = EventDesk()
    desk.order(X, "SELL", "10", "A", "0.40")
    assert (desk.cash(X), desk.locked(X)) == (["94.00"], "6.00")


def test_example_6() -> None:
    """NO of A is a share of every other outcome."""
    desk = after_example_6()
    assert desk.cash(X, Y) == ["94.00", "96.00"]
    assert (desk.net(X, "A"), desk.net(Y, "A")) == ("NO 10", "YES 10")
    assert desk.holds(X) == {"B": "10", "C": "10", "NONE": "10"}
    assert desk.holds(Y) == {"A": "10"}
    assert desk.collateral == "10.00"
    assert (desk.of("A").open_interest, desk.event.open_interest) == (1_000, 1_000)


def test_example_7_before_the_trade() -> None:
    """The first NO covers the second one, which locks nothing."""
    desk = after_example_6()
    desk.order(X, "SELL", "10", "B", "0.30")
    assert (desk.cash(X), desk.locked(X)) == (["94.00"], "0.00")
    assert desk.position(X, desk.id("B")).reserved_yes == parse_qty("10")


def test_example_7() -> None:
    """Two NOs of an exclusive event cost 0.30 a pair, as in Kalshi's published example."""
    desk = after_example_7()
    assert desk.cash(X, Z) == ["97.00", "97.00"]
    assert desk.holds(X) == {"C": "10", "NONE": "10"}
    assert (desk.net(X, "A"), desk.net(X, "B")) == ("NO 10", "NO 10")
    assert desk.returned(X) == "10.000000"
    assert desk.net(Z, "B") == "YES 10"
    assert desk.collateral == "10.00"
    assert [desk.of(letter).open_interest for letter in "ABC"] == [1_000, 1_000, 0]


def test_example_8() -> None:
    """Buying A back is all open part, since the NO of A is merged away."""
    desk = after_example_7()
    desk.order(X, "BUY", "10", "A", "0.45")
    assert desk.locked(X) == "4.50"
    desk = after_example_8()
    assert desk.cash(X, Y) == ["92.50", "100.50"]
    assert desk.holds(X) == {"A": "10", "C": "10", "NONE": "10"}
    assert (desk.net(X, "A"), desk.net(X, "B")) == ("", "NO 10")
    assert (desk.gain(X, "A"), desk.returned(X)) == ("-0.50", "0.000000")
    assert desk.holds(Y) == {}
    assert desk.collateral == "10.00"


@pytest.mark.parametrize(
    ("outcome", "x", "y", "z"),
    [
        ("A", "102.50", "100.50", "97.00"),
        ("B", "92.50", "100.50", "107.00"),
        ("NONE", "102.50", "100.50", "97.00"),
        ("A 0.5 B 0.5", "97.50", "100.50", "102.00"),
        ("VOID", "100.00", "100.00", "100.00"),
    ],
)
def test_example_9(outcome: str, x: str, y: str, z: str) -> None:
    """One outcome ends all markets; every payment comes from the one collateral."""
    desk = after_example_8()
    desk.decide(outcome)
    assert desk.cash(X, Y, Z) == [x, y, z]
    assert desk.collateral == "0.00"
    final = "VOIDED" if outcome == "VOID" else "RESOLVED"
    assert desk.statuses() == [final] * 3


def test_example_9_what_each_market_becomes() -> None:
    """Markets end as YES, NO, or SCALAR at their weight."""
    ends = {
        "A": [("YES", 10_000), ("NO", 0), ("NO", 0)],
        "NONE": [("NO", 0)] * 3,
        "A 0.5 B 0.3 NONE 0.2": [("SCALAR", 5_000), ("SCALAR", 3_000), ("SCALAR", 0)],
        "VOID": [("VOID", None)] * 3,
    }
    for outcome, expected in ends.items():
        desk = after_example_8()
        desk.decide(outcome)
        markets = [desk.of(letter) for letter in "ABC"]
        assert [(m.outcome, m.settlement_price) for m in markets] == expected


def test_example_10() -> None:
    """A complete set of an exhaustive event is paid back at once, and no shares remain."""
    desk = EventDesk(exhaustive=True)
    desk.trade(X, Y, "10", "A", "0.40")
    desk.trade(X, Y, "10", "B", "0.30")
    assert desk.cash(X, Y) == ["93.00", "97.00"]
    assert desk.holds(Y) == {"C": "10"}
    desk.trade(X, Y, "10", "C", "0.25")
    assert desk.cash(X, Y) == ["100.50", "99.50"]
    assert (desk.returned(X), desk.returned(Y)) == ("10.000000", "20.000000")
    assert [desk.net(X, letter) for letter in "ABC"] == ["YES 10"] * 3
    assert [desk.net(Y, letter) for letter in "ABC"] == ["NO 10"] * 3
    assert desk.holds(X) == desk.holds(Y) == {}
    assert desk.collateral == "0.00"


def test_example_11() -> None:
    """A strike merges the remaining sets; NO of a market added later holds the rest."""
    desk = after_example_6()
    reply = desk.strike("A")
    assert isinstance(reply, Resolved)
    assert (reply.accounts, reply.total) == (1, 10_000_000)
    assert desk.cash(X, Y) == ["104.00", "96.00"]
    assert (desk.gain(X, "A"), desk.gain(Y, "A")) == ("4.00", "-4.00")
    assert desk.holds(X) == desk.holds(Y) == {}
    assert desk.collateral == "0.00"
    desk.add("race-d")
    desk.order(W, "SELL", "5", "D", "0.20")
    desk.order(Z, "BUY", "5", "D", "0.20")
    assert desk.cash(W) == ["96.00"]
    assert desk.holds(W) == {"B": "5", "C": "5", "NONE": "5"}
    assert desk.net(W, "D") == "NO 5"
