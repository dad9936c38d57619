"""Runs the house bots, which keep a demo exchange active.

The exchange cancels their orders when their connections end, so no order outlives the bots.
Together they send about three requests a second (docs/bots.md has the daily figures).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from predmarket.bots.arbitrageur import arbitrage
from predmarket.bots.maker import make_markets
from predmarket.bots.strategies import Believer, Mind, Noise, Trend
from predmarket.bots.trader import trade
from predmarket.bots.valuation import Style
from predmarket.client import ApiError, Backoff, Unreachable

_MAKER_PACE_S = 1.2
_EVENT_MAKER_PACE_S = 1.6
_NOISE_PACE_S = 3.0
_TREND_PACE_S = 4.0
_BELIEVER_PACE_S = 30.0
_ARBITRAGEUR_PACE_S = 6.0
_EVENT_STYLE = Style(b=1_500.0, size=12, half_spread=0.003, stays=0.9)
"""Less deep than in a market alone, so that the prices of many outcomes move."""
_OF_EVENTS = ("event-maker", "believer", "arbitrageur")
"""Bots with nothing to trade where there are no events."""
_BACKOFF = Backoff(first_s=1.0, longest_s=60.0)


async def run(
    url: str, keys: Mapping[str, str], markets: Sequence[str], events: Sequence[str]
) -> None:
    """Run every bot that has a key in ``markets`` and ``events``, until cancelled."""
    async with asyncio.TaskGroup() as bots:
        for name, key in keys.items():
            if events or name not in _OF_EVENTS:
                bots.create_task(_keep(_bot(name, url, key, markets, events)))


def _bot(
    name: str, url: str, key: str, markets: Sequence[str], events: Sequence[str]
) -> Callable[[], Awaitable[None]]:
    rng = random.Random()
    if name == "maker":
        return partial(make_markets, url, markets, api_key=key, pace_s=_MAKER_PACE_S)
    if name == "event-maker":
        make_events = partial(make_markets, url, (), events=events, style=_EVENT_STYLE)
        return partial(make_events, api_key=key, pace_s=_EVENT_MAKER_PACE_S)
    if name == "arbitrageur":
        return partial(arbitrage, url, events, api_key=key, pace_s=_ARBITRAGEUR_PACE_S)
    mind: Mind = Noise(rng)
    pace_s = _NOISE_PACE_S
    if name == "believer":
        mind, pace_s, markets = Believer(rng), _BELIEVER_PACE_S, ()
    elif name == "trend":
        mind, pace_s, events = Trend(rng), _TREND_PACE_S, ()
    return partial(trade, url, markets, events=events, api_key=key, mind=mind, pace_s=pace_s)


async def _keep(bot: Callable[[], Awaitable[None]]) -> None:
    """Restart a bot whenever it ends: its market may be unavailable only for a time."""
    failures = 0
    while True:
        try:
            await bot()
        except (ApiError, Unreachable):
            failures += 1
        await asyncio.sleep(_BACKOFF.pause_s(failures))
