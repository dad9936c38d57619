"""Runs the house bots, which keep a demo exchange active.

The exchange cancels their orders when their connections end, so no order outlives the bots.
Together they send about two requests a second (docs/bots.md has the daily figures).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from predmarket.bots.maker import make_markets
from predmarket.bots.strategies import Noise, Trend
from predmarket.bots.trader import trade
from predmarket.client import ApiError, Backoff, Unreachable

_MAKER_PACE_S = 1.2
_NOISE_PACE_S = 3.0
_TREND_PACE_S = 4.0
_BACKOFF = Backoff(first_s=1.0, longest_s=60.0)


async def run(url: str, keys: Mapping[str, str], markets: Sequence[str]) -> None:
    """Run every bot that has a key in ``markets``, until cancelled."""
    async with asyncio.TaskGroup() as bots:
        for name, key in keys.items():
            bots.create_task(_keep(_bot(name, url, key, markets)))


def _bot(name: str, url: str, key: str, markets: Sequence[str]) -> Callable[[], Awaitable[None]]:
    if name == "maker":
        return partial(make_markets, url, markets, api_key=key, pace_s=_MAKER_PACE_S)
    rng = random.Random()
    mind, pace_s = (Trend(rng), _TREND_PACE_S) if name == "trend" else (Noise(rng), _NOISE_PACE_S)
    return partial(trade, url, markets, api_key=key, mind=mind, pace_s=pace_s)


async def _keep(bot: Callable[[], Awaitable[None]]) -> None:
    """Restart a bot whenever it ends: its market may be unavailable only for a time."""
    failures = 0
    while True:
        try:
            await bot()
        except (ApiError, Unreachable):
            failures += 1
        await asyncio.sleep(_BACKOFF.pause_s(failures))
