"""Pages of markets and events, by the order that the view keeps (read_model/listing.py).

A page without a search costs what it returns. A search looks at every name, in turns of the event
loop, and its reader pays for that as for an answer of LOOKED_A_ROW-th as many rows.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from itertools import islice
from typing import NamedTuple, TypeVar

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.read_model.listing import END, Kind, Listing

LOOKED_A_TURN = 500
"""Ids that are looked at before others have a turn: about a quarter of a millisecond."""
LOOKED_A_ROW = 100
_FIRST_PIECE = 25

T = TypeVar("T")


class Found(NamedTuple):
    """The ids of a page and one more if another page follows, and how many match in all."""

    ids: list[int]
    total: int


async def in_pieces(
    listing: Listing,
    kinds: Collection[Kind],
    read: Callable[[int], T | None],
    before: int = END,
    size: int = LOOKED_A_TURN,
) -> AsyncGenerator[list[T]]:
    """Yield what the ids below ``before`` stand for, the highest first, piece by piece.

    Ids that stand for None are left out. The pieces double up to ``size``, as the caller may need
    no more. Between two of them others have a turn.
    """
    step = min(_FIRST_PIECE, size)
    while ids := list(islice(listing.newest(kinds, before), step)):
        yield [one for id in ids if (one := read(id)) is not None]
        if len(ids) < step:
            return
        step = min(2 * step, size)
        before = ids[-1]
        await asyncio.sleep(0)


class Page(NamedTuple):
    """Where a page begins, and how long it may be."""

    before: int
    limit: int
    offset: int = 0


async def find(
    request: ApiRequest,
    listing: Listing,
    kinds: Collection[Kind],
    matches: Callable[[int], bool] | None,
    page: Page,
) -> Found:
    """Return a page of the ids that match; without ``matches`` all do."""
    if matches is None:
        begin = listing.below(kinds, page.before, page.offset)
        ids = islice(listing.newest(kinds, begin), page.limit + 1)
        return Found([*ids], listing.count(kinds))
    request.charge(listing.count(kinds) // LOOKED_A_ROW)
    found, total, passed = list[int](), 0, 0
    async for piece in in_pieces(listing, kinds, lambda id: id):
        for id in piece:
            if not matches(id):
                continue
            total += 1
            if id < page.before and len(found) <= page.limit:
                passed += 1
                if passed > page.offset:
                    found.append(id)
    return Found(found, total)
