"""Decimals to integers and back: exact both ways, refused where the unit cannot hold them."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket import units
from predmarket.units import (
    MAX_QTY,
    MAX_RATE,
    PRICE_ONE,
    TICK_SIZES,
    UnitError,
    format_money,
    format_price,
    format_qty,
    format_rate,
    parse,
    parse_money,
    parse_price,
    parse_qty,
    parse_rate,
    parse_tick,
)

Parser = Callable[[Decimal | str | int], int]


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        (parse_price, "0.55", 5500),
        (parse_price, "0.5500", 5500),
        (parse_price, "0.55000000", 5500),
        (parse_price, "0.0001", 1),
        (parse_price, "0.9999", 9999),
        (parse_price, "5e-1", 5000),
        (parse_price, ".5", 5000),
        (parse_price, Decimal("0.25"), 2500),
        (parse_qty, "10.00", 1000),
        (parse_qty, 10, 1000),
        (parse_qty, "0.01", 1),
        (parse_qty, "1e3", 100_000),
        (parse_qty, 1_000_000, MAX_QTY),
        (parse_qty, "1000000.000", MAX_QTY),
        (parse_money, "5.5", 5_500_000),
        (parse_money, "-0.000001", -1),
        (parse_money, "-0", 0),
        (parse_money, "0e99", 0),
        (parse_money, "0e-99", 0),
        (parse_money, "1000000000000000", 10**21),
        (parse_rate, "0.07", 700),
        (parse_rate, 0, 0),
        (parse_rate, "0.25", MAX_RATE),
        (parse_tick, "0.1", 1000),
        (parse_tick, "0.0001", 1),
    ],
)
def test_what_is_parsed(parser: Parser, text: Decimal | str | int, expected: int) -> None:
    """Strings, integers and decimals are parsed in any spelling of the same number."""
    assert parser(text) == expected


@pytest.mark.parametrize(
    ("parser", "text", "why"),
    [
        (parse_price, "0", "strictly between 0 and 1"),
        (parse_price, "1", "strictly between 0 and 1"),
        (parse_price, "-0.5", "strictly between 0 and 1"),
        (parse_price, "0.55555", "more than 4 decimals"),
        (parse_price, "1e-5", "more than 4 decimals"),
        (parse_qty, "0", "above 0"),
        (parse_qty, "-1", "above 0"),
        (parse_qty, "0.001", "more than 2 decimals"),
        (parse_qty, "1000000.01", "at most 1000000"),
        (parse_money, "0.0000001", "more than 6 decimals"),
        (parse_money, "1.0000001", "more than 6 decimals"),
        (parse_money, "1e25", "too large"),
        (parse_money, "1e999999999", "too large"),
        (parse_money, "1e-999999999", "more than 6 decimals"),
        (parse_rate, "0.2501", "between 0 and 0.25"),
        (parse_rate, "-0.0001", "between 0 and 0.25"),
        (parse_tick, "0.05", "must be one of"),
        (parse_tick, "1", "must be one of"),
        (parse_tick, "0.00001", "more than 4 decimals"),
        (parse_money, "", "not a decimal"),
        (parse_money, "abc", "not a decimal"),
        (parse_money, "1,5", "not a decimal"),
        (parse_money, "0x10", "not a decimal"),
        (parse_money, "1 2", "not a decimal"),
        (parse_money, "NaN", "not a finite"),
        (parse_money, "sNaN", "not a finite"),
        (parse_money, "Infinity", "not a finite"),
        (parse_money, Decimal("-Infinity"), "not a finite"),
    ],
)
def test_what_is_refused(parser: Parser, text: Decimal | str, why: str) -> None:
    """Inexact numbers are refused, not rounded; the message has the reason."""
    with pytest.raises(UnitError, match=why):
        parser(text)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (format_price(5500), "0.5500"),
        (format_price(1), "0.0001"),
        (format_qty(1000), "10.00"),
        (format_qty(1), "0.01"),
        (format_money(5_500_000), "5.500000"),
        (format_money(-1), "-0.000001"),
        (format_money(-1_500_000), "-1.500000"),
        (format_money(0), "0.000000"),
        (format_rate(700), "0.0700"),
    ],
)
def test_what_is_shown(shown: str, expected: str) -> None:
    """A value is shown with all decimals of its unit."""
    assert shown == expected


@given(whole=st.integers(-(10**22), 10**22), decimals=st.integers(0, 6))
def test_what_is_shown_is_parsed_back(whole: int, decimals: int) -> None:
    """Formatting and parsing are inverse for any number of decimals."""
    if decimals:
        shown = units.format(whole, decimals)
        assert parse(shown, decimals) == whole
        assert Decimal(shown) == Decimal(whole).scaleb(-decimals)
    assert parse(whole, decimals) == whole * 10**decimals


@given(st.decimals(-(10**9), 10**9, places=9) | st.decimals(-2, 2, places=4), st.integers(0, 6))
def test_parsing_is_exact_or_refused(number: Decimal, decimals: int) -> None:
    """A number is parsed exactly; one with more decimals is refused."""
    scaled = number.scaleb(decimals)
    for value in (number, str(number)):
        if scaled == scaled.to_integral_value():
            assert parse(value, decimals) == int(scaled)
        else:
            with pytest.raises(UnitError, match="decimals"):
                parse(value, decimals)


@given(st.text(max_size=12))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Any text gives a number or a UnitError."""
    try:
        money = parse_money(text)
    except UnitError:
        return
    assert parse_money(format_money(money)) == money


def test_price_times_quantity_is_money() -> None:
    """Price times quantity is exact in money units, so trading never rounds."""
    assert parse_price("0.55") * parse_qty("10") == parse_money("5.5")
    assert PRICE_ONE * parse_qty(1) == parse_money(1)
    assert sorted(TICK_SIZES) == [parse_tick(t) for t in ("0.0001", "0.001", "0.01", "0.1")]
