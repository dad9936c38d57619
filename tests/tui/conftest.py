"""A whole exchange for the trading screens, and stylesheets that are parsed once."""

from collections.abc import Iterator

import pytest
from textual.css import parse, stylesheet
from textual.css.model import RuleSet
from textual.css.tokenizer import Token
from textual.css.types import CSSLocation

from tests.support.http_exchange import exchange, settings

__all__ = ["exchange", "settings"]


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """The URL of an SQLite database: the screen never accesses it."""
    return migrated_sqlite_url


@pytest.fixture(scope="package", autouse=True)
def parsed_once() -> Iterator[None]:
    """Parse each stylesheet once a process.

    The program has one app, each test makes another: a fifth of its time would go into the same
    hundred texts.
    """
    parsed: dict[object, list[RuleSet]] = {}
    numbers: dict[object, int] = {}
    last: tuple[object, int] = (None, 0)
    """An app's variables, and the number of what is in them: to compare them takes as long."""

    def once(
        scope: str,
        css: str,
        read_from: CSSLocation,
        *,
        variable_tokens: dict[str, list[Token]],
        is_default_rules: bool,
        tie_breaker: int,
    ) -> list[RuleSet]:
        nonlocal last
        if last[0] is not variable_tokens:
            within = tuple((name, *tokens) for name, tokens in variable_tokens.items())
            last = variable_tokens, numbers.setdefault(within, len(numbers))
        key = (scope, css, read_from, last[1], is_default_rules, tie_breaker)
        if key not in parsed:
            parsed[key] = [
                *parse.parse(
                    scope,
                    css,
                    read_from,
                    variable_tokens=variable_tokens,
                    is_default_rules=is_default_rules,
                    tie_breaker=tie_breaker,
                )
            ]
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stylesheet, "parse", once)
        yield
