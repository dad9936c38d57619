"""Random orders of the client library, retried until there is a reply."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from predmarket.client import NewOrder, Unreachable

T = TypeVar("T")


def seeded() -> random.Random:
    """Return a random generator whose seed a failure prints."""
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    return random.Random(seed)


def an_order(rng: random.Random, number: int, market: str = "rain") -> NewOrder:
    """Return an order that may trade at once or rest."""
    return NewOrder(
        market=market,
        side=rng.choice(("BUY", "SELL")),
        qty=str(rng.randint(1, 5)),
        price=f"0.{rng.randint(40, 60)}",
        client_order_id=f"c{number}",
    )


async def surely(act: Callable[[], Awaitable[T]]) -> T:
    """Return the result of ``act``, retried until there is a reply."""
    while True:
        try:
            return await act()
        except Unreachable:
            await asyncio.sleep(0.001)
