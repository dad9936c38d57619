"""Completion of slugs, of an event's outcomes, of seasons and groups, and of own orders.

After any error there is no proposal. A shell waits while this runs. So it uses the standard
library's HTTP: loading the client library's takes several times as long as everything else. It
renews no token, and waits at most a second.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlencode, urlsplit

import typer

from predmarket.characters import clean
from predmarket.cli import context
from predmarket.client import calls
from predmarket.client.calls import Call

if TYPE_CHECKING:
    from predmarket.client.response_types import EventSummary, Market, Page

T = TypeVar("T")

PATIENCE_S = 1.0
"""How long a completion waits for the exchange."""
_AT_MOST = 100
_WORD = re.compile(r"[a-z0-9][a-z0-9:-]*")
_OUTCOME = re.compile(r"[a-z0-9][a-z0-9-]*|NONE|VOID")
_LOOKALIKES = str.maketrans(
    {"$": "\uff04", "`": "\u2019", "\\": "\uff3c", '"': "\u201d", "'": "\u2019"}
)
_PLAIN = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")

_OWN = tuple(f"user:me:{kind}" for kind in ("orders", "fills", "balances", "positions", "events"))

Proposals = list[tuple[str, str]]
"""Words, each with what the shell may show beside it."""


def markets(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose slugs, each with its question."""

    def ask() -> Iterator[tuple[str, str]]:
        listing = calls.markets(q=incomplete or None, limit=100)
        return ((item["slug"], _shown(item["question"])) for item in _listed(ctx, listing))

    return _matching(incomplete, ask)


