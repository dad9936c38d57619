"""The bots of events on a real exchange: quotes, profits, strikes and new markets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress

import pytest

from predmarket.bots.arbitrageur import arbitrage
from predmarket.bots.maker import make_markets
from predmarket.bots.trader import trade
from predmarket.bots.valuation import Style
from predmarket.units import parse_money
from tests.support.http_exchange import (
    ON_ONE_DATABASE,
    Exchange,
    User,
    database_url,
    exchange,
    settings,
)

__all__ = ["database_url", "exchange", "settings"]

PATIENCE_S = 20.0
Said = Mapping[str, object]
pytestmark = ON_ONE_DATABASE


class Heard:
    """The events that a bot reported, in order."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[Said] = asyncio.Queue()
        self.tell = self._events.put_nowait

    async def until(self, is_it: Callable[[Said], bool]) -> Said:
        """Return the next event of a kind."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_it(event := await self._events.get()):
                pass
        return event

    async def next(self, name: str) -> Said:
        """Return the next event named ``name``."""
        return await self.until(lambda event: event["event"] == name)


@asynccontextmanager
async def running(bot: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run a bot during the block."""
    task = asyncio.create_task(bot)
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def made(exchange: Exchange, *letters: str, **more: object) -> None:
    """Create the event race with a market for each letter."""
    markets = [{"slug": f"race-{letter}", "question": f"{letter}?"} for letter in letters]
    body = {"slug": "race", "title": "Who wins?", "markets": markets, **more}
    answer = await exchange.admin.client.post("/v1/events", json=body)
    assert answer.status_code == 201, answer.text


async def order(user: User, market: str, side: str, qty: str, price: str) -> None:
    """Place an order that may rest or trade."""
    body = {"marketId": market, "side": side, "qty": qty, "price": price, "type": "LIMIT"}
    answer = await user.client.post("/v1/orders", json=body)
    assert answer.status_code == 201, answer.text


async def total(user: User) -> int:
    """Return a user's cash."""
    balance = (await user.client.get("/v1/user/balance")).json()
    return parse_money(balance["total"])


def key_of(user: User) -> str:
    """Return a token that a bot may use."""
    token: str = user.session["accessToken"]
    return token


async def test_the_arbitrageur_s_balance_grows_by_what_it_reckoned(exchange: Exchange) -> None:
    """The bot buys sets below 1.00, sells them above, earns the predicted profit, and ends flat."""
    await made(exchange, "a", "b", "c", exhaustive=True, takerFeeRate="0.02")
    crowd, bot = await exchange.trader("crowd", "1000"), await exchange.trader("bot")
    heard = Heard()
    work = arbitrage(
        exchange.url, ["race"], api_key=key_of(bot), pace_s=0.02, tell=heard.tell, seed=1
    )
    async with running(work):
        won = 0
        for side, taken, prices in (
            ("SELL", "BUY", ("0.40", "0.30", "0.25")),
            ("BUY", "SELL", ("0.45", "0.35", "0.25")),
        ):
            for letter, price in zip("abc", prices, strict=True):
                await order(crowd, f"race-{letter}", side, "12.5", price)
            did = await heard.next("sets")
            assert (did["side"], did["sets"]) == (taken, "12.50")
            assert "uneven" not in did
            won += parse_money(str(did["result"]))
            assert await total(bot) == 100 * 10**6 + won
    traded = (0.40, 0.30, 0.25, 0.45, 0.35, 0.25)
    fees = 12.5 * sum(0.02 * price * (1 - price) for price in traded)
    assert won == pytest.approx((12.5 * 0.10 - fees) * 10**6, abs=6)
    holdings = (await bot.client.get("/v1/user/events")).json()["items"]
    assert [{one["payoff"] for one in held["payoffs"]} for held in holdings] in ([], [{"0.000000"}])


async def test_the_maker_quotes_an_event_and_follows_what_becomes_of_it(exchange: Exchange) -> None:
    """The maker quotes all markets and later ones too; a strike raises the others' prices."""
    await made(exchange, "a", "b", "c", tickSize="0.001")
    bot, heard = await exchange.trader("bot", "1000"), Heard()
    style = Style(b=100, size=2, restless=0.0)
    work = make_markets(
        exchange.url, [], events=["race"], api_key=key_of(bot), style=style, pace_s=0.02,
        tell=heard.tell, seed=1,
    )  # fmt: skip

    async def quoted(letters: str) -> dict[str, float]:
        """Return the midpoints once all of these markets have quotes."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                event = (await exchange.anonymous.get("/v1/events/race")).json()
                mids = {
                    one["slug"][-1]: (float(one["bestBid"]) + float(one["bestAsk"])) / 2
                    for one in event["markets"]
                    if one["bestBid"] and one["bestAsk"]
                }
                if set(mids) == set(letters):
                    return mids
                await asyncio.sleep(0.02)

    async with running(work):
        assert (await heard.next("bound"))["loss"] == "138.629436"  # 100 ln 4, rounded down
        before = await quoted("abc")
        assert sum(before.values()) == pytest.approx(0.75, abs=0.01)  # NONE has the rest
        answer = await exchange.admin.client.post(
            "/v1/events/race/markets", json={"slug": "race-d", "question": "d?"}
        )
        assert answer.status_code == 201
        assert (await heard.next("bound"))["loss"] == "160.943791"  # 100 ln 5
        added = await quoted("abcd")
        assert sum(added.values()) == pytest.approx(0.80, abs=0.01)
        answer = await exchange.admin.client.post(
            "/v1/markets/race-a/resolve", json={"outcome": "NO"}
        )
        assert answer.status_code == 200
        await heard.until(lambda event: event.get("status") == "RESOLVED")
        async with asyncio.timeout(PATIENCE_S):
            while sum((await quoted("bcd")).values()) < 0.74:
                await asyncio.sleep(0.02)


async def test_a_trader_follows_the_markets_of_its_events(exchange: Exchange) -> None:
    """A trader also trades a market that is added later, and ignores struck ones."""
    await made(exchange, "a", "b", "c")
    crowd, bot = await exchange.trader("crowd", "1000"), await exchange.trader("bot", "1000")
    heard = Heard()

    async def traded(market: str) -> None:
        await order(crowd, market, "BUY", "100", "0.20")
        await order(crowd, market, "SELL", "100", "0.30")
        await heard.until(lambda said: (said["event"], said.get("market")) == ("placed", market))

    work = trade(
        exchange.url,
        [],
        events=["race"],
        api_key=key_of(bot),
        pace_s=0.005,
        tell=heard.tell,
        seed=1,
    )
    async with running(work):
        await traded("race-a")
        body = {"slug": "race-d", "question": "d?"}
        answer = await exchange.admin.client.post("/v1/events/race/markets", json=body)
        assert answer.status_code == 201
        await traded("race-d")
        for letter in "ad":
            answer = await exchange.admin.client.post(
                f"/v1/markets/race-{letter}/resolve", json={"outcome": "NO"}
            )
            assert answer.status_code == 200
            await heard.until(lambda said: said.get("status") == "RESOLVED")
        await traded("race-b")
