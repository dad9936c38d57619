"""A preview against the real core equals the placement that follows."""

import random

from sqlalchemy import select

from predmarket.engine.commands import AmendOrder, CancelOrder, CreateMarket, PlaceOrder
from predmarket.engine.replies import MarketDone, OrderDone, Refused
from predmarket.enums import (
    ErrorCode,
    MarketStatus,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.server.clock import wall_clock
from predmarket.server.errors import Refusal
from predmarket.server.gateway.order_preview import Outcome, dry_run
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.books import queue_ahead
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.trading import orders
from predmarket.units import MAX_QTY
from tests.support.core_exchange import Exchange, Running, exchange

__all__ = ["exchange"]

USERS = 4
STEPS = 300
MOST_STEPS = 20 * STEPS
OPEN = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)

SEEN_AT_LEAST = {
    *("FILLED", "OPEN", "CANCELED", "PARTIALLY_FILLED", "INSUFFICIENT_FUNDS", "FOK_NOT_FILLABLE"),
    *("NOTHING_TO_REDUCE", "PRICE_OFF_TICK", "POST_ONLY_WOULD_CROSS"),
    "TOO_MANY_OPEN_ORDERS",
}
"""Results that the random orders must reach before the test ends."""


def random_order(rng: random.Random, market: int, key: str | None) -> PlaceOrder:
    """Return an order that often meets others: few users, few prices."""
    is_market = rng.random() < 0.15
    tif = rng.choice((TimeInForce.IOC, TimeInForce.FOK))
    if not is_market and rng.random() < 0.75:
        tif = TimeInForce.GTC
    price = None if is_market else rng.choice((4000, 4500, 5000, 5100, 5500, 6000, 5050))
    qty = rng.choice((1, 100, 250, 700, 1500, rng.randrange(1, 5000), 20_000))
    return PlaceOrder(
        rng.randrange(1, USERS + 1),
        rng.choice((market, market, market, market, 99)) if rng.random() < 0.1 else market,
        rng.choice((Side.BUY, Side.SELL)),
        OrderType.MARKET if is_market else OrderType.LIMIT,
        price,
        qty,
        tif,
        post_only=tif is TimeInForce.GTC and rng.random() < 0.15,
        reduce_only=rng.random() < 0.15,
        max_slippage=rng.choice((0, 150, 1000, 10_000)) if is_market else None,
        stp=rng.choice(tuple(SelfTradePrevention)),
        client_order_id=key,
        request=f"{market}~{market}|{price}|{qty}" if key else None,
        deadline=0 if rng.random() < 0.03 else None,
        max_open_orders=rng.choice((1, 4, 20)) if rng.random() < 0.2 else None,
    )


async def previewed(db: Database, command: PlaceOrder) -> Outcome | Refusal:
    """Return an order's preview or refusal."""
    try:
        async with db.read() as connection:
            return await dry_run(connection, command, wall_clock())
    except Refusal as refusal:
        return refusal


async def locked(db: Database, user_id: int) -> int:
    """Return the cash locked by a user's orders."""
    async with db.read() as connection:
        account = await account_of(connection, user_id)
    assert account is not None
    return account.locked


async def compare(
    running: Running, db: Database, command: PlaceOrder, *, repeated: bool = False
) -> str:
    """Preview an order, place it, and compare both; return the order's status or refusal.

    A repeat gets the original's answer, while a preview answers for a new order.
    """
    preview = await previewed(db, command)
    before = await locked(db, command.user_id)
    reply = await running.do(command)
    if repeated and getattr(reply, "code", None) is not ErrorCode.DUPLICATE_CLIENT_ORDER_ID:
        return "REPEATED"
    if isinstance(reply, Refused):
        assert isinstance(preview, Refusal), (command, preview, reply)
        assert preview.code == reply.code, (command, preview, reply)
        if reply.code is not ErrorCode.DUPLICATE_CLIENT_ORDER_ID:
            assert (preview.message, preview.details) == (reply.message, reply.details or {})
        return reply.code
    assert isinstance(reply, OrderDone)
    assert isinstance(preview, Outcome), (command, preview, reply)
    order = reply.order
    assert preview.filled == order.filled, (command, preview, reply)
    assert preview.rest == (order.qty - order.filled if order.status in OPEN else 0)
    assert preview.notional == order.notional
    assert preview.fees == order.fees_paid
    assert preview.worst_price == (reply.fills[-1].price if reply.fills else None)
    if command.stp in (SelfTradePrevention.SKIP, SelfTradePrevention.CANCEL_TAKER):
        assert await locked(db, command.user_id) - before == preview.locked, (command, preview)
    async with db.read() as connection:
        assert preview.queue_ahead == await queue_ahead(connection, order.id), (command, preview)
        held = select(orders.c.locked).where(orders.c.id == order.id)
        assert preview.locked == (await connection.execute(held)).scalar_one(), (command, preview)
    return order.status


