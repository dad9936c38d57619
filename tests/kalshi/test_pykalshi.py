"""Unmodified pykalshi walks a market from its key to its settlement; its feed keeps a book."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pykalshi import (
    Action,
    AsyncKalshiClient,
    CandlestickPeriod,
    InsufficientFundsError,
    KalshiAPIError,
    KalshiClient,
    Market,
    MarketStatus,
    OrderStatus,
    ResourceNotFoundError,
    Side,
    TimeInForce,
    afeed,
)
from pykalshi.afeed import AsyncFeed
from pykalshi.orderbook import OrderbookManager

from tests.support.http_exchange import Exchange, User
from tests.support.kalshi import PATH, private_key, private_pem, signer

EVENT = {
    "slug": "cup",
    "title": "Who wins?",
    "markets": [{"slug": f"cup-{name}", "question": f"{name}?", "label": name} for name in "abc"],
}


async def _key(exchange: Exchange, user: User, folder: Path) -> dict[str, Any]:
    """Return the options that point a client at the exchange."""
    bot = await signer(exchange, user)
    file = folder / f"{user.id}.pem"
    file.write_text(private_pem(private_key()))
    return {
        "api_key_id": bot.key_id,
        "private_key_path": str(file),
        "api_base": exchange.url + PATH,
        "max_retries": 0,
    }


async def test_the_synchronous_client(exchange: Exchange, tmp_path: Path) -> None:
    """The client trades against another account; its own models parse each answer."""
    rain = await exchange.market("rain-tomorrow")
    assert (await exchange.admin.client.post("/v1/events", json=EVENT)).status_code == 201
    ann, bob = [await exchange.trader(name) for name in ("ann", "bob")]
    clients = [KalshiClient(**await _key(exchange, user, tmp_path)) for user in (ann, bob)]
    try:
        await asyncio.to_thread(_trade, *clients)
        body = {"outcome": "YES"}
        path = f"/v1/markets/{rain['id']}/resolve"
        assert (await exchange.admin.client.post(path, json=body)).status_code == 200
        body = {"outcome": "cup-c"}
        assert (await exchange.admin.client.post("/v1/events/cup/resolve", json=body)).is_success
        await asyncio.to_thread(_look_back, *clients)
    finally:
        for client in clients:
            client.close()


def _trade(ann: KalshiClient, bob: KalshiClient) -> None:
    market = _market(ann)
    _place_and_change(ann, bob, market)
    _place_and_cancel_two(ann)
    _sell_two_outcomes(ann, bob)
    _trip_a_group(ann, bob)
    assert [one.name for one in ann.api_keys.list()] == ["bot"]
    made = ann.api_keys.generate("second")
    assert "PRIVATE KEY" in made.private_key
    ann.api_keys.delete(made.id)
    assert len(ann.api_keys.list()) == 1
    assert ann.api_keys.get_limits().usage_tier
    assert ann.communications is not None


def _market(ann: KalshiClient) -> Market:
    """Look around, and return the market to trade in."""
    assert ann.exchange.is_trading()
    assert ann.exchange.get_schedule()
    assert ann.portfolio.get_balance().balance == 10_000
    assert [one.event_ticker for one in ann.get_events(fetch_all=True)] == ["CUP", "RAIN-TOMORROW"]
    assert len(ann.get_markets(limit=1, fetch_all=True)) == 4
    market = ann.get_market("rain-tomorrow")
    assert market.status is MarketStatus.ACTIVE
    event = market.get_event()
    assert event is not None
    assert event.event_ticker == "RAIN-TOMORROW"
    assert ann.get_series("RAIN-TOMORROW").get_markets()[0].ticker == "RAIN-TOMORROW"
    return market


def _place_and_change(ann: KalshiClient, bob: KalshiClient, market: Market) -> None:
    order = ann.portfolio.place_order(
        market, Action.BUY, Side.YES, "10", yes_price_dollars="0.60", client_order_id="one"
    )
    assert (order.status, order.is_bid) == (OrderStatus.RESTING, True)
    again = ann.portfolio.place_order(
        market, Action.BUY, Side.YES, "10", yes_price_dollars="0.60", client_order_id="one"
    )
    assert again == order
    book = market.get_orderbook()
    assert (book.best_yes_bid, book.best_yes_ask) == ("0.6000", None)
    taken = bob.portfolio.place_order(
        market, Action.BUY, Side.NO, "4", no_price_dollars="0.45", time_in_force=TimeInForce.IOC
    )
    assert taken.status is OrderStatus.EXECUTED
    order.refresh()
    assert (order.fill_count_fp, order.remaining_count_fp) == ("4.00", "6.00")
    assert order.amend(count_fp="9.00", yes_price_dollars="0.50").remaining_count_fp == "5.00"
    assert order.decrease("2.00").remaining_count_fp == "3.00"
    assert ann.portfolio.get_queue_position(order.order_id).queue_position_fp == "0.00"
    assert len(ann.portfolio.get_queue_positions(market_tickers=["RAIN-TOMORROW"])) == 1
    assert ann.portfolio.get_resting_order_value() == "1.5000"
    assert order.cancel().status is OrderStatus.CANCELED
    with pytest.raises(ResourceNotFoundError):
        order.cancel()
    with pytest.raises(InsufficientFundsError):
        ann.portfolio.place_order(market, Action.BUY, Side.YES, "1000", yes_price_dollars="0.60")


def _place_and_cancel_two(ann: KalshiClient) -> None:
    batch = [
        {"ticker": "CUP-A", "book_side": "bid", "price_dollars": price, "count_fp": "1.00"}
        for price in ("0.10", "0.11")
    ]
    placed = ann.portfolio.batch_place_orders(batch)
    assert [one.status for one in placed] == [OrderStatus.RESTING] * 2
    gone = ann.portfolio.batch_cancel_orders([one.order_id for one in placed])
    assert {one.order_id for one in gone} == {one.order_id for one in placed}


def _sell_two_outcomes(ann: KalshiClient, bob: KalshiClient) -> None:
    """Buy two NO positions of an exclusive event: the second returns the first's collateral."""
    for name, price in (("CUP-A", "0.40"), ("CUP-B", "0.30")):
        bob.portfolio.place_order(name, Action.SELL, Side.YES, "10", yes_price_dollars=price)
        ann.portfolio.place_order(name, Action.BUY, Side.YES, "10", yes_price_dollars=price)
    positions = {one.ticker: one for one in bob.portfolio.get_positions(event_ticker="CUP")}
    assert {name: one.position_fp for name, one in positions.items()} == {
        "CUP-A": "-10.00",
        "CUP-B": "-10.00",
    }
    raw = bob.get("/portfolio/positions?event_ticker=CUP")["event_positions"][0]
    assert raw["event_exposure_dollars"] == "3.0000"  # fills of 6 and 7, of which 10 came back
    assert bob.portfolio.get_balance().balance == 10_000 - 160 - 300


