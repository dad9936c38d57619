"""Candles with the quotes and the open interest that the gateway has seen."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from predmarket.client import Client, NewOrder
from predmarket.server.core import quote_rows
from predmarket.server.gateway import quote_history
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


def test_quotes_of_candles() -> None:
    """A candle opens at the previous candle's close.

    A missing bid counts as 0, a missing ask as 1.
    """
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


@pytest.mark.parametrize("written", [False, True])
def test_markets_show_figures_of_a_day_ago(
    *, written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All routes show the same quotes, price and volume of a day ago.

    They come from the last batches, or from stored rows once the batches are gone.
    """
    if written:
        monkeypatch.setattr(quote_rows, "WRITE_EVERY", 1)
        monkeypatch.setattr(quote_history, "OUTBOX_BATCHES", 1)
    with Exchange(settings={"kalshi": True}) as exchange:
        exchange.market("rain")
        for name in ("ann", "bob"):
            exchange.deposit(name, 100)
        ann, bob = exchange.client("ann"), exchange.client("bob")

        def order(client: Client, side: str, qty: int, price: str) -> None:
            client.place_order(NewOrder(market="rain", side=side, qty=qty, price=price))

        def told() -> list[str]:
            markets = [
                httpx.get(f"{exchange.url}{PATH}/markets/RAIN").json()["market"],
                *httpx.get(f"{exchange.url}{PATH}/markets").json()["markets"],
                *httpx.get(
                    f"{exchange.url}{PATH}/events", params={"with_nested_markets": "true"}
                ).json()["events"][0]["markets"],
            ]
            names = ("previous_yes_bid", "previous_yes_ask", "previous_price", "liquidity")
            found = [
                [*(one[f"{name}_dollars"] for name in names), one["volume_24h_fp"]]
                for one in markets
            ]
            assert found == [found[0]] * 3
            return found[0]

        order(ann, "BUY", 5, "0.40")
        order(bob, "SELL", 2, "0.40")
        order(bob, "SELL", 2, "0.70")
        exchange.clock.advance("12h")
        order(ann, "BUY", 1, "0.50")
        assert told() == ["0.0000", "0.0000", "0.0000", "0.0000", "2.00"]
        order(bob, "SELL", 1, "0.50")
        assert told() == ["0.0000", "0.0000", "0.0000", "0.0000", "3.00"]
        exchange.clock.advance("13h")
        assert told() == ["0.4000", "0.7000", "0.4000", "0.0000", "1.00"]
        exchange.clock.advance("12h")
        assert told() == ["0.4000", "0.7000", "0.5000", "0.0000", "0.00"]
