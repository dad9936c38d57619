"""The trader without a screen: requests, held orders, and handled errors."""

import asyncio
from typing import cast

import pytest

from predmarket.client import ApiError, Unreachable, response_types
from predmarket.client import messages as feed
from predmarket.contracts.amounts import format_time
from predmarket.contracts.markets import Interval
from predmarket.enums import Side
from predmarket.tui.state.connection_status import SILENT, Light
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.trading_state import Watched
from predmarket.tui.trader import Trader
from tests.tui.script import (
    LIVE,
    LOST,
    NOW,
    USER,
    ScriptedClient,
    ScriptedFeed,
    book,
    candle,
    change,
    event,
    market,
    order,
    snapshot,
)

PLACED = order(11, "BUY", "0.6000", "10.00") | {"fills": []}


@pytest.fixture
async def trader() -> Trader:
    """A trader, live in market 1, with the exchange's usual answers."""
    client = ScriptedClient(
        {
            "GET /v1/auth/me": USER,
            "GET /v1/markets": {"items": [market(), market(2, "snow")], "total": 2},
            "GET /v1/candles/1": {"items": []},
            "GET /v1/candles/2": {"items": []},
            "POST /v1/orders": PLACED,
            "POST /v1/orders/cancel-all": {"canceled": [11, 12]},
            "GET /v1/orders/11": PLACED | {"queueAhead": "7.00"},
            "GET /v1/orders/12": PLACED | {"id": 12},
        }
    )
    trader = Trader(client, clock=lambda: NOW)
    await trader.begin()
    await trader.open(1)
    for message in (LIVE, book({"0.5900": "1.00"}, {})):
        trader.take(message)
    return trader


class PingedFeed(ScriptedFeed):
    """A feed that receives only pings."""

    age_s: float | None = 2.0


class ToldAnew(ScriptedFeed):
    """A feed that records the reason for its restart."""

    why = ""

    def resynchronise(self, reason: str) -> None:
        self.why = reason


async def test_data_from_before_a_sleep_is_not_believed() -> None:
    """After a machine's sleep the data is stale until a resynchronisation."""
    now, told = NOW, ToldAnew()
    trader = Trader(ScriptedClient({}), clock=lambda: now)
    trader.feed = told
    trader.take(LIVE)
    trader.look_at_clocks()
    assert (trader.light(), told.why) == (Light.LIVE, "")
    now += 3_600_000_000
    trader.look_at_clocks()
    assert (trader.light(), told.why) == (Light.LOST, "this machine has slept")


async def test_what_makes_the_desk_safe(trader: Trader) -> None:
    """A lost connection, and the end of trading in the shown market or event, set SAFE."""
    closed = change(feed.MarketChanged, "markets", market(status="CLOSED"), 2)
    trader.take(snapshot(feed.MarketsSnapshot, "markets", {"items": []}))
    trader.watch(Watched(event=1))
    halted = change(feed.EventChanged, "markets", event(status="HALTED"), 3)
    for message in (LOST, closed, halted):
        trader.armed = True
        trader.take(message)
        assert not trader.armed
        assert trader.said[0].startswith("SAFE: ")


async def test_an_order_carries_a_deadline_in_the_exchanges_time(trader: Trader) -> None:
    """An order's deadline is ten seconds by the clock of the feed's messages."""
    ahead = 3_600_000
    trader.take(feed.TickerSnapshot(
        topic="ticker:1", seq=1, last_seq=None, ts=NOW // 1_000 + ahead, raw=b"",
        data=cast("response_types.Ticker", {"marketId": 1, "lastPrice": None, "bestBid": None,
              "bestAsk": None, "volume": "0.00", "openInterest": "0.00"}),
    ))  # fmt: skip
    trader.armed = True
    await trader.place_at(Side.BUY, 6000, 10_00)
    assert isinstance(trader.client, ScriptedClient)
    body = trader.client.calls[-1].body
    assert body is not None
    assert body["deadline"] == format_time(NOW + ahead * 1_000 + 10_000_000)


