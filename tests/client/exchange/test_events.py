"""Events with both clients and the feed, from creation to payout, agree with REST."""

import asyncio
from collections.abc import Callable

import pytest

from predmarket.client import ApiError, AsyncClient, Client, Feed, NewOrder, calls
from predmarket.client.calls import NewMarket
from predmarket.client.messages import (
    EventChanged,
    EventPositionChanged,
    EventPositionsSnapshot,
    EventSnapshot,
    EventTickersChanged,
)
from predmarket.client.response_types import EventHolding, EventSummary, Ticker
from tests.support.http_exchange import Exchange, User

MARKETS = [NewMarket("ann", "Does Ann win?", "Ann"), NewMarket("bob", "Does Bob win?")]


def token(user: User) -> str:
    """Return a user's access token."""
    return str(user.session["accessToken"])


class Told:
    """An event as its own topics and its holder's topics describe it."""

    def __init__(self) -> None:
        self.tickers: dict[int, Ticker] = {}
        self.holdings: dict[str, EventHolding] = {}
        self.events: list[EventSummary] = []
        self._news = asyncio.Event()

    async def read(self, feed: Feed) -> None:
        """Read every message."""
        async for message in feed:
            match message:
                case EventSnapshot(data=data) | EventTickersChanged(data=data):
                    self.tickers |= {one["marketId"]: one for one in data["markets"]}
                case EventPositionsSnapshot(data=held):
                    self.holdings = {one["eventSlug"]: one for one in held["items"]}
                case EventPositionChanged(data=holding):
                    self.holdings[holding["eventSlug"]] = holding
                case EventChanged(data=event):
                    self.events.append(event)
            self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds`` is true of the messages so far."""
        async with asyncio.timeout(30):
            while not holds():
                self._news.clear()
                await self._news.wait()


async def test_an_event_from_its_creation_to_the_payout(exchange: Exchange) -> None:
    """The feed and the calls agree on prices, payoffs, a new market, and the end."""
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    async with (
        AsyncClient(exchange.url, api_key=token(exchange.admin)) as boss,
        AsyncClient(exchange.url, api_key=token(ann)) as seller,
        AsyncClient(exchange.url, api_key=token(bob)) as buyer,
    ):
        made = await boss.create_event("vote", "Who wins?", MARKETS, closes_at=None)
        assert [one["label"] for one in made["markets"]] == ["Ann", None]
        topics = ["markets", "event:vote", "user:me:events"]
        async with Feed(exchange.url, api_key=token(ann), topics=topics) as feed:
            told = Told()
            reading = asyncio.create_task(told.read(feed))
            await feed.live()
            for client, side in ((seller, "SELL"), (buyer, "BUY")):
                order = NewOrder(market="ann", side=side, qty="10", price="0.40")
                await client.place_order(order)
            await told.until(lambda: "vote" in told.holdings)
            (holding,) = (await seller.event_holdings())["items"]
            assert told.holdings == {"vote": holding}
            assert [holding["none"], *(one["payoff"] for one in holding["payoffs"])] == [
                "10.000000",
                "0.000000",
                "10.000000",
            ]
            preview = await seller.preview_order(
                NewOrder(market="bob", side="SELL", qty="12", price="0.30")
            )
            assert (preview["coveredQty"], preview["locked"]) == ("10.00", "1.400000")

            added = await boss.add_market("vote", NewMarket("cleo", "Does Cleo win?"))
            await told.until(lambda: added["id"] in told.tickers)
            # no position changed, so the feed repeats none: the new outcome pays as NONE does
            (holding,) = (await seller.event_holdings())["items"]
            assert holding["payoffs"][2]["payoff"] == told.holdings["vote"]["none"]
            await boss.update_event("vote", status="HALTED")
            await told.until(lambda: told.events[-1]["status"] == "HALTED")
            shown = await buyer.event("vote")
            assert {id: one["lastPrice"] for id, one in told.tickers.items()} == {
                one["id"]: one["lastPrice"] for one in shown["markets"]
            }
            ended = await boss.resolve_event("vote", weights={"bob": "0.5", "NONE": "0.5"})
            assert ended["payouts"] == {"accounts": 1, "total": "10.000000"}
            await told.until(lambda: told.events[-1]["outcome"] == "WEIGHTS")
            listed = [one async for one in boss.follow(calls.events(q="wins", limit=1))]
            assert told.events[-1] == listed[0]
            await told.until(lambda: told.holdings["vote"]["none"] == "0.000000")
            assert (await seller.event_holdings())["items"] == []
            line = (await seller.statement(limit=1))["items"][0]
            assert (line["kind"], line["marketId"], line["eventSlug"]) == ("PAYOUT", None, "vote")
            reading.cancel()


async def test_the_blocking_client(exchange: Exchange) -> None:
    """The blocking client has the same calls; a refusal has its code and changes nothing."""

    def work() -> None:
        with Client(exchange.url, api_key=token(exchange.admin)) as boss:
            boss.create_event("race", "Who wins?", MARKETS, exhaustive=True)
            refused: list[tuple[int, str, Callable[[], object]]] = [
                (409, "SLUG_TAKEN", lambda: boss.create_event("race", "?", MARKETS)),
                (409, "EVENT_IS_EXHAUSTIVE", lambda: boss.add_market("race", NewMarket("c", "?"))),
                (409, "EVENT_IS_EXHAUSTIVE", lambda: boss.resolve_event("race", "NONE")),
                (404, "MARKET_NOT_FOUND", lambda: boss.resolve_event("race", "cleo")),
                (400, "VALIDATION_FAILED", lambda: boss.resolve_event("race", weights={"ann": 0})),
                (400, "VALIDATION_FAILED", lambda: boss.resolve_event("race")),
                (409, "EVENT_DECIDES", lambda: boss.resolve_market("ann", "NO")),
                (404, "EVENT_NOT_FOUND", lambda: boss.event("nobody")),
            ]
            before = boss.event("race")
            for status, code, call in refused:
                with pytest.raises(ApiError) as caught:
                    call()
                assert (caught.value.status, caught.value.code) == (status, code)
            assert boss.event("race") == before
            assert boss.resolve_event("race", "ann")["event"]["outcome"] == "ann"
            assert [one["outcome"] for one in boss.events()["items"]] == ["ann"]

    await asyncio.to_thread(work)
