"""Candles with the quotes and the open interest that the gateway has seen."""

from datetime import timedelta
from typing import Any

import httpx

from predmarket.client import Client, NewOrder
from predmarket.testing import Exchange
from tests.support.kalshi import PATH

MINUTE = 60_000_000
Candle = dict[str, Any]


def _candles(exchange: Exchange, interval: int) -> list[Candle]:
    now = int(exchange.clock.now.timestamp())
    query = {"period_interval": interval, "start_ts": now - 86_400, "end_ts": now}
    path = f"{exchange.url}{PATH}/series/RAIN/markets/RAIN/candlesticks"
    found: list[Candle] = httpx.get(path, params=query).json()["candlesticks"]
    return found


def test_a_candle_has_its_quotes_from_the_first_to_the_last() -> None:
    """A span opens where the one before closed; without a bid it is 0, without an ask 1."""
    with Exchange(settings={"kalshi": True}) as exchange:
        exchange.market("rain")
        for name in ("ann", "bob"):
            exchange.deposit(name, 100)
        ann, bob = exchange.client("ann"), exchange.client("bob")

        def order(client: Client, side: str, qty: int, price: str) -> None:
            client.place_order(NewOrder(market="rain", side=side, qty=qty, price=price))

        later = exchange.clock.now + timedelta(hours=2)
        exchange.clock.set(later.replace(minute=30, second=0, microsecond=0))
        order(ann, "BUY", 5, "0.40")
        order(ann, "BUY", 5, "0.45")
        order(bob, "SELL", 5, "0.45")
        order(bob, "SELL", 2, "0.60")
        exchange.clock.advance("1m")
        order(ann, "BUY", 1, "0.60")
        order(ann, "BUY", 9, "0.60")
        first, second = _candles(exchange, 1)
        (whole,) = _candles(exchange, 60)

    def told(candle: Candle, name: str) -> list[str]:
        return [candle[name][f"{one}_dollars"] for one in ("open", "high", "low", "close")]

    assert told(first, "yes_bid") == ["0.0000", "0.4500", "0.0000", "0.4000"]
    assert told(first, "yes_ask") == ["1.0000", "1.0000", "0.6000", "0.6000"]
    assert told(second, "yes_bid") == ["0.4000", "0.6000", "0.4000", "0.6000"]
    assert told(second, "yes_ask") == ["0.6000", "1.0000", "0.6000", "1.0000"]
    assert [first["open_interest_fp"], second["open_interest_fp"]] == ["5.00", "7.00"]
    assert told(whole, "yes_bid") == ["0.0000", "0.6000", "0.0000", "0.6000"]
    assert whole["open_interest_fp"] == "7.00"
