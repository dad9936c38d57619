"""The guesses for a mistyped name."""

import pytest

from predmarket.nearest import did_you_mean, guess, nearest, slips


def test_the_nearest_names_are_guessed_whatever_their_case() -> None:
    """The nearest names come first, in any case; dissimilar ones are left out."""
    assert nearest("MARKT", ["market", "order", "marker"]) == ["market", "marker"]
    assert guess("markt", ["market", "order"]) == "; did you mean market?"
    assert guess("zzz", ["market", "order"]) == ""
    assert did_you_mean(["a", "b"]) == "; did you mean a or b?"


@pytest.mark.parametrize("name", ["hst", "hoost", "hist", "ohst", "HO_ST"])
def test_one_slip_is_recognised(name: str) -> None:
    """One missing, extra, wrong or swapped letter is a slip; spacing does not count."""
    assert slips(name, ["host", "port"]) == ["host"]


def test_other_digits_and_two_slips_are_another_name() -> None:
    """bot1 is no slip of bot2, and prt2 none of port."""
    assert slips("bot1", ["bot2"]) == []
    assert slips("oprx", ["port"]) == []
