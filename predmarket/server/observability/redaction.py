"""Removes secrets from log lines: by a field's name, by a secret's form, and by its value.

The name is checked in a line's fields; form and value are checked in the finished line, tracebacks
included. This is a second defence: code must not log secrets in the first place.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

from predmarket.server.settings import Settings
from predmarket.server.url_redaction import HIDDEN, secrets_in

_SHORTEST = 6
"""A shorter value cannot be told from ordinary text."""

_NAMES = re.compile(
    r"passw(or)?d|secret|token|cookie|authorization|credential|api_?key|^key$|dsn|_url$", re.I
)


def _in_url(found: re.Match[str]) -> str:
    return f"{found['kept']}{HIDDEN}@" if found["end"] else found[0]


def _by_name(found: re.Match[str]) -> str:
    return f"{found['bearer'] or found['named'] or ''}{HIDDEN}"


def _jwt(found: re.Match[str]) -> str:
    return HIDDEN if found["end"] else found[0]


_LOOKS = [
    (re.compile(r"""(?P<kept>://[^:/@\s"']*+:)[^@\s"']++(?P<end>@?)"""), _in_url),
    (
        re.compile(
            r"(?P<bearer>\bbearer\s++)[^\s\"'\\,]++"
            r"|(?P<named>\b(?:[a-z_]*token|password|secret|predmarket_(?:access|refresh))=)"
            r"[^\s\"'&;,\\]++"
            r"|\bpmk_[\w-]++"  # an API key
            r"|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}",  # a password's hash
            re.IGNORECASE,
        ),
        _by_name,
    ),
    (re.compile(r"\beyJ[\w-]++(?P<end>\.[\w-]++\.[\w-]*+)?", re.IGNORECASE), _jwt),
]
"""Patterns of secrets, each with the text to show instead.

Lines hold text from clients, so each pattern takes linear time: it does not backtrack, and passes
over a whole word that begins like a secret and is none. Such a word may hold a secret of another
kind, so there are several patterns, one after the other.
"""


def cut(text: str, widest: int) -> str:
    """Cut a text to ``widest`` characters for a log line; name its length if it is longer."""
    return text if len(text) <= widest else f"{text[:widest]}… ({len(text)} characters)"


def redact(event: MutableMapping[Any, Any]) -> MutableMapping[Any, Any]:
    """Hide the values of fields with a secret's name, at any depth."""
    for name, value in event.items():
        if isinstance(name, str) and _NAMES.search(name):
            event[name] = HIDDEN
        elif isinstance(value, dict):
            redact(value)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    redact(item)
    return event


def scrubber(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that hides these secrets, and everything that looks like one, in a line."""
    forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
    literal = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))

    def scrub(line: str) -> str:
        for pattern, hidden in _LOOKS:
            line = pattern.sub(hidden, line)
        return literal.sub(HIDDEN, line) if forms else line

    return scrub


def _forms(secret: str) -> Iterator[str]:
    """Return a secret in plain form and in its JSON form."""
    yield secret
    yield json.dumps(secret)[1:-1]


def secrets_of(settings: Settings, signing_secret: str) -> list[str]:
    """Return every secret in the settings."""
    secrets = [signing_secret]
    for url in (settings.database_url, settings.redis_url):
        if url is not None:
            secrets += secrets_in(url.get_secret_value())
    return secrets
