"""Creation of many markets and events by one command: all of them or none."""

import pytest

from predmarket.engine.commands import CreateAll, CreateEvent, CreateMarket, EventMarket
from predmarket.engine.events import EventChanged, MarketChanged
from predmarket.engine.metadata import Metadata
from predmarket.engine.replies import AllCreated, MarketDone
from predmarket.enums import MarketStatus
from predmarket.units import MAX_CREATED_MARKETS
from tests.engine.desk import Desk, code
from tests.engine.event_desk import X

OPEN = MarketStatus.OPEN


def market(slug: str, status: MarketStatus = OPEN) -> CreateMarket:
    """Return a new market."""
    return CreateMarket(slug, "?", "", 100, 0, 0, None, status, X, Metadata("weather"))


def event(slug: str, *markets: str) -> CreateEvent:
    """Return a new event with these markets."""
    of = tuple(EventMarket(one, "?") for one in markets)
    return CreateEvent(slug, "?", "", False, 100, 0, 0, None, OPEN, X, of)


def test_all_are_created_in_order() -> None:
    """Ids are consecutive: the markets, then each event followed by its markets."""
    desk = Desk()
    last = desk.exchange.state.last_market_id
    markets = (market("one"), market("two", MarketStatus.DRAFT))
    reply = desk.apply(CreateAll(markets, (event("a", "a1", "a2"), event("b", "b1", "b2"))))
    assert reply == AllCreated((last + 1, last + 2), (1, 2))
    state = desk.exchange.state
    assert [state.slugs[slug] - last for slug in ("one", "two", "a1", "a2", "b1", "b2")] == [
        *range(1, 7)
    ]
    assert state.markets[last + 2].status is MarketStatus.DRAFT
    assert state.markets[last + 1].metadata == Metadata("weather")
    changed = [type(one) for one in desk.events]
    each = [MarketChanged, MarketChanged, EventChanged]
    assert changed == [MarketChanged, MarketChanged, *each, *each]


@pytest.mark.parametrize(
    ("markets", "events", "expected"),
    [
        ([market("new"), market("there")], [], "SLUG_TAKEN"),
        ([market("new"), market("new")], [], "SLUG_TAKEN"),
        ([market("new")], [event("a", "new", "a2")], "SLUG_TAKEN"),
        ([market("new")], [event("a", "a1", "there")], "SLUG_TAKEN"),
        ([market("new")], [event("a", "a1", "a2"), event("a", "a3", "a4")], "SLUG_TAKEN"),
        ([market("new")], [event("a", "a1", "a2"), event("b", "b1", "a2")], "SLUG_TAKEN"),
        ([market("new")], [event("a", "a1")], "VALIDATION_FAILED"),
        ([market(f"m{n}") for n in range(MAX_CREATED_MARKETS + 1)], [], "VALIDATION_FAILED"),
    ],
)
def test_or_none(markets: list[CreateMarket], events: list[CreateEvent], expected: str) -> None:
    """A duplicate slug, too small an event or too many elements: nothing is created."""
    desk = Desk()
    assert isinstance(desk.apply(market("there")), MarketDone)
    state = desk.exchange.state
    before = (state.last_market_id, state.last_event_id, {**state.slugs})
    desk.exchange.take_changes()
    assert code(desk.apply(CreateAll(tuple(markets), tuple(events)))) == expected
    assert (state.last_market_id, state.last_event_id, state.slugs) == before
    assert (desk.events, desk.exchange.take_changes().markets) == ([], {})