async def test_a_preview_is_what_placing_does(exchange: Exchange) -> None:
    """Previews of random orders have the figures and refusals of their placements.

    The orders come from few users at few prices, in a market with fees and in one without.
    """
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    db = Database(exchange.url)
    seen: set[str] = set()
    used: set[tuple[int, str | None]] = set()
    async with exchange.trading() as running:
        markets = []
        for slug, maker, taker in (("free", 0, 0), ("fees", 300, 700)):
            made = await running.do(
                CreateMarket(slug, "?", "", 100, maker, taker, None, MarketStatus.OPEN, 1)
            )
            assert isinstance(made, MarketDone)
            markets.append(made.market_id)
        step = 0
        while step < STEPS or not seen >= SEEN_AT_LEAST:
            assert step < MOST_STEPS, SEEN_AT_LEAST - seen
            step += 1
            key = f"key-{rng.randrange(30)}" if rng.random() < 0.1 else None
            order = random_order(rng, rng.choice(markets), key)
            repeated = (order.user_id, key) in used
            seen.add(await compare(running, db, order, repeated=repeated))
            if key is not None:
                used.add((order.user_id, key))
            if rng.random() < 0.1:
                id = rng.randrange(1, step + 1)
                await running.do(CancelOrder(1, id, as_admin=True))
        await db.close()


async def test_a_preview_reads_on_past_many_orders(exchange: Exchange) -> None:
    """A preview walks more makers than a page holds, on both sides, at one price and at several."""
    db = Database(exchange.url)
    async with exchange.trading() as running:
        for user, side, cents in ((1, Side.BUY, 40), (3, Side.SELL, 50)):
            for number in range(150):
                await running.place(user, side, 1, cents + number // 60)
        for side, price in ((Side.SELL, 3900), (Side.BUY, 5300)):
            command = PlaceOrder(2, 1, side, OrderType.LIMIT, price, 14_500, TimeInForce.GTC)
            assert await compare(running, db, command) == "FILLED"
        await db.close()


async def test_the_queue_ahead(exchange: Exchange) -> None:
    """The queue ahead is exact after amends.

    A smaller quantity keeps its place; other amends lose it.
    """
    db = Database(exchange.url)

    async def ahead(*ids: int) -> list[int | None]:
        async with db.read() as connection:
            return [await queue_ahead(connection, id) for id in ids]

    async with exchange.trading() as running:
        for user, qty, cents in ((1, 10, 50), (2, 5, 50), (1, 3, 50), (3, 7, 49)):
            await running.place(user, Side.BUY, qty, cents)
        assert await ahead(1, 2, 3, 4) == [0, 1000, 1500, 0]
        await running.do(AmendOrder(1, 1, None, 600))
        assert await ahead(1, 2, 3) == [0, 600, 1100]
        await running.do(AmendOrder(1, 1, None, 700))
        assert await ahead(1, 2, 3) == [800, 0, 500]
        await running.do(AmendOrder(3, 4, 5000, None))
        assert await ahead(1, 2, 3, 4) == [800, 0, 500, 1500]
        await running.place(4, Side.SELL, 6, 50)
        assert await ahead(1, 2, 3, 4, 5) == [200, None, 0, 900, None]
        await running.do(CancelOrder(1, 3))
        assert await ahead(1, 3, 4, 99, MAX_QTY) == [0, None, 700, None, None]
        await db.close()
