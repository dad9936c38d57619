"""Lists of markets and events return the right pages at a cost proportional to the page."""

import asyncio

import httpx
import msgspec
import pytest

from predmarket.enums import MarketStatus
from predmarket.server.gateway.lists import LOOKED_A_TURN
from predmarket.server.read_model.announcements import Counts
from predmarket.server.read_model.changes import Changes, MarketChange
from predmarket.server.read_model.listing import Kind
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import MarketRecord
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json

MANY = 3_000
LISTS = (
    ("/v1/markets", "items"),
    ("/v1/events", "items"),
    ("/trade-api/v2/markets", "markets"),
    ("/trade-api/v2/events", "events"),
    ("/trade-api/v2/series", "series"),
)


@pytest.fixture
def more_settings() -> dict[str, str]:
    """Return the settings of an exchange with the Kalshi-shaped API."""
    return {"kalshi": "on"}


async def get(client: httpx.AsyncClient, path: str, **query: str | int) -> Json:
    """Return the body of a list."""
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def event(exchange: Exchange, slug: str) -> None:
    """Create an event of two markets."""
    names = [{"slug": f"{slug}-{one}", "question": f"{one}?"} for one in "ab"]
    body = {"slug": slug, "title": "Who wins?", "markets": names}
    assert (await exchange.admin.client.post("/v1/events", json=body)).status_code == 201


def fill(view: MarketView) -> None:
    """Put many markets into a view."""
    one = next(iter(view))
    records = [
        MarketRecord(
            **{**msgspec.structs.asdict(one), "id": id, "slug": f"many-{id}", "event_id": None}
        )
        for id in range(1_000, 1_000 + MANY)
    ]
    view.apply(Changes(0, 0, markets=[MarketChange(record, 0, None) for record in records]))


@ON_ONE_DATABASE
async def test_a_page_costs_its_own_items(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page among thousands of markets costs its own items, in both APIs.

    A search yields to other tasks.
    """
    await exchange.market("rain")
    await event(exchange, "race")
    fill(exchange.node.view)
    looked_at = 0
    market = MarketView.market

    def counted(view: MarketView, market_id: int) -> MarketRecord:
        nonlocal looked_at
        looked_at += 1
        return market(view, market_id)

    def everything(view: MarketView) -> None:
        raise AssertionError("a list looks at every market")

    monkeypatch.setattr(MarketView, "market", counted)
    monkeypatch.setattr(MarketView, "__iter__", everything)
    for path, name in LISTS:
        looked_at = 0
        for query in ({}, {"status": "OPEN" if "v1" in path else "open"}):
            assert (await get(exchange.anonymous, path, limit=5, **query))[name]
        assert looked_at < 500, path

    found = asyncio.create_task(get(exchange.anonymous, "/v1/markets", q="race-a"))
    turns = 0
    while not found.done():
        turns += 1
        await asyncio.sleep(0)
    assert [one["slug"] for one in (await found)["items"]] == ["race-a"]
    assert turns > MANY // LOOKED_A_TURN


@ON_ONE_DATABASE
async def test_a_list_follows_what_happens_to_its_markets(exchange: Exchange) -> None:
    """An event has the status of its most open market, and only admins see drafts."""
    await exchange.market("rain")
    await event(exchange, "race")
    await event(exchange, "cup")
    await exchange.market("draft", status="DRAFT")
    boss = exchange.admin.client
    assert (await boss.patch("/v1/markets/race-a", json={"status": "CLOSED"})).is_success

    async def listed(path: str, **query: str | int) -> list[str]:
        found = await get(boss if path.startswith("/v1") else exchange.anonymous, path, **query)
        rows = found[dict(LISTS)[path]]
        return [one.get("slug") or one.get("event_ticker") for one in rows]

    assert await listed("/v1/markets") == ["draft", "cup-b", "cup-a", "race-b", "race-a", "rain"]
    assert await listed("/v1/markets", limit=2, offset=3) == ["race-b", "race-a"]
    assert await listed("/v1/markets", status="CLOSED") == ["race-a"]
    assert await listed("/v1/markets", q="A", status="CLOSED") == ["race-a"]
    assert (await get(exchange.anonymous, "/v1/markets"))["total"] == 5
    assert (await get(boss, "/v1/markets", q="a", limit=1, offset=1))["total"] == 5
    assert await listed("/v1/events", status="CLOSED") == []
    assert (await boss.patch("/v1/events/race", json={"status": "CLOSED"})).is_success
    assert await listed("/v1/events", status="CLOSED") == ["race"]
    assert await listed("/trade-api/v2/events", status="open") == ["CUP", "RAIN"]
    assert await listed("/trade-api/v2/events") == ["CUP", "RACE", "RAIN"]
    ended = await boss.post("/v1/events/race/resolve", json={"outcome": "VOID"})
    assert ended.is_success, ended.text
    assert await listed("/v1/events", status=MarketStatus.VOIDED) == ["race"]
    assert await listed("/trade-api/v2/events", status="settled") == ["RACE"]
    loaded = MarketView()
    view = exchange.node.view
    every = [*view]
    loaded.restore(
        [(one, 0, view.book(one.id)) for one in every],
        [(one, 0) for one in view.events.values()],
        Counts(0, {}),
    )
    for status in MarketStatus:
        for name in ("market_list", "event_list", "question_list"):
            now, then = (getattr(one, name).newest([Kind(status)]) for one in (view, loaded))
            assert [*now] == [*then]
