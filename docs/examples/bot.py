"""Quotes one market around its midpoint: python bot.py MARKET (docs/bots.md)."""

import asyncio
import sys
from contextlib import suppress

from predmarket.client import ApiError, AsyncClient, ClientError, Feed, NewOrder, Unreachable
from predmarket.units import PRICE_ONE, Price, format_price, parse_price

AWAY = 3  # ticks from the midpoint


def quotes(bid: Price, ask: Price, tick: Price) -> list[tuple[str, Price]]:
    """Return the sides and prices to quote, as far as they are prices at all."""
    middle = (bid + ask) // 2 // tick * tick
    wanted = [("BUY", middle - AWAY * tick), ("SELL", middle + AWAY * tick)]
    return [(side, price) for side, price in wanted if tick <= price <= PRICE_ONE - tick]


async def main(market: str) -> None:
    async with AsyncClient.from_env() as client:
        tick = parse_price((await client.market(market))["tickSize"])
    async with Feed.from_env(topics=[f"orderbook:{market}"], cancel_on_disconnect=True) as feed:
        book = feed.book(market)
        async for _ in feed:  # a message: the book has changed, or the connection has
            if book.stale or not (book.bids.best and book.asks.best):
                continue
            try:
                await feed.cancel_all(market=market)
                for side, price in quotes(book.bids.best[0], book.asks.best[0], tick):
                    order = NewOrder(
                        market=market, side=side, qty=10, price=format_price(price), post_only=True
                    )
                    await feed.place(order)
                    print(side, order.price, flush=True)
            except (ApiError, Unreachable) as error:
                print("not now:", error, flush=True)
            await asyncio.sleep(5)  # at a human pace; what came meanwhile comes at once


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # the exchange cancels what was quoted here
        try:
            asyncio.run(main(sys.argv[1]))
        except ClientError as error:
            sys.exit(str(error))
