"""URLs as people may see them: without the secrets in them."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
_USER = re.compile("(?<=://)[^/?#]+(?=@)")
_SECRET = re.compile("passw|secret|scram", re.IGNORECASE)
"""Names of parameters whose values are secret, libpq's and Redis'."""


def shown(url: str) -> str:
    """Return a URL without its user and without its parameters' secrets, else letter by letter.

    All of what stands before the host goes: Redis takes a name alone for a password, too.
    """
    return without_parameters(_USER.sub(HIDDEN, url))


def without_parameters(url: str) -> str:
    """Return a URL without the secrets among its parameters."""
    rest, mark, query = url.partition("?")
    pairs = [
        f"{name}={HIDDEN}" if _SECRET.search(unquote(name)) else f"{name}{equals}{value}"
        for name, equals, value in _pairs(query)
    ]
    return rest + mark + "&".join(pairs)


def secrets_in(url: str) -> Iterator[str]:
    """Yield the secrets of a URL, each as it is spelled there and as it is meant."""
    parts = urlsplit(url)
    found = [value for name, _, value in _pairs(parts.query) if _SECRET.search(unquote(name))]
    for secret in (parts.password, *found):
        if secret:
            yield from (secret, unquote(secret))


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&")] if query else []
