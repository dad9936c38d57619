"""Which characters texts may hold: what others are shown must be seen."""

import re
import unicodedata

import pytest

from predmarket.contracts.text import EMAIL, PROSE, SAYING, SHOWN, normal_email
from tests.support.cost import is_linear

CATEGORIES = {"Cc", "Cf", "Co", "Zl", "Zp"}


def takes(pattern: str, text: str) -> bool:
    """Tell whether a text matches."""
    return re.match(pattern, text) is not None


def test_no_character_that_cannot_be_seen_gets_in() -> None:
    """By Unicode's categories; a line feed in prose alone."""
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        letter = chr(code)
        if unicodedata.category(letter) in CATEGORIES:
            assert not takes(SHOWN, f"a{letter}"), hex(code)
            assert not takes(SAYING, f"a{letter}"), hex(code)
            assert takes(PROSE, f"a{letter}") is (letter == "\n"), hex(code)
            assert not takes(EMAIL, f"a{letter}b@example.com"), hex(code)


@pytest.mark.parametrize("text", ["می‌خواهم", "क्‍ष", "👨‍👩‍👧", "❤️‍🔥", "a‍b", "café"])
def test_joiners_between_what_they_join(text: str) -> None:
    """And variation selectors: in every text but an e-mail."""
    for pattern in (SHOWN, SAYING, PROSE):
        assert takes(pattern, text)
    is_plain = text == "café"
    assert takes(EMAIL, f"{text}@example.com") is is_plain


@pytest.mark.parametrize("text", ["a‍", "‌a", "1‍2", "a ‍b", "bob\u200b"])
def test_joiners_that_join_nothing(text: str) -> None:
    """They would only make a name differ from the one that it looks like."""
    for pattern in (SHOWN, SAYING, PROSE):
        assert not takes(pattern, text)


@pytest.mark.parametrize("text", ["", " ", "　", "ㅤ", "⠀", "ᅟ", "️", "͏ ㅤ", "ﾠ"])
def test_what_shows_nothing_is_blank(text: str) -> None:
    """Whatever Unicode calls it; and no e-mail holds it."""
    assert not takes(SAYING, text)
    assert takes(SAYING, f"{text}a")
    assert not text.strip() or not takes(EMAIL, f"bob{text}@example.com")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jos\xe9@example.com", "jose\u0301@example.com"),
        ("JOS\xc9@example.com", "jose\u0301@EXAMPLE.com"),
        ("stra\xdfe@example.com", "STRASSE@example.com"),
        ("\u03c3\u03c2@example.com", "\u03a3\u03a3@example.com"),
        (" ann@example.com\u3000", "Ann@Example.com"),
    ],
)
def test_spellings_of_one_email(one: str, other: str) -> None:
    """Composed or not, whatever the case; and the normal form is its own."""
    assert takes(EMAIL, one)
    assert takes(EMAIL, other)
    assert normal_email(one) == normal_email(other) == normal_email(normal_email(one))


def test_the_cost_of_looking_is_linear() -> None:
    """Also of texts that fail at their end."""
    for pattern in (SHOWN, SAYING, PROSE, EMAIL):
        for part in ("a", " ", "\u200d", "a\u200d", "\u3164", "a.", "@a", "\n"):
            compiled = re.compile(pattern)
            assert is_linear(lambda n, c=compiled, p=part: c.match(p * n + "\x00"), 2_000)  # type: ignore[misc]
