"""Error messages about requests are in plain words."""

from typing import Annotated

import msgspec
import pytest

from predmarket.contracts.requests import Invalid, Request, decode, in_words
from predmarket.contracts.text import MEANINGS
from predmarket.enums import Side


class Sample(Request, frozen=True):
    """A request with a field of each type."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] = "a"
    count: Annotated[int, msgspec.Meta(ge=0, le=9)] = 1
    flag: bool | None = None
    side: Side = Side.BUY
    ref: str | int = 1
    many: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=lambda: [1]
    )


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        (b'{"name": ""}', "name", "must have at least 1 character"),
        (b'{"name": "abcd"}', "name", "must have at most 3 characters"),
        (b'{"name": 1}', "name", "must be a string"),
        (b'{"count": -1}', "count", "must be at least 0"),
        (b'{"count": 10}', "count", "must be at most 9"),
        (b'{"count": 1.5}', "count", "must be a whole number"),
        (b'{"flag": 1}', "flag", "must be true or false or null"),
        (b'{"side": "buy"}', "side", "must be BUY or SELL"),
        (b'{"ref": []}', "ref", "must be a whole number or a string"),
        (b'{"many": []}', "many", "must hold at least 1"),
        (b'{"many": [1, 2, 3]}', "many", "must hold at most 2"),
        (b'{"many": ["x"]}', "many.0", "must be a whole number"),
        (b"", "", "is empty or cut short"),
        (b"[]", "", "must be an object"),
    ],
)
def test_messages_are_in_plain_words(body: bytes, path: str, words: str) -> None:
    """A message holds no Python type names and no quoted code."""
    with pytest.raises(Invalid) as raised:
        decode(body, Sample)
    problem = raised.value.problems[0]
    assert (problem.path, problem.message) == (path, words)


@pytest.mark.parametrize(("pattern", "meaning"), MEANINGS.items(), ids=MEANINGS.values())
def test_patterns_are_described_in_words(pattern: str, meaning: str) -> None:
    """A message describes a pattern in words and never shows the regular expression."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert("\x00\u200b", Annotated[str, msgspec.Meta(pattern=pattern)])
    assert in_words(str(caught.value)) == meaning