def sent(trader: Trader) -> list[str]:
    """Return the write requests that the exchange received."""
    assert isinstance(trader.client, ScriptedClient)
    return [call.path for call in trader.client.calls if call.method != "GET"]


async def test_pings_keep_a_quiet_market_live() -> None:
    """The feed's age includes pings, so only a silent feed is stale."""
    now, pinged = NOW, PingedFeed()
    trader = Trader(ScriptedClient({}), clock=lambda: now)
    trader.state.markets.take([market()])
    trader.state.open(1)
    trader.feed = pinged
    for message in (LIVE, book({"0.5900": "1.00"}, {})):
        trader.take(message)
    now += 10 * SILENT
    assert (trader.light(), trader.refusal(), trader.age()) == (Light.LIVE, None, 2_000_000)
    pinged.age_s = None
    now += SILENT
    assert trader.light() is Light.STALE
    assert trader.refusal() == "data is stale; resynchronising"


async def test_safe_keeps_orders_back(trader: Trader) -> None:
    """In SAFE no order is sent by any caller."""
    assert await trader.place_at(Side.BUY, 6000, 1000) is None
    assert (sent(trader), trader.said[0]) == ([], "SAFE, would send: BUY 10 @ 0.60")
    trader.armed = True
    assert await trader.place_at(Side.BUY, 6000, 1000) == PLACED
    assert (sent(trader), trader.said[1]) == (["/v1/orders"], Weight.GOOD)


async def test_stale_data_keeps_orders_back(trader: Trader) -> None:
    """With stale data no order is sent, armed or not; cancels are."""
    trader.armed = True
    trader.take(LOST)
    assert await trader.place_at(Side.BUY, 6000, 1000) is None
    assert "connection lost" in trader.said[0]
    assert await trader.kill() == 2
    assert sent(trader) == ["/v1/orders/cancel-all"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ApiError(422, "INSUFFICIENT_FUNDS", "needs 6.00"), "needs 6.00 (INSUFFICIENT_FUNDS)"),
        (Unreachable("no answer in time"), "no answer in time"),
    ],
)
async def test_errors_become_lines(trader: Trader, error: Exception, said: str) -> None:
    """A refusal or no reply gives a message with the intent; nothing is raised."""
    assert isinstance(trader.client, ScriptedClient)
    trader.client.answers["POST /v1/orders"] = error
    trader.armed = True
    assert await trader.place_at(Side.BUY, 6000, 1000) is None
    assert trader.said == (f"BUY 10 @ 0.60: {said}", Weight.BAD)
    assert trader.state.journal.notes[0].text == trader.said[0]


async def test_queues_are_asked_for_once(trader: Trader) -> None:
    """Queues of the open market's resting orders are requested once each."""
    assert isinstance(trader.client, ScriptedClient)
    items = [order(11, "BUY", "0.6000", "10.00"), order(12, "BUY", "0.6000", "10.00")]
    items.append(order(13, "BUY", "0.6000", "10.00", marketId=2, marketSlug="snow"))
    trader.take(snapshot(feed.OrdersSnapshot, "user:7:orders", {"items": items}))
    async with asyncio.timeout(60):
        while trader.state.orders.unplaced != {13}:
            await asyncio.sleep(0)
    asked = [call.path for call in trader.client.calls if "/v1/orders/" in call.path]
    assert sorted(asked) == ["/v1/orders/11", "/v1/orders/12"]
    assert {each.id: each.ahead for each in trader.state.orders} == {11: 700, 12: None, 13: None}


