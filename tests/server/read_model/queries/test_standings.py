"""Accounts' gains equal the ledger's, and add up to minus the fees."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from predmarket.engine import steps
from predmarket.engine.commands import (
    Command,
    CreateEvent,
    CreateMarket,
    EventMarket,
    PlaceOrder,
    ResolveEvent,
    ResolveMarket,
    Transfer,
    UpdateMarket,
)
from predmarket.enums import EventOutcome, MarketStatus, OrderType, Outcome, Side, TimeInForce
from predmarket.server.core.stores.base import BatchRecord
from predmarket.server.read_model.queries.gains import Start, marks_now
from predmarket.server.read_model.queries.standings import EVERYBODY, Board, board_now
from predmarket.server.storage.database import Database
from predmarket.units import MONEY_ONE
from tests.support.core_exchange import USERS, Exchange, Running, exchange
from tests.support.database_rows import Sent

__all__ = ["exchange"]

BUY, SELL = Side.BUY, Side.SELL
ALONE, EVENTS = (1, 2, 3), (1, 2)
OF_EVENTS = {1: (4, 5, 6), 2: (7, 8, 9)}
LEDGER = (
    "SELECT user_id, SUM(amount) FROM ledger WHERE counterpart = 'OUTSIDE' GROUP BY user_id",
    "SELECT user_id, fill_seq FROM accounts",
    (
        "SELECT 'all', fees FROM core_state UNION ALL SELECT 'VOID', COALESCE(SUM(fees), 0) FROM "
        "(SELECT fees FROM markets WHERE ending = 'VOID' "
        "UNION ALL SELECT fees FROM events WHERE ending = 'VOID') void"
    ),
)
"""Queries for each account's transfers, its number of trades, and fees (all and of a VOID)."""


@asynccontextmanager
async def reading(exchange: Exchange) -> AsyncIterator[Database]:
    """Open the exchange's database for reading beside the core."""
    db = Database(exchange.url)
    try:
        yield db
    finally:
        await db.close()


async def board_of(db: Database) -> Board:
    """Return the board since each account's beginning."""
    async with db.read() as connection:
        return await board_now(connection, None, EVERYBODY)


def questions() -> Iterator[Command]:
    """Yield two more markets and two events, one of them exhaustive."""
    for slug in ("snow", "hail"):
        yield CreateMarket(slug, "?", "", 1, 300, 0, None, MarketStatus.OPEN, 1)
    for number, exhaustive in ((1, False), (2, True)):
        names = [EventMarket(f"e{number}-{name}", "?", name) for name in "abc"]
        yield CreateEvent(
            slug=f"e{number}", title="?", description="", exhaustive=exhaustive, tick=100,
            maker_rate=0, taker_rate=700, closes_at=None, status=MarketStatus.OPEN, creator_id=1,
            markets=tuple(names),
        )  # fmt: skip


