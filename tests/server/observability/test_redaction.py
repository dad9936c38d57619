"""Text that looks like a secret is hidden, in linear time for any text."""

import pytest

from predmarket.server.observability.redaction import cut, scrubber
from tests.support.cost import is_linear

scrub = scrubber([])

JWT = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "piece", ["://a:", "://", "eyJ-", "eyJa.", "eyJa.eyJ-", "token-", "bearer ", "x_token", "a@:"]
)
def test_text_from_a_client_costs_linear_time(piece: str) -> None:
    """Redaction takes linear time for any repetition of a secret's beginning."""
    assert is_linear(lambda size: scrub("GET /" + piece * size), 4_000)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("at http://h:80/x?token=abc1&y=2", "at http://h:80/x?token=***&y=2"),
        ("at http://h:80/x bearer abc;2", "at http://h:80/x bearer ***"),
        ("eyJabc-token=abc1", "eyJabc-token=***"),
        (f"eyJabc {JWT}", "eyJabc ***"),
        ("x://a:b://u:pw@h", "x://a:***@h"),
        ("eyJabc.def", "eyJabc.def"),
    ],
)
def test_a_beginning_of_a_secret_hides_no_other(line: str, shown: str) -> None:
    """Text that only begins like a secret stays, and a secret behind it is hidden."""
    assert scrub(line) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    """A long text is cut with a note of its length; a short one stays unchanged."""
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… (4 characters)"
