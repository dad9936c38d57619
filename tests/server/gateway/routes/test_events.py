"""Events over HTTP: creation, display, trading, strikes, resolution; worked examples 6 to 11."""

from sqlalchemy import select

from predmarket.server.storage.tables.trading import events
from tests.server.gateway.digest import COMMANDS, Watch
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_orders import cash, order


async def create(
    exchange: Exchange, slug: str = "race", letters: str = "abc", **of: object
) -> Json:
    """Create an event with a market for each letter."""
    markets = [
        {"slug": f"{slug}-{one}", "question": f"Does {one} win?", "label": one.upper()}
        for one in letters
    ]
    body = {"slug": slug, "title": "Who wins the race?", "markets": markets, **of}
    answer = await exchange.admin.client.post("/v1/events", json=body)
    assert answer.status_code == 201, answer.text
    event: Json = answer.json()
    return event


async def resolve(exchange: Exchange, body: Json, slug: str = "race") -> Json:
    """Resolve an event."""
    answer = await exchange.admin.client.post(f"/v1/events/{slug}/resolve", json=body)
    assert answer.status_code == 200, answer.text
    ended: Json = answer.json()
    return ended


async def available(*users: User) -> list[str]:
    """Return each user's available cash, none of which is locked."""
    found = [await cash(user) for user in users]
    assert {locked for _, locked in found} == {"0.000000"}
    return [free for free, _ in found]


async def positions(user: User) -> dict[str, tuple[str, str, str]]:
    """Return YES, NO and realizedPnl by the market's last letter."""
    items = (await user.client.get("/v1/user/positions")).json()["items"]
    return {
        one["marketSlug"][-1]: (one["qtyLong"], one["qtyShort"], one["realizedPnl"])
        for one in items
    }


async def held(user: User) -> tuple[str, str | None, list[str]]:
    """Return a user's cash returned by an event, and the payouts of NONE and of each market."""
    (one,) = (await user.client.get("/v1/user/events")).json()["items"]
    return one["returned"], one["none"], [outcome["payoff"] for outcome in one["payoffs"]]