def events(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose slugs of events, each with its title."""

    def ask() -> Iterator[tuple[str, str]]:
        listing = calls.events(q=incomplete or None, limit=100)
        return ((item["slug"], _shown(item["title"])) for item in _listed(ctx, listing))

    return _matching(incomplete, ask)


def categories(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the categories of markets and events that are one plain word."""
    return _sorted_by(ctx, incomplete, lambda item: [item.get("category") or ""])


def tags(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the tags of markets and events that are one plain word."""
    return _sorted_by(ctx, incomplete, lambda item: item.get("tags") or [])


def _sorted_by(
    ctx: typer.Context,
    incomplete: str,
    words: "Callable[[Market | EventSummary], list[str]]",
) -> Proposals:
    def ask() -> Iterator[tuple[str, str]]:
        found = [word for item in _listed(ctx, calls.markets(limit=100)) for word in words(item)]
        found += [word for item in _listed(ctx, calls.events(limit=100)) for word in words(item)]
        return ((word, "") for word in dict.fromkeys(found))

    return _matching(incomplete, ask, _PLAIN)


def outcomes(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose how the line's event may end; after a comma, the market of another weight."""
    before, comma, begun = incomplete.rpartition(",")

    def ask() -> Iterator[tuple[str, str]]:
        event = _ask(ctx, calls.event(ctx.params["event"]))
        for item in event["markets"]:
            if item["outcome"] is None:
                yield item["slug"], _shown(item.get("label") or item["question"])
        if not event["exhaustive"]:
            yield "NONE", "none of its markets"
        if not comma:
            yield "VOID", "trades are undone"

    return [(f"{before}{comma}{name}", text) for name, text in _matching(begun, ask, _OUTCOME)]


def own_orders(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the ids of the user's open orders."""

    def ask() -> Proposals:
        items = [
            item
            for status in ("OPEN", "PARTIALLY_FILLED")
            for item in _ask(ctx, calls.orders(status=status, limit=100))["items"]
        ]
        return [
            (
                str(item["id"]),
                _shown(f"{item['marketSlug']} {item['side']} {item['qty']} @ {item['price']}"),
            )
            for item in items
        ]

    return _matching(incomplete, ask)


def order_groups(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the ids of the user's order groups."""

    def ask() -> Iterator[tuple[str, str]]:
        for item in _listed(ctx, calls.order_groups()):
            yield str(item["id"]), _shown(f"{item['status']}, limit {item['limit']}")

    return _matching(incomplete, ask)


def seasons(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the names of seasons; the id of one whose name is no plain word."""

    def ask() -> Iterator[tuple[str, str]]:
        for item in _listed(ctx, calls.seasons(limit=100)):
            plain = _PLAIN.fullmatch(item["name"]) is not None
            when = "running" if item["endedAt"] is None else "ended"
            yield (
                (item["name"], when)
                if plain
                else (str(item["id"]), _shown(f"{item['name']}, {when}"))
            )

    return _matching(incomplete, ask, _PLAIN)


def user_groups(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the names of groups of accounts that are one plain word."""

    def ask() -> Iterator[tuple[str, str]]:
        for item in _listed(ctx, calls.groups(limit=100)):
            yield item["name"], f"{item['memberCount']} members"

    return _matching(incomplete, ask, _PLAIN)


def endings(incomplete: str) -> Proposals:
    """Propose a market's outcomes; a price is not completed."""
    known = {"YES": "YES pays 1", "NO": "YES pays 0", "VOID": "trades are undone"}
    return [(name, text) for name, text in known.items() if name.startswith(incomplete.upper())]


def profiles(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the profiles that have an address or a session."""
    from predmarket.client import settings

    del ctx

    def ask() -> Proposals:
        folder = settings.resolve(new_profile=True).folder
        return [(name, "") for name in settings.profiles(folder)]

    return _matching(incomplete, ask, _PLAIN)


_BY_SLUG = {"orderbook": markets, "trades": markets, "ticker": markets, "event": events}
"""What proposes the slugs of a topic."""


def topics(ctx: typer.Context, incomplete: str) -> Proposals:
    """Propose the feed's topics and, after a topic of markets or events, their slugs."""
    before = _before_in_bash()
    begun = before + incomplete
    kind, colon, slug = begun.partition(":")
    if colon and kind in _BY_SLUG:
        found = [(f"{kind}:{name}", text) for name, text in _BY_SLUG[kind](ctx, slug)]
    else:
        names = ["markets", *(f"{kind}:" for kind in _BY_SLUG), *_OWN]
        found = [(name, "") for name in names if name.startswith(begun)]
    return [(name.removeprefix(before), text) for name, text in found]


def _before_in_bash() -> str:
    """Return what stands before the word under the cursor up to a blank: to bash a colon ends a
    word and is one, and it replaces only what follows. (Right behind the colon it gets no proposal,
    since none begins with the colon that is then the word.)
    """
    if os.environ.get("_PREDMARKET_COMPLETE") != "complete_bash":
        return ""
    words = os.environ.get("COMP_WORDS", "").split()
    at = int(os.environ.get("COMP_CWORD", "0"))
    start = at
    while start > 1 and words[start - 1] == ":":
        start -= 2
    return "".join(words[max(0, start) : at])


def _matching(
    incomplete: str, ask: Callable[[], Iterable[tuple[str, str]]], word: re.Pattern[str] = _WORD
) -> Proposals:
    found: Proposals = []
    with suppress(Exception):  # a shell cannot use an error
        fitting = (item for item in ask() if item[0].startswith(incomplete))
        # The shell runs the completed line, so an exchange must not write it.
        found.extend(islice((item for item in fitting if word.fullmatch(item[0])), _AT_MOST))
    return found


def _shown(text: str) -> str:
    """Return the description of a word: on one line, with markup escaped for typer.

    Zsh evaluates descriptions, twice, and typer's escaping fails where a text brings its own. So no
    character that means something between double quotes is left.
    """
    text = clean(text).translate(_LOOKALIKES)
    text = text.encode(sys.stdout.encoding or "ascii", "replace").decode(errors="replace")
    if "[" in text:
        from rich.markup import escape  # typer loads it in any case

        text = escape(text)
    return text


def _listed(ctx: typer.Context, listing: Call["Page[T]"]) -> Iterator[T]:
    """Yield the items of ``listing``, page by page, as long as there is time."""
    call: Call[Page[T]] | None = listing
    until = time.monotonic() + PATIENCE_S
    while call is not None and time.monotonic() < until:
        page = _ask(ctx, call)
        yield from page["items"]
        call = call.after(page)


def _ask(ctx: typer.Context, call: Call[T]) -> T:
    from http.client import HTTPConnection, HTTPSConnection  # completing commands needs none

    line = context.of(ctx)
    settings = line.settings
    tokens = None if settings.api_key else line.session.load()
    token = settings.api_key.value if settings.api_key else tokens and tokens.access
    url = urlsplit(settings.url.value)
    connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = connect(url.hostname or "", url.port, timeout=PATIENCE_S)
    try:
        connection.request(
            call.method,
            f"{url.path}{call.path}?{urlencode(call.params)}",
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        return cast("T", json.load(connection.getresponse()))
    finally:
        connection.close()
