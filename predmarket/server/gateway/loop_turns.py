"""Runs long work in turns: the event loop serves other tasks after every piece."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from predmarket.server.core.bus import Overloaded

ITEMS_A_TURN = 100
"""Items that are handled at a time: one or two milliseconds' work."""

T = TypeVar("T")
U = TypeVar("U")


async def in_turns(items: Sequence[T], step: Callable[[T], U]) -> list[U]:
    """Return the step's result for each item, in order."""
    found: list[U] = []
    for start in range(0, len(items), ITEMS_A_TURN):
        if start:
            await asyncio.sleep(0)
        found += [step(item) for item in items[start : start + ITEMS_A_TURN]]
    return found


async def each_in_turns(items: Iterable[T], step: Callable[[T], object]) -> None:
    """Run the step for each item, in order."""
    for count, item in enumerate(items, 1):
        step(item)
        if count % ITEMS_A_TURN == 0:
            await asyncio.sleep(0)


@asynccontextmanager
async def one_at_a_time(turn: asyncio.Lock, wait_s: float, refusal: str) -> AsyncIterator[None]:
    """Run the block when its turn comes. Raises Overloaded if that takes longer than ``wait_s``."""
    try:
        async with asyncio.timeout(wait_s):
            await turn.acquire()
    except TimeoutError:
        raise Overloaded(refusal) from None
    try:
        yield
    finally:
        turn.release()


def mark_as_seen(flight: "asyncio.Future[T]") -> None:
    """Mark an error as seen, even if nobody waits for the result (add_done_callback)."""
    if not flight.cancelled():
        flight.exception()