async def test_opening_another_market(trader: Trader) -> None:
    """Its topics replace the other market's, and its candles load in the same interval."""
    script = ScriptedFeed()
    listening = asyncio.create_task(trader.listen(script))
    await trader.load_candles(Interval.HOUR)
    await trader.open(2)
    assert isinstance(trader.client, ScriptedClient)
    last = trader.client.calls[-1]
    assert (last.path, last.params["interval"]) == ("/v1/candles/2", "1h")
    async with asyncio.timeout(60):
        while trader.busy or "trades:2" not in script.topics:
            await asyncio.sleep(0)
    listening.cancel()
    books = [topic for topic in script.topics if topic.startswith(("orderbook", "trades"))]
    assert books == ["orderbook:2", "trades:2"]
    assert "ticker:2" in script.topics


async def test_a_book_that_is_watched_again_begins_anew(trader: Trader) -> None:
    """A book that is unsubscribed and subscribed again discards its old state."""
    log: list[tuple[str, ...]] = []

    class Logged(ScriptedFeed):
        async def subscribe(self, *topics: str) -> None:
            log.append(("subscribe", *topics))

        async def unsubscribe(self, *topics: str) -> None:
            log.append(("unsubscribe", *topics))

    async def idle() -> None:
        async with asyncio.timeout(60):
            while trader.busy or not log:
                await asyncio.sleep(0)

    listening = asyncio.create_task(trader.listen(Logged()))
    trader.watch(Watched(None, frozenset({2})))
    await idle()
    log.clear()
    trader.watch(Watched())
    trader.watch(Watched(None, frozenset({2})))
    await idle()
    listening.cancel()
    assert log == [("unsubscribe", "orderbook:2"), ("subscribe", "orderbook:2")]


async def test_a_connection_that_came_back(trader: Trader) -> None:
    """Markets and candles are reloaded, and the journal has the loss and the return."""
    assert isinstance(trader.client, ScriptedClient)
    trader.client.calls.clear()
    trader.take(LOST)
    trader.take(LIVE)
    async with asyncio.timeout(60):
        while len(trader.client.calls) < 3:
            await asyncio.sleep(0)
    paths = [call.path for call in trader.client.calls]
    assert paths == ["/v1/events", "/v1/markets", "/v1/candles/1"]
    texts = [note.text for note in trader.state.journal.notes]
    assert texts[:2] == ["connected again", "connection lost: the connection was cut; entry stops"]


async def test_the_change_is_that_of_24_hours(trader: Trader) -> None:
    """The change is from each followed market's first candle, reloaded after an hour."""
    client = trader.client
    assert isinstance(client, ScriptedClient)
    now = NOW
    trader.clock = lambda: now
    client.answers["GET /v1/candles/1"] = {"items": [candle("0.5500"), candle("0.7000")]}
    priced = [market(lastPrice="0.6000"), market(2, "snow", lastPrice="0.3000")]
    client.answers["GET /v1/markets"] = {"items": priced}
    trader.state.markets.take(priced)
    trader.topics()
    trader.feed = ScriptedFeed()
    client.calls.clear()
    for hours in (0, 0, 1, 0):  # the hour of the sleep
        now += hours * Interval.HOUR.micros
        trader.take(LIVE)
        trader.look_at_clocks()
        async with asyncio.timeout(60):
            while trader.busy:
                await asyncio.sleep(0.01)
    day = [call for call in client.calls if call.params.get("interval") == "1h"]
    assert [call.path for call in day] == ["/v1/candles/1", "/v1/candles/2"] * 2
    assert day[0].params["from"] == format_time(NOW - 24 * Interval.HOUR.micros)[:19] + "Z"
    assert [each.change for each in trader.state.markets] == [500, 0]


async def test_what_is_followed(trader: Trader) -> None:
    """The trader subscribes markets, all tickers and private topics; admins get an admin's view."""
    kinds = ("orders", "fills", "balances", "positions", "events")
    own = [f"user:7:{kind}" for kind in kinds]
    assert trader.topics() == ["markets", "ticker:1", "ticker:2", *own]
    assert not trader.admin
