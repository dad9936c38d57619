"""Characters that control a terminal or are invisible, and texts made safe to show."""

import json
import re
import unicodedata
from collections.abc import Callable
from functools import partial

import pytest

from predmarket import characters
from predmarket.characters import clean, clean_cell, clean_lines, escaped_json
from tests.support.cost import is_linear

REFUSED = {"Cc", "Cf", "Co", "Zl", "Zp"}


def test_the_classes_are_unicodes() -> None:
    """The classes have exactly the characters of Unicode's categories known to this Python."""
    unfit = re.compile(f"[{characters.UNFIT}{characters.JOINERS}]")
    for code in (*range(0xD800), *range(0xE000, 0x110000)):
        category = unicodedata.category(chr(code))
        if category != "Cn":  # not assigned in this Python's Unicode
            assert (hex(code), unfit.fullmatch(chr(code)) is not None) == (
                hex(code),
                category in REFUSED,
            )


@pytest.mark.parametrize(
    "text",
    ["می‌خواهم", "क्‍ष", "👨‍👩‍👧", "❤️‍🔥", "🏴‍☠️", "café", "日本", "a  b", "naïve [/x]"],
)
def test_what_people_write_stays(text: str) -> None:
    """Joiners between letters and in emoji, variation selectors and marks are kept."""
    assert clean(text) == text
    assert escaped_json(json.dumps(text, ensure_ascii=False)) == json.dumps(
        text, ensure_ascii=False
    )


@pytest.mark.parametrize(
    "unfit",
    [
        *("\x1b", "\x9b", "\x7f", "\xad", "\u061c", "\u200b", "\u2028", "\u2029", "\u202e"),
        *("\u2066", "\ufeff", "\ue000", "\udc80", "\U000e0001", "\U000e0041", "\U000f0000"),
    ],
)
def test_what_acts_on_a_terminal_is_seen(unfit: str) -> None:
    """A control character is replaced by a mark in text, and escaped in JSON."""
    assert clean(f"a{unfit}b") == "a\ufffdb"
    assert clean_lines(f"a\n{unfit}b") == "a\n\ufffdb"
    text = json.dumps(f"a{unfit}b", ensure_ascii=False)
    assert unfit not in escaped_json(text)
    assert json.loads(escaped_json(text)) == f"a{unfit}b"


@pytest.mark.parametrize("text", ["a\u200d", "\u200da", "1\u200d2", "a \u200cb", "a\u200d\u200db"])
def test_a_joiner_that_joins_nothing_is_seen(text: str) -> None:
    """A joiner at an end, at a digit, at a blank or behind another is marked."""
    assert "\ufffd" in clean(text)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-5.000000", "-5.000000"),
        ("+1", "+1"),
        ("a=1", "a=1"),
        ("a\nb\tc\x1b", "a\nb\tc\ufffd"),
        ("", ""),
    ],
)
def test_a_cell_is_no_formula(text: str, cell: str) -> None:
    """A spreadsheet reads no cell as a formula; amounts and lines stay unchanged."""
    assert clean_cell(text) == cell


def test_the_cost_is_linear() -> None:
    """Cleaning any text takes linear time."""
    for part in ("\u200d", " ", "\n", " \n", "a\u200d", "\u202e", "é", "=", "1"):
        for make in (clean, clean_lines, clean_cell, escaped_json):
            assert is_linear(partial(_made, make, part), 2_000)


def _made(make: Callable[[str], str], part: str, size: int) -> str:
    return make(part * size)
