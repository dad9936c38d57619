"""What tests change in hypothesis, which has no public way to it.

Hypothesis puts the characters of our texts together, a million, and in order for every case anew:
that was most of a schemathesis campaign.
"""

from functools import cache
from typing import Any, cast

from hypothesis.internal.intervalsets import IntervalSet
from hypothesis.strategies import SearchStrategy
from hypothesis.strategies._internal import regex as regexes
from hypothesis.strategies._internal.lazy import unwrap_strategies

_strategy_made: Any = regexes._strategy
_alphabet_of: Any = unwrap_strategies
_of_characters: dict[tuple[object, ...], SearchStrategy[Any]] = {}


def keep_strategies_of_patterns() -> None:
    """Have hypothesis make the strategy of each set of characters once in this process."""
    IntervalSet.from_string = cache(IntervalSet.from_string)  # type: ignore[method-assign]
    regexes._strategy = _strategy_of


def _strategy_of(
    codes: Any,  # noqa: ANN401  what `re` parsed: a list, or a code and its values
    context: regexes.Context,
    is_unicode: bool,
    *,
    alphabet: Any,  # noqa: ANN401  of hypothesis
) -> SearchStrategy[Any]:
    """Return what hypothesis makes of a piece of a pattern; of a set of characters, once."""
    if not isinstance(codes, tuple) or codes[0].name != "IN" or alphabet is None:
        return cast(
            "SearchStrategy[Any]", _strategy_made(codes, context, is_unicode, alphabet=alphabet)
        )
    letters = _alphabet_of(alphabet).intervals.intervals
    key = (context.flags, letters, *codes[1])
    if key not in _of_characters:
        _of_characters[key] = _strategy_made(codes, context, is_unicode, alphabet=alphabet)
    return _of_characters[key]
