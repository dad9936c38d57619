"""Parsing of prices, quantities and money on the command line."""

import pytest

from predmarket.cli.failure import Failure
from predmarket.cli.numbers import MONEY, PRICE, QTY, RATE, SETTLEMENT, NumberKind, number, optional
from tests.support.command_line import Run
from tests.support.stub_exchange import Stub


@pytest.mark.parametrize(
    ("text", "kind", "sent"),
    [
        ("0.55", PRICE, "0.55"),
        (".55", PRICE, "0.55"),
        ("0.5500", PRICE, "0.5500"),
        ("1", SETTLEMENT, "1"),
        ("10", QTY, "10"),
        (".5", QTY, "0.5"),
        ("-.5", MONEY, "-0.5"),
        ("-25.50", MONEY, "-25.50"),
    ],
)
def test_a_plain_decimal(text: str, kind: NumberKind, sent: str) -> None:
    """A plain decimal is sent as typed, with a 0 before a leading point."""
    assert number(text, kind, "X") == sent
    assert optional(text, kind, "X") == sent


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        ("55c", PRICE, "0.55"),
        ("55 cents", PRICE, "0.55"),
        ("55%", PRICE, "0.55"),
        ("55.5%", PRICE, "0.555"),
        ("0,55", PRICE, "0.55"),
        (",55", PRICE, "0.55"),
        ("55", PRICE, "0.55"),
        ("$0.55", PRICE, "0.55"),
        ("5e-1", PRICE, "0.5"),
        ("2%", RATE, "0.02"),
        ("2", RATE, "0.02"),
        ("1e3", QTY, "1000"),
        ("1,000", QTY, "1000"),
        ("1_000", QTY, "1000"),
        ("1,5", QTY, "1.5"),
        ("$100", MONEY, "100"),
        ("-1e2", MONEY, "-100"),
    ],
)
def test_another_spelling_is_refused_with_what_was_meant(
    text: str, kind: NumberKind, meant: str
) -> None:
    """Another spelling is refused with a suggestion: a guess could be off by a factor of 100."""
    with pytest.raises(Failure) as caught:
        number(text, kind, "--price")
    assert caught.value.exit_code == 2
    assert caught.value.message.startswith(f"--price {text} is no {kind.noun}")
    assert caught.value.message.endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", PRICE),
        ("0", PRICE),
        ("1.0", PRICE),
        ("-0.5", PRICE),
        ("0.12345", PRICE),
        ("NaN", PRICE),
        ("٠.٥", PRICE),
        ("9" * 5000, PRICE),
        ("0", QTY),
        ("-1", QTY),
        ("0.001", QTY),
        ("1e999999999", QTY),
        ("1000000.01", QTY),
        ("0.3", RATE),
        ("0.0000001", MONEY),
    ],
)
def test_what_is_none_is_refused_without_a_guess(text: str, kind: NumberKind) -> None:
    """A text that resembles no number is refused without a suggestion."""
    with pytest.raises(Failure) as caught:
        number(text, kind, "X")
    assert "did you mean" not in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "words",
    [
        "order place rain buy 10 --price 55c",
        "order place rain buy 1e3 --price 0.5",
        "order place rain buy 10 --market --slippage 5c",
        "order amend 17 --price 58",
        "order amend 17 --qty 1,5",
        "transfer create ann@example.com 1e3 --reason r -y",
        "market create rain Rain? --tick 1c",
        "market create rain Rain? --maker-fee 2%",
        "market create rain Rain? --taker-fee 2",
        "market resolve rain 55% -y",
    ],
)
def test_commands_read_numbers_so(run: Run, stub: Stub, words: str) -> None:
    """Commands check numbers before any question or request."""
    ran = run(*words.split())
    assert (ran.code, ran.out, stub.requests) == (2, "", [])
    assert "did you mean" in ran.err