def anything(draw: random.Random) -> Command:
    """Return a random order near the middle, or a transfer."""
    user = draw.randint(1, USERS)
    if draw.random() < 0.1:
        amount = draw.choice((-3, 1, 7)) * MONEY_ONE + draw.randint(0, 9)
        return Transfer(user, amount, "luck", 1)
    market = draw.choice((*ALONE, *OF_EVENTS[1], *OF_EVENTS[2]))
    fine = 1 if market in (2, 3) else 100  # midpoints between two prices too
    price = draw.randint(2_000 // fine, 6_000 // fine) * fine
    side, qty = draw.choice((BUY, SELL)), draw.randint(1, 900)
    return PlaceOrder(user, market, side, OrderType.LIMIT, price, qty, TimeInForce.GTC)


def ends(draw: random.Random) -> list[Command]:
    """Return resolutions of every kind in random order."""
    found: list[Command] = [
        ResolveMarket(1, Outcome.YES, actor_id=1),
        ResolveMarket(2, Outcome.SCALAR, 3_333, actor_id=1),
        ResolveMarket(3, Outcome.VOID, actor_id=1),
        ResolveMarket(5, Outcome.NO, actor_id=1),
        ResolveEvent(2, EventOutcome.WEIGHTS, weights=((7, 2_500), (9, 7_500)), actor_id=1),
    ]
    draw.shuffle(found)
    return [*found, ResolveEvent(1, EventOutcome.VOID, actor_id=1)]


async def test_gains_equal_the_ledger(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each profit is the worth less the money moved, also between the steps of resolutions.

    All profits add up to minus the fees.
    """
    monkeypatch.setattr(steps, "STEP", 4)
    draw = random.Random(3)
    checked = 0

    async with exchange.trading() as running, reading(exchange) as db:
        for question in questions():
            await running.do(question)
        for _ in range(4):
            await asyncio.gather(*[running.do(anything(draw)) for _ in range(40)])
            await check(db)
        commit = running.store.commit_batch

        async def checking(record: BatchRecord) -> None:
            nonlocal checked
            await commit(record)
            await check(db)
            checked += 1

        running.store.commit_batch = checking  # type: ignore[method-assign]
        ended = ends(draw)
        for end in ended:
            await running.do(end)
    assert checked > len(ended), "no resolution took more than one step"


async def check(db: Database) -> None:
    """Compare the board of all users with the ledger."""
    async with db.read() as connection:
        board = await board_now(connection, None, EVERYBODY)
        moved, trades, fees = [
            {row[0]: int(row[1]) for row in await connection.execute(text(sql))} for sql in LEDGER
        ]
    assert board.total == len(board.standings) == USERS
    for one in board.standings:
        user = int(one.display_name.removeprefix("player-"))
        assert (one.value - one.profit, one.trades) == (moved[user], trades[user])
    # A VOID in steps counts as done: its fees are returned.
    assert sum(one.profit for one in board.standings) == fees["VOID"] - fees["all"]
    profits = [one.profit for one in board.standings]
    assert profits == sorted(profits, reverse=True)
    assert [one.rank for one in board.standings] == [
        1 + sum(other > profit for other in profits) for profit in profits
    ]


async def value_of(db: Database, user: int) -> int:
    """Return the board's value of an account."""
    found = {one.display_name: one.value for one in (await board_of(db)).standings}
    return found[f"player-{user}"]


async def fine_market(running: Running) -> None:
    """Let user 1 hold 1.00 YES of a market with the finest tick, bought from user 2 at 0.50."""
    await running.do(CreateMarket("fine", "?", "", 1, 0, 0, None, MarketStatus.OPEN, 1))
    for user, side in ((1, BUY), (2, SELL)):
        await running.do(order(user, side, 5_000))


def order(user: int, side: Side, price: int) -> PlaceOrder:
    """Return an order of one contract in the fine market."""
    return PlaceOrder(user, 2, side, OrderType.LIMIT, price, 100, TimeInForce.GTC)


async def test_the_mark(exchange: Exchange) -> None:
    """The mark is the midpoint of bid and ask, rounded down, else the last price.

    After the resolution it is the payout.
    """
    async with exchange.trading() as running, reading(exchange) as db:
        await fine_market(running)
        before = 99 * MONEY_ONE + MONEY_ONE // 2
        assert await value_of(db, 1) - before == 5_000 * 100
        await running.do(order(3, BUY, 6_000))
        assert await value_of(db, 1) - before == 5_000 * 100
        await running.do(order(4, SELL, 6_003))
        assert await value_of(db, 1) - before == 6_001 * 100
        assert await value_of(db, 2) - before == 3_999 * 100
        await running.do(UpdateMarket(2, MarketStatus.CLOSED, actor_id=1))
        assert await value_of(db, 1) - before == 5_000 * 100
        await running.do(ResolveMarket(2, Outcome.SCALAR, 9_000, actor_id=1))
        assert await value_of(db, 1) - before == 9_000 * 100


async def test_marks_omit_inactive_accounts(exchange: Exchange) -> None:
    """A season's start has a row for each account with a gain or a trade, and no others."""
    async with exchange.trading() as running, reading(exchange) as db:
        await fine_market(running)
        async with db.read() as connection:
            last_trade_id, marks = await marks_now(connection)
        assert last_trade_id == 1
        assert {(one.user_id, one.gain, one.trades) for one in marks} == {(1, 0, 1), (2, 0, 1)}


async def test_a_board_scans_no_history(exchange: Exchange) -> None:
    """A board reads trades and orders by indexes only."""
    async with exchange.trading(), reading(exchange) as db, db.read() as connection:
        sent = Sent(connection)
        await board_now(connection, Start(1, 0), EVERYBODY)
        plan = await sent.plan()
        if connection.dialect.name == "sqlite":  # PostgreSQL scans small tables
            assert "SEARCH trades" in plan
            assert "SCAN trades" not in plan
            assert "SCAN orders" not in plan
