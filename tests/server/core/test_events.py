"""Events through the core to the database and back: every command, and interrupted steps."""

import asyncio
from collections.abc import Callable

import pytest

from predmarket.engine.commands import (
    AddMarket,
    Command,
    CreateEvent,
    EventMarket,
    OpenAccount,
    PlaceOrder,
    ResolveEvent,
    ResolveMarket,
    UpdateEvent,
)
from predmarket.engine.replies import EventDone, EventResolved, MarketDone, Resolved
from predmarket.enums import EventOutcome, MarketStatus, OrderType, Outcome, Side, TimeInForce
from predmarket.server.core.state_loader import LoadError
from predmarket.server.read_model.queries.holdings import holdings_of
from predmarket.server.read_model.records import HoldingRecord
from predmarket.server.storage.database import Database
from predmarket.units import MONEY_ONE
from tests.support.core_exchange import DEPOSIT, Exchange, Running

BUY, SELL = Side.BUY, Side.SELL
X, Y, Z, W = 1, 2, 3, 4
A, B, C, D = 1, 2, 3, 4
TEN = 1_000


def race(*, exhaustive: bool = False, slug: str = "race") -> CreateEvent:
    """Return an event with the markets A, B and C."""
    return CreateEvent(
        slug=slug,
        title="Who wins?",
        description="",
        exhaustive=exhaustive,
        tick=100,
        maker_rate=0,
        taker_rate=0,
        closes_at=None,
        status=MarketStatus.OPEN,
        creator_id=X,
        markets=tuple(EventMarket(f"{slug}-{letter}", "?", letter.upper()) for letter in "abc"),
    )


async def order(running: Running, user: int, side: Side, market: int, cents: int) -> None:
    """Place an order of ten contracts."""
    await running.do(
        PlaceOrder(user, market, side, OrderType.LIMIT, cents * 100, TEN, TimeInForce.GTC)
    )


async def trade(running: Running, buyer: int, seller: int, market: int, cents: int) -> None:
    """Trade ten contracts."""
    await order(running, seller, SELL, market, cents)
    await order(running, buyer, BUY, market, cents)


async def prepare(running: Running, *, exhaustive: bool = False) -> None:
    """Create the positions of the rules' examples 6 and 7.

    X has NO of A and of B, Y has A, Z has B.
    """
    for user in (X, Y, Z, W):
        await running.do(OpenAccount(user, DEPOSIT))
    assert await running.do(race(exhaustive=exhaustive)) == EventDone(1)
    await trade(running, Y, X, A, 40)
    await trade(running, Z, X, B, 30)


