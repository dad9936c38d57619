"""Quotes one market around its midpoint: python bot.py MARKET (docs/bots.md)."""

import asyncio
import os
import sys

from predmarket.client import ApiError, Feed, NewOrder, Unreachable


async def main(market: str) -> None:
    url, key = os.environ["PREDMARKET_URL"], os.environ["PREDMARKET_API_KEY"]
    topics = [f"orderbook:{market}"]
    async with Feed(url, api_key=key, topics=topics, cancel_on_disconnect=True) as feed:
        book = feed.book(market)
        async for _ in feed:  # a message: the book has changed, or the connection has
            if book.stale or not (book.bids.best and book.asks.best):
                continue
            middle = (book.bids.best[0] + book.asks.best[0]) // 200  # whole cents
            try:
                await feed.cancel_all(market=market)
                for side, cents in (("BUY", middle - 3), ("SELL", middle + 3)):
                    order = {"qty": 10, "price": f"0.{cents:02}", "post_only": True}
                    await feed.place(NewOrder(market=market, side=side, **order))
                    print(side, order["price"], flush=True)
            except (ApiError, Unreachable) as error:
                print("not now:", error, flush=True)
            await asyncio.sleep(5)  # at a human pace; what came meanwhile comes at once


asyncio.run(main(sys.argv[1]))
