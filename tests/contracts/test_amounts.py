"""Amounts and times in requests are read exactly, or refused."""

import pytest

from predmarket.contracts.amounts import (
    Amount,
    Price,
    Qty,
    Rate,
    Share,
    Tick,
    Time,
    TransferAmount,
    format_time,
)
from predmarket.units import MAX_TIME


@pytest.mark.parametrize(
    ("kind", "value", "units"),
    [
        (Price, "0.55", 5_500),
        (Price, "0.0001", 1),
        (Price, "00.5000000", 5_000),
        (Price, "5e-1", 5_000),
        (Qty, 10, 1_000),
        (Qty, "1e6", 100_000_000),
        (Rate, "0.25", 2_500),
        (Rate, 0, 0),
        (Tick, "0.001", 10),
        (Share, 0, 0),
        (Share, "1.0", 10_000),
        (TransferAmount, "-5.000001", -5_000_001),
    ],
)
def test_amounts_are_read_exactly(kind: type[Amount], value: object, units: int) -> None:
    """Amounts are read exactly from strings and whole numbers."""
    assert kind.read(value) == kind(units)


@pytest.mark.parametrize("value", [True, None, 0.5, [], "+0.5", ".5", "5.", "1 ", "½", "1e", "--1"])
@pytest.mark.parametrize("kind", [Price, Qty, Rate, Tick, Share, TransferAmount])
def test_amounts_that_are_refused(kind: type[Amount], value: object) -> None:
    """Only decimals are amounts; a float is always refused."""
    with pytest.raises(ValueError, match=r"must|is not"):
        kind.read(value)


def test_true_is_not_read_as_one() -> None:
    """The cache of parsed numbers does not accept True for 1."""
    assert Qty.read(1) == Qty(100)
    with pytest.raises(ValueError, match="must be a decimal string or a number"):
        Qty.read(True)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-31T12:00:00.000001+02:00", 1_769_853_600_000_001),
        ("9999-12-31T23:59:59.999999Z", MAX_TIME),
    ],
)
def test_times(text: str, micros: int) -> None:
    """Times are read with any offset and written in UTC with microseconds."""
    assert Time.read(text) == Time(micros)
    assert Time.read(format_time(micros)) == Time(micros)


def test_the_form_of_written_times() -> None:
    """A written time always has six digits of a second and a Z."""
    assert format_time(1_769_853_600_000_001) == "2026-01-31T10:00:00.000001Z"


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T12:00:00",
        "1969-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-02-30T00:00:00Z",
        "2026-01-31",
        "",
        0,
        None,
    ],
)
def test_times_that_are_refused(value: object) -> None:
    """A time is refused if it is naive, impossible, or outside the years that can be written."""
    with pytest.raises(ValueError, match=r"needs|must|is not"):
        Time.read(value)