async def preview(user: User, side: str, qty: str, price: str, market: str) -> Json:
    """Return the preview of an order."""
    body = {"marketId": market, "side": side, "type": "LIMIT", "price": price, "qty": qty}
    answer = await user.client.post("/v1/orders/preview", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def examples_6_to_8(exchange: Exchange, slug: str) -> tuple[User, User, User]:
    """Create example 8: two NO positions for 0.30 together, and one of them sold."""
    await create(exchange, slug)
    x, y, z = [await exchange.trader(f"{name}-{slug}") for name in "xyz"]
    await order(x, "SELL", 10, "0.40", f"{slug}-a")
    assert await cash(x) == ("94.000000", "6.000000")
    await order(y, "BUY", 10, "0.40", f"{slug}-a")
    assert await available(x, y) == ["94.000000", "96.000000"]
    assert await positions(x) == {"a": ("0.00", "10.00", "0.000000")}
    assert await positions(y) == {"a": ("10.00", "0.00", "0.000000")}
    assert await held(x) == ("0.000000", "10.000000", ["0.000000", "10.000000", "10.000000"])

    seen = await preview(x, "SELL", "10", "0.30", f"{slug}-b")
    assert (seen["locked"], seen["coveredQty"], seen["restQty"]) == ("0.000000", "10.00", "10.00")
    await order(x, "SELL", 10, "0.30", f"{slug}-b")
    assert await cash(x) == ("94.000000", "0.000000")
    await order(z, "BUY", 10, "0.30", f"{slug}-b")
    assert await available(x, z) == ["97.000000", "97.000000"]
    assert await held(x) == ("10.000000", "10.000000", ["0.000000", "0.000000", "10.000000"])
    value = (await x.client.get("/v1/user/portfolio")).json()
    assert (value["positionsValue"], value["totalValue"]) == ("3.000000", "100.000000")
    event = (await exchange.anonymous.get(f"/v1/events/{slug}")).json()
    assert event["openInterest"] == "10.00"
    assert [one["openInterest"] for one in event["markets"]] == ["10.00", "10.00", "0.00"]

    seen = await preview(x, "BUY", "10", "0.45", f"{slug}-a")
    assert (seen["locked"], seen["coveredQty"]) == ("4.500000", "0.00")
    await order(x, "BUY", 10, "0.45", f"{slug}-a")
    assert await cash(x) == ("92.500000", "4.500000")
    await order(y, "SELL", 10, "0.45", f"{slug}-a")
    assert await available(x, y) == ["92.500000", "100.500000"]
    assert await positions(x) == {
        "a": ("0.00", "0.00", "-0.500000"),
        "b": ("0.00", "10.00", "0.000000"),
    }
    assert await held(x) == ("0.000000", "10.000000", ["10.000000", "0.000000", "10.000000"])
    return x, y, z


async def test_examples_6_to_9(exchange: Exchange) -> None:
    """Examples 6 to 9 give the exact cash for each outcome."""
    ends: list[tuple[str, Json, list[str], str]] = [
        ("won", {"outcome": "won-a"}, ["102.500000", "100.500000", "97.000000"], "won-a"),
        ("second", {"outcome": "second-b"}, ["92.500000", "100.500000", "107.000000"], "second-b"),
        ("nobody", {"outcome": "NONE"}, ["102.500000", "100.500000", "97.000000"], "NONE"),
        (
            "tied",
            {"weights": {"tied-a": "0.5", "tied-b": 0.5}},
            ["97.500000", "100.500000", "102.000000"],
            "WEIGHTS",
        ),
        ("off", {"outcome": "VOID"}, ["100.000000"] * 3, "VOID"),
    ]
    for slug, body, cash_then, outcome in ends:
        users = await examples_6_to_8(exchange, slug)
        ended = await resolve(exchange, body, slug)
        assert await available(*users) == cash_then
        assert ended["event"]["outcome"] == outcome
        status = "VOIDED" if slug == "off" else "RESOLVED"
        assert {one["status"] for one in ended["event"]["markets"]} == {status}
        assert ended["event"]["status"] == status
        assert ended["payouts"]["total"] == "10.000000"
        assert (await users[0].client.get("/v1/user/events")).json()["items"] == []
        lines = (await users[0].client.get("/v1/user/ledger")).json()["items"]
        if slug == "won":
            assert (lines[0]["kind"], lines[0]["amount"]) == ("PAYOUT", "10.000000")
            assert (lines[0]["marketId"], lines[0]["eventSlug"]) == (None, slug)


async def test_example_10(exchange: Exchange) -> None:
    """A whole set of an exhaustive event merges into cash.

    NO of every outcome returns two dollars.
    """
    await create(exchange, exhaustive=True)
    x, y = await exchange.trader("x"), await exchange.trader("y")
    prices = {"a": "0.40", "b": "0.30", "c": "0.25"}
    for letter, price in prices.items():
        await order(x, "BUY", 10, price, f"race-{letter}")
        await order(y, "SELL", 10, price, f"race-{letter}")
        if letter == "b":
            assert await available(x, y) == ["93.000000", "97.000000"]
            assert await held(y) == ("10.000000", None, ["0.000000", "0.000000", "10.000000"])
    assert await available(x, y) == ["100.500000", "99.500000"]
    assert await held(x) == ("10.000000", None, ["0.000000"] * 3)
    assert await held(y) == ("20.000000", None, ["0.000000"] * 3)
    event = (await exchange.anonymous.get("/v1/events/race")).json()
    assert event["openInterest"] == "0.00"
    ended = await resolve(exchange, {"outcome": "race-b"})
    assert ended["payouts"] == {"accounts": 0, "total": "0.000000"}
    assert await available(x, y) == ["100.500000", "99.500000"]


async def test_example_11(exchange: Exchange) -> None:
    """A struck outcome is paid out of the remaining sets; an added outcome is held with NONE."""
    await create(exchange)
    x, y, z, w = [await exchange.trader(name) for name in "xyzw"]
    await order(x, "SELL", 10, "0.40", "race-a")
    await order(y, "BUY", 10, "0.40", "race-a")
    struck = await exchange.admin.client.post("/v1/markets/race-a/resolve", json={"outcome": "NO"})
    assert struck.status_code == 200, struck.text
    assert struck.json()["market"]["status"] == "RESOLVED"
    assert await available(x, y) == ["104.000000", "96.000000"]
    assert (await positions(x))["a"] == ("0.00", "0.00", "4.000000")
    added = await exchange.admin.client.post(
        "/v1/events/race/markets", json={"slug": "race-d", "question": "Does D win?"}
    )
    assert added.status_code == 201, added.text
    assert (added.json()["eventSlug"], added.json()["label"]) == ("race", None)
    await order(w, "SELL", 5, "0.20", "race-d")
    await order(z, "BUY", 5, "0.20", "race-d")
    assert await available(w, z) == ["96.000000", "99.000000"]
    assert await held(w) == ("0.000000", "5.000000", ["5.000000", "5.000000", "0.000000"])
    event = (await exchange.anonymous.get("/v1/events/race")).json()
    assert [one["status"] for one in event["markets"]] == ["RESOLVED", "OPEN", "OPEN", "OPEN"]
    assert (event["status"], event["marketCount"]) == ("OPEN", 4)
    assert event["series"] == "race"


@ON_ONE_DATABASE
async def test_published_conversion(exchange: Exchange) -> None:
    """m NO shares are worth m - 1 dollars and YES of every other outcome.

    This is Polymarket's conversion. X has NO of three of five outcomes, then sells the other two
    and NONE.
    """
    await create(exchange, letters="abcde")
    x, y = await exchange.trader("x"), await exchange.trader("y")
    for letter in "abc":
        await order(x, "SELL", 1, "0.50", f"race-{letter}")
        await order(y, "BUY", 1, "0.50", f"race-{letter}")
    # 0.50 was locked for the first NO alone; it covered the other two
    assert await available(x) == ["100.500000"]
    assert await held(x) == (
        "2.000000",
        "1.000000",
        ["0.000000", "0.000000", "0.000000", "1.000000", "1.000000"],
    )
    for letter in "de":
        seen = await preview(x, "SELL", "1", "0.10", f"race-{letter}")
        assert (seen["locked"], seen["coveredQty"]) == ("0.000000", "1.00")


@ON_ONE_DATABASE
async def test_lists_and_changes(exchange: Exchange) -> None:
    """Events are listed, found and changed, and only admins see drafts."""
    await create(exchange, "first", title="Who is first?")
    await create(exchange, "second", status="DRAFT")
    boss, public = exchange.admin.client, exchange.anonymous

    async def listed(client: object, query: str = "") -> list[str]:
        assert hasattr(client, "get")
        return [one["slug"] for one in (await client.get(f"/v1/events{query}")).json()["items"]]

    assert await listed(boss) == ["second", "first"]
    assert await listed(public) == ["first"]
    assert await listed(public, "?q=FIRST%3F&status=OPEN") == ["first"]
    assert await listed(public, "?q=nothing") == []
    first = (await boss.get("/v1/events?limit=1")).json()
    assert "markets" not in first["items"][0]
    assert first["total"] == 2
    assert await listed(boss, f"?limit=1&cursor={first['nextCursor']}") == ["first"]
    assert (await public.get("/v1/events/second")).json()["error"]["code"] == "EVENT_NOT_FOUND"

    shown = (await public.get("/v1/events/1")).json()
    assert (shown["slug"], shown["outcome"], shown["exhaustive"]) == ("first", None, False)
    market = (await public.get("/v1/markets/first-a")).json()
    assert market == shown["markets"][0]
    assert (market["eventId"], market["eventSlug"], market["label"]) == (1, "first", "A")

    change = {"status": "HALTED", "title": "Who was first?", "closesAt": "2999-01-01T00:00:00Z"}
    changed = (await boss.patch("/v1/events/first", json=change)).json()
    assert (changed["status"], changed["title"]) == ("HALTED", "Who was first?")
    assert {one["status"] for one in changed["markets"]} == {"HALTED"}
    assert {one["closesAt"] for one in changed["markets"]} == {"2999-01-01T00:00:00.000000Z"}
    await exchange.market("alone")
    alone = (await public.get("/v1/markets/alone")).json()
    assert (alone["eventId"], alone["eventSlug"], alone["label"]) == (None, None, None)


REFUSED: list[tuple[str, str, Json, int, str]] = [
    ("POST", "events", {"slug": "race"}, 409, "SLUG_TAKEN"),
    ("POST", "events", {"slug": "new", "letters": "aa"}, 409, "SLUG_TAKEN"),
    ("POST", "events", {"slug": "new", "letters": "a"}, 400, "VALIDATION_FAILED"),
    ("POST", "events", {"slug": "new", "letters": "x" * 201}, 400, "VALIDATION_FAILED"),
    ("PATCH", "events/nope", {"title": "x"}, 404, "EVENT_NOT_FOUND"),
    ("PATCH", "events/race", {"status": "OPEN"}, 409, "INVALID_TRANSITION"),
    ("PATCH", "events/race", {"status": "RESOLVED"}, 400, "VALIDATION_FAILED"),
    ("PATCH", "events/race", {"closesAt": "2001-01-01T00:00:00Z"}, 400, "VALIDATION_FAILED"),
    ("POST", "events/all/markets", {"slug": "d", "question": "D?"}, 409, "EVENT_IS_EXHAUSTIVE"),
    ("POST", "events/race/markets", {"slug": "race-a", "question": "A?"}, 409, "SLUG_TAKEN"),
    ("POST", "events/over/markets", {"slug": "d", "question": "D?"}, 409, "INVALID_TRANSITION"),
    ("POST", "events/full/markets", {"slug": "d", "question": "D?"}, 422, "LIMIT_EXCEEDED"),
    ("POST", "events/all/resolve", {"outcome": "NONE"}, 409, "EVENT_IS_EXHAUSTIVE"),
    ("POST", "events/all/resolve", {"weights": {"NONE": "1"}}, 409, "EVENT_IS_EXHAUSTIVE"),
    ("POST", "events/race/resolve", {"outcome": "all-a"}, 404, "MARKET_NOT_FOUND"),
    ("POST", "events/race/resolve", {"outcome": "nope"}, 404, "MARKET_NOT_FOUND"),
    ("POST", "events/over/resolve", {"outcome": "nope"}, 409, "INVALID_TRANSITION"),
    ("POST", "events/race/resolve", {}, 400, "VALIDATION_FAILED"),
    ("POST", "events/race/resolve", {"weights": {"race-a": "0.5"}}, 400, "VALIDATION_FAILED"),
    ("POST", "events/race/resolve", {"weights": {"race-a": "1.5", "race-b": "-0.5"}}, 400,
     "VALIDATION_FAILED"),
    ("POST", "events/race/resolve", {"weights": {"race-a": "0.5", "1": "0.5"}}, 400,
     "VALIDATION_FAILED"),
    ("POST", "events/race/resolve", {"outcome": "VOID", "weights": {"race-a": 1}}, 400,
     "VALIDATION_FAILED"),
    ("POST", "markets/race-a/resolve", {"outcome": "YES"}, 409, "EVENT_DECIDES"),
    ("POST", "markets/race-a/resolve", {"outcome": "VOID"}, 409, "EVENT_DECIDES"),
    ("POST", "markets/race-a/resolve", {"outcome": "SCALAR", "settlementPrice": 1}, 409,
     "EVENT_DECIDES"),
    ("POST", "markets/all-a/resolve", {"outcome": "NO"}, 409, "EVENT_DECIDES"),
    ("POST", "markets/last-a/resolve", {"outcome": "NO"}, 409, "EVENT_DECIDES"),
    ("POST", "markets/last-b/resolve", {"outcome": "NO"}, 409, "INVALID_TRANSITION"),
    ("POST", "events/last/resolve", {"outcome": "last-b"}, 409, "INVALID_TRANSITION"),
    ("POST", "events/last/resolve", {"weights": {"last-a": "0.5", "last-b": "0.5"}}, 409,
     "INVALID_TRANSITION"),
]  # fmt: skip


async def test_refusals(exchange: Exchange) -> None:
    """Bad input gets an error code, and the whole database stays unchanged."""
    boss = exchange.admin.client
    user = await exchange.trader("ann")
    await create(exchange)
    await create(exchange, "all", "ab", exhaustive=True)
    await create(exchange, "over", "ab")
    await resolve(exchange, {"outcome": "NONE"}, "over")
    await create(exchange, "last", "ab")
    await boss.post("/v1/markets/last-b/resolve", json={"outcome": "NO"})
    full = [{"slug": f"full-{n}", "question": "?"} for n in range(200)]
    await create(exchange, "full", markets=full)
    before = (await boss.get("/v1/events")).json()
    with Watch(exchange.node.settings.database) as watch:
        for method, path, given, status, code in REFUSED:
            body = given
            if path == "events":
                letters = given.get("letters", "ab")
                markets = [{"slug": f"{given['slug']}-{n}", "question": "?"} for n in letters]
                body = {"slug": given["slug"], "title": "New?", "markets": markets}
            answer = await boss.request(method, f"/v1/{path}", json=body)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (status, code), (path, body)
            assert watch.changed() <= COMMANDS, (path, body)
        twice = b'{"weights": {"race-a": "0.3", "race-a": "0.5", "race-b": "0.5"}}'
        headers = {"content-type": "application/json"}
        answer = await boss.post("/v1/events/race/resolve", content=twice, headers=headers)
        assert answer.json()["error"]["details"] == [
            {"path": "weights.race-a", "message": "is given more than once"}
        ]
        assert (await user.client.post("/v1/events", json={})).status_code == 403
        assert watch.changed() <= COMMANDS
    assert (await boss.get("/v1/events")).json() == before
    slugs = ["full", "last", "over", "all", "race"]
    assert [one["slug"] for one in before["items"]] == slugs


@ON_ONE_DATABASE
async def test_the_orders_in_an_event_are_cancelled_together(exchange: Exchange) -> None:
    """Cancel-all by an event's slug or id, optionally on a side, cancels exactly its orders."""
    await exchange.market()
    event = await create(exchange)
    ann = await exchange.trader("ann")
    for market in ("rain", "race-a", "race-b"):
        await order(ann, "BUY", 1, "0.10", market)
        await order(ann, "SELL", 1, "0.90", market)

    async def canceled(**which: object) -> object:
        answer = await ann.client.post("/v1/orders/cancel-all", json=which)
        return answer.json().get("canceled") or answer.json()["error"]["code"]

    assert await canceled(eventId="race", side="SELL") == [4, 6]
    assert await canceled(eventId="race", marketId="race-b") == [5]
    assert await canceled(eventId=event["id"]) == [3]
    assert await canceled(eventId="nothing") == "EVENT_NOT_FOUND"
    assert await canceled() == [1, 2]


async def test_an_events_series_changes(exchange: Exchange) -> None:
    """A changed series is stored, logged, and used by searches.

    Null makes the event its own series.
    """
    await create(exchange)
    boss, view = exchange.admin.client, exchange.node.view
    for given, shown, before in (("cups", "cups", "race"), (None, "race", "cups")):
        changed = await boss.patch("/v1/events/race", json={"series": given})
        assert changed.json()["series"] == shown, changed.text
        assert [one.slug for one in view.events_in(shown)] == ["race"]
        assert [*view.events_in(before)] == []
        async with exchange.node.db.read() as connection:
            stored = await connection.execute(select(events.c.series))
            assert stored.scalar_one() == shown
        act = (await boss.get("/v1/admin/log")).json()["items"][0]
        assert (act["action"], act["details"]) == ("EVENT_UPDATE", {"series": shown})
    assert (await boss.patch("/v1/events/race", json={"title": "?"})).json()["series"] == "race"
    wrong = await boss.patch("/v1/events/race", json={"series": "No Slug"})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["path"]) == (400, "series")