def _trip_a_group(ann: KalshiClient, bob: KalshiClient) -> None:
    """Check that fills beyond a group's limit cancel its other orders until a reset."""
    group = ann.portfolio.create_order_group("2.00")
    mine = [
        ann.portfolio.place_order(
            "CUP-C", book_side="bid", price_dollars=price, count_fp="3", order_group_id=group.id
        )
        for price in ("0.20", "0.21")
    ]
    shown = ann.portfolio.get_order_group(group.id)
    assert set(shown.orders or ()) == {one.order_id for one in mine}
    bob.portfolio.place_order("CUP-C", book_side="ask", price_dollars="0.21", count_fp="3")
    assert [one.refresh().status.value for one in mine] == ["canceled", "executed"]
    with pytest.raises(KalshiAPIError, match="order_group_triggered"):
        ann.portfolio.place_order(
            "CUP-C", book_side="bid", price_dollars="0.20", count_fp="1", order_group_id=group.id
        )
    ann.portfolio.update_order_group_limit(group.id, "5.00")
    ann.portfolio.reset_order_group(group.id)
    again = ann.portfolio.place_order(
        "CUP-C", book_side="bid", price_dollars="0.20", count_fp="1", order_group_id=group.id
    )
    assert again.refresh().order_group_id == group.id
    ann.portfolio.trigger_order_group(group.id)
    assert again.refresh().status is OrderStatus.CANCELED
    assert [one.contracts_limit_fp for one in ann.portfolio.get_order_groups()] == ["5.00"]


def _look_back(ann: KalshiClient, bob: KalshiClient) -> None:
    won = {one.ticker: one for one in ann.portfolio.get_settlements(fetch_all=True)}
    assert (won["RAIN-TOMORROW"].revenue, won["RAIN-TOMORROW"].market_result) == (400, "yes")
    assert won["RAIN-TOMORROW"].pnl == 160
    lost = {one.ticker: one.revenue for one in bob.portfolio.get_settlements(fetch_all=True)}
    assert lost == {"RAIN-TOMORROW": 0, "CUP-A": 1_000, "CUP-B": 1_000, "CUP-C": 0}
    fills = ann.portfolio.get_fills(limit=1, fetch_all=True)
    assert [one.yes_delta_fp for one in fills] == [3, 10, 10, 4]
    orders = ann.portfolio.get_orders(limit=2, fetch_all=True)
    assert len(orders) == 8
    assert len(ann.history.get_orders(limit=2, fetch_all=True)) == 8
    assert len(ann.history.get_fills(fetch_all=True)) == 4
    assert len(ann.get_trades(limit=1, fetch_all=True)) == 4
    assert len(ann.history.get_trades(ticker="CUP-A")) == 1
    assert ann.history.get_market("cup-a").result == "no"
    assert ann.history.get_cutoff().trades_created_ts
    now = int(time.time())
    market = ann.get_market("RAIN-TOMORROW")
    candles = market.get_candlesticks(now - 3_600, now, CandlestickPeriod.ONE_MINUTE)
    assert [one.price.close_dollars for one in candles.candlesticks] == ["0.6000"]
    many = ann.get_candlesticks_batch(["CUP-A", "CUP-B"], now - 3_600, now)
    assert [len(one.candlesticks) for one in many.values()] == [1, 1]


