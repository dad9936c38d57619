"""Proposed resolutions through the core to the database and back, also over downtime."""

import asyncio

import pytest

from predmarket.engine.commands import (
    ConfirmProposal,
    CreateEvent,
    EventMarket,
    ProposeResolution,
    ResolveEvent,
    ResolveMarket,
    WithdrawProposal,
)
from predmarket.engine.replies import MarketDone, Resolved
from predmarket.enums import EventOutcome, MarketStatus, Outcome, Side
from predmarket.server.core.state_loader import LoadError
from tests.support.clock import Shown
from tests.support.core_exchange import MARKET, Exchange, Running

NOW = 1_000_000_000
SOON = NOW + 1_000_000
YES = ResolveMarket(MARKET, Outcome.YES, actor_id=1, note="It rained.\nTwice.", source="met.no")
TIE = ResolveEvent(1, EventOutcome.WEIGHTS, None, ((2, 4_000), (0, 6_000)), 1, "A tie.", None)


async def prepare(running: Running) -> None:
    """Trade ten contracts, leave one open order, and create an event."""
    await running.place(1, Side.BUY, 10, 60)
    await running.place(2, Side.SELL, 10, 60)
    await running.place(3, Side.BUY, 1, 10)
    markets = tuple(EventMarket(f"race-{letter}", "?") for letter in "abc")
    await running.do(
        CreateEvent("race", "?", "", False, 100, 0, 0, None, MarketStatus.OPEN, 1, markets)
    )


async def test_proposals_are_executed_after_downtime(exchange: Exchange) -> None:
    """A proposal that fell due during downtime is executed at its own time by the next core."""
    now = NOW
    async with exchange.trading(clock=Shown(lambda: now)) as running:
        await prepare(running)
        assert await running.do(ProposeResolution(YES, SOON)) == MarketDone(MARKET)
        await running.do(ProposeResolution(TIE, SOON))
        assert exchange.stored() == running.in_memory()
        proposal = running.view.find(MARKET).proposal  # type: ignore[union-attr]
        assert proposal is not None
        assert (proposal.resolution, proposal.effective_at) == (YES, SOON)
    assert exchange.loaded_view().events[1].proposal.resolution == TIE  # type: ignore[union-attr]
    now = SOON + 5_000_000
    async with exchange.running(clock=Shown(lambda: now)) as running:
        async with asyncio.timeout(60):
            while running.view.events[1].outcome is None:
                await asyncio.sleep(0)
        assert running.view.find(MARKET).outcome is Outcome.YES  # type: ignore[union-attr]
        assert exchange.stored() == running.in_memory()
    paid = exchange.rows("SELECT created_at, amount FROM ledger WHERE kind = 'PAYOUT'")
    assert paid == [(SOON, 10_000_000)]
    acts = exchange.rows("SELECT action, target, actor_id FROM admin_log ORDER BY seq")
    assert acts[-4:] == [
        ("MARKET_PROPOSE", "market:1", 1),
        ("EVENT_PROPOSE", "event:1", 1),
        ("MARKET_RESOLVE", "market:1", 1),
        ("EVENT_RESOLVE", "event:1", 1),
    ]
    assert exchange.audited() == []


async def test_proposals_wait_for_a_second_admin(exchange: Exchange) -> None:
    """A proposal that needs another admin waits past its time, over a restart.

    The other admin's confirmation pays; a withdrawal pays nothing.
    """
    now = NOW
    async with exchange.trading(clock=Shown(lambda: now)) as running:
        await prepare(running)
        await running.do(ProposeResolution(YES, SOON, by_two=True))
        await running.do(ProposeResolution(TIE, None, by_two=True))
    now = SOON + 5_000_000
    async with exchange.running(clock=Shown(lambda: now)) as running:
        assert running.view.find(MARKET).status is MarketStatus.CLOSED  # type: ignore[union-attr]
        assert isinstance(await running.do(ConfirmProposal(MARKET, None, 2)), Resolved)
        await running.do(WithdrawProposal(None, 1, 1))
        assert exchange.stored() == running.in_memory()
        assert running.view.events[1].proposal is None
    details = exchange.rows(
        "SELECT actor_id, details FROM admin_log WHERE action = 'MARKET_RESOLVE'"
    )
    assert details[0][0] == 2
    assert '"proposedBy":1' in details[0][1]
    assert exchange.audited() == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE markets SET status = 'OPEN' WHERE id = 1",
        "UPDATE markets SET proposal = '[]' WHERE id = 1",
        "UPDATE markets SET status = 'OPEN' WHERE id = 3",
    ],
)
async def test_a_load_refuses_impossible_proposals(exchange: Exchange, tampering: str) -> None:
    """A load refuses a proposal without a proposer, and one whose market is open."""
    async with exchange.trading() as running:
        await prepare(running)
        await running.do(ProposeResolution(YES, None))
        await running.do(ProposeResolution(TIE, None))
    exchange.execute(tampering)
    with pytest.raises((LoadError, ValueError)):
        exchange.stored()
