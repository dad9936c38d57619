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
    """Whatever it repeats of what secrets begin with."""
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
def test_what_only_begins_like_a_secret_hides_none_from_view(line: str, shown: str) -> None:
    """It stays, and the secret behind it goes."""
    assert scrub(line) == shown


def test_a_long_text_is_cut_and_says_so() -> None:
    """A short one is as it was."""
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… (4 characters)"
