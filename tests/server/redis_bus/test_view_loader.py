"""The market view that a gateway loads from the database."""

from predmarket.engine.commands import (
    CreateAll,
    CreateEvent,
    CreateMarket,
    EventMarket,
    ProposeResolution,
    ResolveEvent,
    ResolveMarket,
    UpdateEvent,
)
from predmarket.engine.metadata import Metadata, MetadataChange
from predmarket.engine.replies import AllCreated
from predmarket.enums import EventOutcome, MarketStatus, Outcome, Side
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis_bus import view_loader
from predmarket.server.storage.database import Database
from tests.support.core_exchange import MARKET, METADATA, Exchange, exchange, limit

__all__ = ["exchange"]


async def test_a_loaded_view_equals_a_followed_one(exchange: Exchange) -> None:
    """A loaded view equals a followed one in each field of markets, events and books."""
    view, database = MarketView(), Database(exchange.url)
    outcomes = (EventMarket("a", "?", "A"), EventMarket("b", "?"))
    race = CreateEvent(
        "race", "?", "", True, 100, 0, 0, None, MarketStatus.OPEN, 1, outcomes, Metadata("sports")
    )
    async with exchange.trading() as running:
        snow = CreateMarket("snow", "?", "", 100, 0, 0, None, MarketStatus.OPEN, 1)
        assert await running.do(CreateAll((snow,), (race,))) == AllCreated((2,), (1,))
        change = MetadataChange("", ("fast",))
        await running.do(UpdateEvent(1, title="Who?", metadata=change, actor_id=1))
        tie = ResolveEvent(1, EventOutcome.WEIGHTS, None, ((3, 4_000), (4, 6_000)), 1, "A tie.")
        await running.do(ProposeResolution(tie, 10**17))
        await running.do(ProposeResolution(ResolveMarket(2, Outcome.NO, actor_id=1), by_two=True))
        await running.do(limit(1, Side.BUY, 5, 40))
        try:
            await view_loader.load(database, view)
        finally:
            await database.close()
        assert [*view] == [*running.view]
        assert view.events == running.view.events
        assert view.book(MARKET).levels(Side.BUY) == running.view.book(MARKET).levels(Side.BUY)
    assert exchange.audited() == []
    found = view.find(MARKET)
    assert found is not None
    proposals = view.events[1].proposal, view.find(2).proposal  # type: ignore[union-attr]  # there
    assert [one is not None and one.effective_at for one in proposals] == [10**17, None]
    assert (found.metadata, view.events[1].metadata) == (METADATA, Metadata(tags=("fast",)))
