"""Removes secrets from URLs before people see them."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

HIDDEN = "***"
_USER = re.compile("(?<=://)[^/?#]+(?=@)")
_SECRET = re.compile("passw|secret|scram", re.IGNORECASE)
"""Names of parameters whose values are secret, libpq's and Redis'."""


def shown(url: str) -> str:
    """Return a URL without its user and without its parameters' secrets, otherwise unchanged.

    Everything before the host is removed, because Redis also takes a lone name as a password.
    """
    return without_parameters(_USER.sub(HIDDEN, url))


def without_parameters(url: str) -> str:
    """Return a URL without the secrets in its parameters."""
    rest, mark, query = url.partition("?")
    pairs = [
        f"{name}={HIDDEN}" if _SECRET.search(unquote(name)) else f"{name}{equals}{value}"
        for name, equals, value in _pairs(query)
    ]
    return rest + mark + "&".join(pairs)


def secrets_in(url: str) -> Iterator[str]:
    """Yield the secrets of a URL, each in its encoded and its decoded form."""
    rest, _, query = url.partition("?")
    user = _USER.search(rest)  # urlsplit refuses some URLs of several hosts
    password = "" if user is None else user[0].partition(":")[2]
    found = [value for name, _, value in _pairs(query) if _SECRET.search(unquote(name))]
    for secret in (password, *found):
        if secret:
            yield from (secret, unquote(secret))


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&")] if query else []
