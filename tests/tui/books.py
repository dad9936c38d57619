"""Books to draw: the design sketch's, a thin one, an extreme one."""

import random

from predmarket.enums import Side
from predmarket.tui.state.ladder import LadderData, OwnOrder
from predmarket.units import QTY_ONE as Q


def sketch() -> LadderData:
    """Return a quiet market with a position and three orders in it."""
    return LadderData(
        tick=100,
        bids={6000: 60 * Q, 5900: 220 * Q, 5800: 410 * Q, 5700: 150 * Q, 5500: 900 * Q},
        asks={6100: 40 * Q, 6200: 85 * Q, 6300: 310 * Q, 6400: 120 * Q},
        last=6100,
        last_up=True,
        traded={6000: 340 * Q, 6100: 510 * Q, 5800: 5 * Q},
        own=[
            OwnOrder(1, Side.BUY, 6000, 10 * Q, 0),
            OwnOrder(2, Side.BUY, 5800, 25 * Q, 180 * Q),
            OwnOrder(3, Side.SELL, 6300, 50 * Q, 142 * Q),
        ],
        position_yes=70 * Q,
        cost_yes=70 * Q * 6000,
    )


def thin() -> LadderData:
    """Return a market of nine prices with one order in it."""
    return LadderData(tick=1000, bids={4000: 5 * Q})


def wild(tick: int = 100) -> LadderData:
    """Return a full book with sizes from 0.01 to a million and own orders out of sight."""
    chance = random.Random(5)
    count = 10_000 // tick - 1
    middle = count // 2
    bids = {n * tick: int(10 ** chance.uniform(0, 8)) for n in range(1, middle)}
    asks = {n * tick: int(10 ** chance.uniform(0, 8)) for n in range(middle + 2, count + 1)}
    return LadderData(
        tick=tick,
        bids=bids,
        asks=asks,
        last=middle * tick,
        last_up=False,
        traded={price: int(10 ** chance.uniform(2, 7)) for price in bids},
        own=[
            OwnOrder(1, Side.BUY, (middle - 2) * tick, 99_999_999, 12),
            OwnOrder(2, Side.SELL, count * tick, 1_234_567, None),
        ],
        position_no=500_000 * Q,
        cost_no=500_000 * Q * 4800,
        armed=True,
    )