async def test_the_asynchronous_client_and_its_feed(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed's book equals REST's after every message while two accounts trade at full speed."""
    await exchange.market("rain")
    ann, bob = [await exchange.trader(name, "1000") for name in ("ann", "bob")]
    clients = [AsyncKalshiClient(**await _key(exchange, user, tmp_path)) for user in (ann, bob)]
    socket = exchange.url.replace("http", "ws") + "/trade-api/ws/v2"
    monkeypatch.setattr(afeed, "DEFAULT_WS_BASE", socket)  # the feed has no option for it
    feed = AsyncFeed(clients[0])
    for channel in ("orderbook_delta", "ticker", "trade"):
        feed.subscribe(channel, market_ticker="RAIN")
    for channel in ("fill", "user_orders", "market_positions", "market_lifecycle_v2"):
        feed.subscribe(channel)
    told: dict[str, list[Any]] = {}
    book = OrderbookManager("RAIN")
    books: list[tuple[dict[str, str], dict[str, str]]] = []

    @feed.on("orderbook_delta")
    def heard(message: Any) -> None:  # noqa: ANN401 -- either of two models
        if hasattr(message, "yes_dollars"):
            book.apply_snapshot(message.yes_dollars, message.no_dollars)
        else:
            book.apply_delta(message.side, message.price_dollars, message.delta_fp)
        books.append((dict(book.yes), dict(book.no)))

    async def listen() -> None:
        async for message in feed:
            told.setdefault(type(message).__name__, []).append(message)

    try:
        async with feed:
            listening = asyncio.create_task(listen())
            await _until(lambda: len(books) == 1)
            shown = await _under_load(exchange, clients)
            await _until(lambda: bool(books) and books[-1] == shown[-1])
            listening.cancel()
    finally:
        for client in clients:
            await client.aclose()
    # the feed had every book that REST has shown, in the same order
    places = iter(books)
    changed = [one for one, before in zip(shown, [None, *shown], strict=False) if one != before]
    assert all(any(one == seen for seen in places) for one in changed)
    fills = told["FillMessage"]
    assert sum(float(one.count_fp) for one in fills) == float(fills[-1].post_position_fp)
    assert {one.status for one in told["UserOrderMessage"]} == {"resting", "canceled"}
    assert told["PositionMessage"][-1].position_fp == fills[-1].post_position_fp
    assert len(told["TradeMessage"]) == len(fills)
    assert told["TickerMessage"][-1].volume_fp == fills[-1].post_position_fp
    assert "ErrorMessage" not in told


async def _under_load(
    exchange: Exchange, clients: list[AsyncKalshiClient]
) -> list[tuple[dict[str, str], dict[str, str]]]:
    """Let two accounts trade, and return the books that REST shows meanwhile."""
    ann, bob = clients
    shown: list[tuple[dict[str, str], dict[str, str]]] = []

    async def rest() -> None:
        answer = await exchange.anonymous.get(PATH + "/markets/RAIN/orderbook")
        book = answer.json()["orderbook_fp"]
        both = [dict(book[side]) for side in ("yes_dollars", "no_dollars")]
        shown.append((both[0], both[1]))

    for number in range(8):
        price = f"0.{40 + number}"
        placed, *_ = await asyncio.gather(
            ann.portfolio.place_order(
                "RAIN", book_side="bid", price_dollars=price, count_fp="3.50"
            ),
            rest(),
            bob.portfolio.place_order(
                "RAIN", book_side="ask", price_dollars=price, count_fp="1.25"
            ),
            rest(),
        )
        if number % 3 == 0:
            await placed.refresh()
            if placed.status is OrderStatus.RESTING:
                await placed.cancel()
        await rest()
    return shown


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_errors_raise_the_clients_exceptions(exchange: Exchange, tmp_path: Path) -> None:
    """A wrong key, a revoked key and an unknown ticker each raise the client's own exception."""
    ann = await exchange.trader("ann")
    client = AsyncKalshiClient(**await _key(exchange, ann, tmp_path))
    try:
        with pytest.raises(ResourceNotFoundError):
            await client.get_market("NONE")
        assert await client.portfolio.get_subaccount_balances() == []
        assert await client.get_mve_collections() == []
        (key,) = (await ann.client.get("/v1/auth/api-keys")).json()["items"]
        await ann.client.delete(f"/v1/auth/api-keys/{key['id']}")
        with pytest.raises(Exception, match="401"):
            await client.portfolio.get_balance()
    finally:
        await client.aclose()
