"""Makes up a day of trading and records it: python record_day.py day.csv (docs/testing-bots.md)."""

import math
import os
import random
import subprocess
import sys
from collections import deque
from contextlib import suppress
from datetime import timedelta

from predmarket.client import ApiError, NewOrder
from predmarket.testing import Exchange

TRADERS = [f"trader-{number}" for number in range(1, 9)]
PAUSE_S = 30  # between two orders, on average


def trade(exchange: Exchange, hours: float, seed: int) -> None:
    """Let traders quote, take and cancel around a value that wanders."""
    draw = random.Random(seed)
    for name in TRADERS:
        exchange.deposit(name, 100_000)
    live = deque[tuple[str, int]]()
    odds, end = 0.0, exchange.clock.now + timedelta(hours=hours)
    while exchange.clock.now < end:
        pause_s = draw.expovariate(1 / PAUSE_S)
        exchange.clock.advance(timedelta(seconds=pause_s))
        odds += draw.gauss(0, 0.3 * math.sqrt(pause_s / 3_600)) - 0.1 * odds * pause_s / 3_600
        value = 100 / (1 + math.exp(-odds))
        name, side = draw.choice(TRADERS), draw.choice(("BUY", "SELL"))
        takes = draw.random() < 0.4
        away = draw.uniform(-3, 2) if takes else draw.uniform(0.5, 6)  # cents from the value
        cents = round(value - away if side == "BUY" else value + away)
        order = NewOrder(
            market="rain",
            side=side,
            qty=draw.choice((5, 10, 20, 40)),
            price=f"{min(max(cents, 1), 99) / 100:.2f}",
            time_in_force="IOC" if takes else "GTC",
        )
        with suppress(ApiError):  # refused, or gone already
            placed = exchange.client(name).place_order(order)
            if not takes:
                live.append((name, placed["id"]))
            if len(live) > 40:
                name, id = live.popleft()
                exchange.client(name).cancel_order(id)


def main(path: str, hours: float = 24, seed: int = 1) -> None:
    with Exchange() as exchange:
        exchange.market("rain")
        trade(exchange, hours, seed)
        command = [sys.executable, "-m", "predmarket.cli", "journal", "export", path]
        given = {**os.environ, "PREDMARKET_DATABASE_URL": exchange.database_url}
        subprocess.run(command, env=given, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:2])
