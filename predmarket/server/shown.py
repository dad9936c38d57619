"""URLs as people may see them: without the secrets in them."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
_SECRET = re.compile("passw|secret|scram", re.IGNORECASE)
"""Names of parameters whose values are secret, libpq's and Redis'."""


def shown(url: str) -> str:
    """Return a URL without its user's password and without its parameters' secrets."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        user = parts.netloc.rpartition("@")[0].partition(":")[0]
        kept = f"{user}:{HIDDEN}" if ":" in parts.netloc.rpartition("@")[0] else user
        parts = parts._replace(netloc=f"{kept}@{parts.netloc.rpartition('@')[2]}")
    pairs = [
        f"{name}={HIDDEN}" if _SECRET.search(unquote(name)) else f"{name}{equals}{value}"
        for name, equals, value in _pairs(parts.query)
    ]
    return parts._replace(query="&".join(pairs)).geturl()


def secrets_in(url: str) -> Iterator[str]:
    """Yield the secrets of a URL, each as it is spelled there and as it is meant."""
    parts = urlsplit(url)
    found = [value for name, _, value in _pairs(parts.query) if _SECRET.search(unquote(name))]
    for secret in (parts.password, *found):
        if secret:
            yield from (secret, unquote(secret))


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&")] if query else []