def cash(exchange: Exchange) -> list[int]:
    """Return the gains of X, Y, Z and W in dollars."""
    rows = exchange.rows("SELECT available + locked FROM accounts ORDER BY user_id")
    return [(int(row[0]) - DEPOSIT) // 10_000 for row in rows]


@pytest.mark.parametrize(
    ("outcome", "left"),
    [
        (ResolveEvent(1, EventOutcome.WINNER, A), [-300, 600, -300, 0]),
        (ResolveEvent(1, EventOutcome.NONE), [700, -400, -300, 0]),
        (
            ResolveEvent(1, EventOutcome.WEIGHTS, None, ((A, 5_000), (0, 5_000))),
            [200, 100, -300, 0],
        ),
        (ResolveEvent(1, EventOutcome.VOID), [0, 0, 0, 0]),
    ],
    ids=lambda command: command.outcome.value if isinstance(command, ResolveEvent) else "",
)
async def test_every_command_is_kept(
    exchange: Exchange, outcome: ResolveEvent, left: list[int]
) -> None:
    """A restart and a replay reproduce each state: made, traded, extended, halted, resolved."""
    async with exchange.running() as running:
        await prepare(running)
        assert await running.do(AddMarket(1, "race-d", "?", "D", X)) == MarketDone(D)
        await order(running, X, BUY, A, 20)  # the closing part of this order holds B, C, D and NONE
        assert exchange.stored() == running.in_memory()
        await running.do(UpdateEvent(1, MarketStatus.HALTED, title="Who won?", actor_id=X))
        await running.do(UpdateEvent(1, sets_closes_at=True, closes_at=10**17, actor_id=X))
    async with exchange.running() as running:
        assert exchange.stored() == running.in_memory()
        assert running.view.event_status(1) is MarketStatus.HALTED
        resolved = await running.do(
            ResolveEvent(1, outcome.outcome, outcome.market_id, outcome.weights, actor_id=X)
        )
        assert isinstance(resolved, EventResolved)
        assert exchange.stored() == running.in_memory()
        record = running.view.find_event("race")
        assert record is not None
        assert (record.outcome, record.title, record.open_interest) == (
            outcome.outcome, "Who won?", 0,
        )  # fmt: skip
        assert [market.label for market in running.view.markets_of(1)] == ["A", "B", "C", "D"]
    assert cash(exchange) == left
    assert exchange.audited() == []
    acts = exchange.rows("SELECT action, target FROM admin_log WHERE action <> 'TRANSFER'")
    void = outcome.outcome is EventOutcome.VOID
    assert [tuple(act) for act in acts] == [
        ("EVENT_CREATE", "event:1"), ("MARKET_CREATE", "market:4"), ("EVENT_HALT", "event:1"),
        ("EVENT_UPDATE", "event:1"), ("EVENT_VOID" if void else "EVENT_RESOLVE", "event:1"),
    ]  # fmt: skip


async def test_holdings_of_a_user(exchange: Exchange) -> None:
    """A user's holdings show each outcome's payout and the cash already paid by merges.

    The figures are those of the rules' example 7.
    """
    async with exchange.running() as running:
        await prepare(running)
    database = Database(exchange.url)
    try:
        async with database.read() as connection:
            (held,) = await holdings_of(connection, X)
            assert await holdings_of(connection, W) == []
            assert await holdings_of(connection, Y, 1) == [HoldingRecord(1, 0, ((A, TEN),))]
    finally:
        await database.close()
    assert held == HoldingRecord(1, TEN, ((A, -TEN), (B, -TEN)))
    assert [held.payoff(market) for market in (A, B, C)] == [0, 0, 10 * MONEY_ONE]
    assert (held.none, held.returned) == (10 * MONEY_ONE, 10 * MONEY_ONE)


async def test_a_base_may_be_negative(exchange: Exchange) -> None:
    """The base of a user who bought all outcomes is negative, as in the rules' example 10."""
    async with exchange.running() as running:
        await prepare(running, exhaustive=True)
        await trade(running, W, X, A, 40)
        await trade(running, W, Y, B, 30)
        await trade(running, W, Z, C, 25)
        assert exchange.stored() == running.in_memory()
    assert exchange.rows("SELECT base FROM holdings WHERE user_id = 4") == [(-TEN,)]
    assert exchange.audited() == []


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "command",
    [
        ResolveEvent(1, EventOutcome.WINNER, A),
        ResolveEvent(1, EventOutcome.VOID),
        ResolveMarket(A, Outcome.NO),
        UpdateEvent(1, MarketStatus.CLOSED),
    ],
    ids=["winner", "void", "strike", "close"],
)
@pytest.mark.parametrize("committed", [1, 2, 3, 4])
async def test_the_next_core_goes_on_between_the_steps(
    exchange: Exchange, command: Command, committed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill between two steps a load finds the finished steps.

    The next core does the rest.
    """
    monkeypatch.setattr("predmarket.engine.steps.STEP", 1)
    async with exchange.running() as running:
        await prepare(running)
        await order(running, X, BUY, A, 20)
        await order(running, W, BUY, A, 10)
        settle, left = running.store.commit_batch, committed

        async def settle_some(settlement: object) -> None:
            nonlocal left
            if not left:
                await asyncio.sleep(3600)
            left -= 1
            await settle(settlement)  # type: ignore[arg-type]

        monkeypatch.setattr(running.store, "commit_batch", settle_some)
        asking = asyncio.create_task(running.do(command))
        await until(lambda: asking.done() or (not left and running.core.pipeline.under_way))
        await running.core.stop(limit_s=0.05)
        await asyncio.gather(asking, return_exceptions=True)
    exchange.stored()
    async with exchange.running() as running:
        state = running.state
        await until(lambda: not state.unfinished and running.core.pipeline.all_answered)
        assert exchange.stored() == running.in_memory()
        if isinstance(command, ResolveMarket):
            assert running.view.find(A).status is MarketStatus.RESOLVED  # type: ignore[union-attr]
            await trade(running, W, Z, C, 50)
            assert exchange.stored() == running.in_memory()
            await running.do(ResolveEvent(1, EventOutcome.VOID))
            assert cash(exchange) == [0, 0, 0, 0]
        else:
            closed = isinstance(command, UpdateEvent)
            assert (state.market_events[1].outcome is None) == closed
            assert not state.orders
    assert exchange.audited() == []


async def test_a_strike_answers_and_merges(exchange: Exchange) -> None:
    """A strike pays X's set of B, C and NONE, as in the rules' example 11.

    The position in the struck market is kept for a VOID.
    """
    async with exchange.running() as running:
        for user in (X, Y, Z, W):
            await running.do(OpenAccount(user, DEPOSIT))
        await running.do(race())
        await trade(running, Y, X, A, 40)
        struck = await running.do(ResolveMarket(A, Outcome.NO, actor_id=X))
        assert struck == Resolved(A, 1, 10 * MONEY_ONE)
        assert exchange.stored() == running.in_memory()
    assert cash(exchange) == [400, -400, 0, 0]
    assert exchange.rows(
        "SELECT action, target FROM admin_log WHERE action = 'MARKET_RESOLVE'"
    ) == [("MARKET_RESOLVE", "market:1")]
    assert exchange.audited() == []


@pytest.mark.parametrize(
    ("tampering", "caught_by"),
    [
        ("UPDATE holdings SET base = base + 1 WHERE user_id = 1", "events: bases = sets"),
        ("UPDATE events SET collateral = collateral + 10000, open_interest = open_interest + 1",
         "events: collateral"),
        ("UPDATE holdings SET base = base - 1000 WHERE user_id = 1", "events: nobody owes"),
        ("UPDATE positions SET event_id = NULL WHERE user_id = 2", "events: positions have"),
        ("DELETE FROM holdings WHERE user_id = 2", "events: positions have"),
        ("UPDATE events SET fees = fees + 1", "fees: over markets and events"),
        ("UPDATE events SET id = 7", "references: every row of markets names event_id"),
        ("UPDATE events SET title = 'Who lost?'", "state: replayed"),
        ("UPDATE markets SET label = 'Q'", "state: replayed"),
    ],
)  # fmt: skip
async def test_tampering_is_found(exchange: Exchange, tampering: str, caught_by: str) -> None:
    """Each change of the data fails the check named for it."""
    async with exchange.running() as running:
        await prepare(running)
    if exchange.url.startswith("postgresql"):
        exchange.execute("SET session_replication_role = replica; " + tampering)
    else:
        exchange.execute(tampering)
    assert any(check.name.startswith(caught_by) for check in exchange.audited())


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE holdings SET base = base + 1 WHERE user_id = 1",
        "UPDATE events SET outcomes = outcomes - 1",
        "UPDATE positions SET event_id = NULL WHERE user_id = 2",
    ],
)
async def test_a_load_refuses_events_that_do_not_add_up(exchange: Exchange, tampering: str) -> None:
    """A load refuses an event that does not add up, as it refuses a market."""
    async with exchange.running() as running:
        await prepare(running)
    exchange.execute(tampering)
    with pytest.raises(LoadError):
        exchange.stored()
