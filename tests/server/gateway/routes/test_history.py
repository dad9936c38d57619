"""History over HTTP: orders, fills, the statement and candles; only committed changes show."""

import asyncio
import random
import re
from collections import Counter
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.server.core.stores.base import BatchRecord
from predmarket.server.read_model.queries.cursors import LARGEST_ID, decode_cursor, encode_cursor
from tests.support.http_exchange import Exchange, Json, User
from tests.support.http_orders import TIME, got, limit, placed

MINUTE = 60_000_000


async def pages(user: User, path: str, **params: object) -> list[Json]:
    """Return the items of all pages."""
    items: list[Json] = []
    while True:
        answer = await user.client.get(path, params=params)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["nextCursor"] is None:
            return items
        params["cursor"] = page["nextCursor"]


async def test_pages_while_orders_arrive(exchange: Exchange) -> None:
    """Pages repeat no order, fill or entry, and omit none that existed at the start."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")

    async def trade(count: int) -> None:
        for _ in range(count):
            await placed(ann, limit("BUY", "0.5", "0.1"))
            await placed(bob, limit("SELL", "0.5", "0.1"))

    await trade(10)
    for path, key in (
        ("/v1/orders", "id"),
        ("/v1/user/fills", "tradeId"),
        ("/v1/user/ledger", "id"),
    ):
        old = [item[key] for item in await pages(ann, path, limit=100)]
        arriving = asyncio.create_task(trade(6))
        seen = [item[key] for item in await pages(ann, path, limit=3)]
        await arriving
        assert seen == sorted(set(seen), reverse=True)
        assert set(old) <= set(seen)


async def test_order_filters(exchange: Exchange) -> None:
    """Orders are filtered by market, statuses and client order id, also combined."""
    await exchange.market()
    await exchange.market("snow")
    ann = await exchange.trader("ann")
    await placed(ann, limit("BUY", "0.5", 1, clientOrderId="a"))
    await placed(ann, limit("BUY", "0.5", 1, marketId="snow"))
    await placed(ann, limit("BUY", "0.5", 1, timeInForce="IOC"))
    await placed(ann, limit("BUY", "0.505", 1), 422)
    for query, expected in (
        ("market=rain", [4, 3, 1]),
        ("market=2", [2]),
        ("status=OPEN", [2, 1]),
        ("status=LIVE", [2, 1]),
        ("status=LIVE,REJECTED", [4, 2, 1]),
        ("status=LIVE&status=REJECTED", [4, 2, 1]),
        ("status=OPEN&status=CANCELED,REJECTED", [4, 3, 2, 1]),
        ("status=CANCELED,REJECTED", [4, 3]),
        ("clientOrderId=a", [1]),
        ("market=rain&status=OPEN&clientOrderId=a", [1]),
        ("market=snow&clientOrderId=a", []),
    ):
        found = (await got(ann, f"/v1/orders?{query}"))["items"]
        assert ([order["id"] for order in found], query) == (expected, query)
    for query in ("status=DONE", "status=OPEN&status=DONE", "status="):
        wrong = await got(ann, f"/v1/orders?{query}", 400)
        assert wrong["error"]["details"][0]["path"] == "status"
    assert (await got(ann, "/v1/orders?market=nowhere", 404))["error"]["code"] == "MARKET_NOT_FOUND"


async def test_spans(exchange: Exchange) -> None:
    """Every list holds exactly the items from since to before until, over all pages."""
    await exchange.market()
    await exchange.market("snow")
    start = 4_102_444_800_000_000  # 2100-01-01: the core's time never goes backwards
    await traded_at(exchange, *((start + n * MINUTE, "0.50", "1") for n in range(6)))
    ann = await exchange.login("ann@example.com")
    await placed(ann, limit("BUY", "0.01", 1))

    def at(minute: int) -> str:
        return f"2100-01-01T00:{minute:02d}:00Z"

    for path, filters in (
        ("/v1/orders", {}),
        ("/v1/orders", {"market": "rain"}),
        ("/v1/orders", {"status": "LIVE"}),
        ("/v1/user/fills", {}),
        ("/v1/user/ledger", {}),
        ("/v1/user/ledger", {"kind": "TRADE"}),
        ("/v1/trades/rain", {}),
    ):
        all = await pages(ann, path, **filters)
        assert all
        for since, until in ((at(2), at(4)), (at(3), None), (None, at(1)), (at(9), None)):
            span = {"since": since, "until": until}
            given = {name: time for name, time in span.items() if time is not None}
            expected = [
                item
                for item in all
                if (since or "") <= item["createdAt"].replace(".000000", "") < (until or "9")
            ]
            for size in (2, 100):
                found = await pages(ann, path, limit=size, **filters, **given)
                assert (path, given, found) == (path, given, expected)
        for wrong in (f"since={at(2)}&until={at(2)}", "since=today", "since=2100-01-01T00:00:00"):
            error = (await got(ann, f"{path}?{wrong}", 400))["error"]
            assert (error["code"], error["details"][0]["path"]) == ("VALIDATION_FAILED", "since")


async def cash_of(user: User) -> tuple[Decimal, Decimal]:
    """Return the balance's total and the sum of the whole statement."""
    lines = await pages(user, "/v1/user/ledger", limit=7)
    total = (await got(user, "/v1/user/balance"))["total"]
    return Decimal(total), sum((Decimal(line["amount"]) for line in lines), Decimal(0))


async def test_the_statement_adds_up(exchange: Exchange) -> None:
    """The statement's sum is available plus locked cash.

    This holds after fees, merges, a payout and a VOID.
    """
    rng = random.Random(5)
    for slug in ("rain", "snow"):
        await exchange.market(slug, makerFeeRate="0.03", takerFeeRate="0.07")
    users = [await exchange.trader(name) for name in ("ann", "bob", "cat")]
    for _ in range(40):
        body = limit(
            rng.choice(("BUY", "SELL")),
            rng.choice(("0.47", "0.50", "0.53")),
            rng.choice(("0.37", "5", "11.11")),
            marketId=rng.choice(("rain", "snow")),
        )
        await placed(rng.choice(users), body)
    for user in users:
        total, added = await cash_of(user)
        assert total == added
    for slug, outcome in (("rain", "NO"), ("snow", "VOID")):
        path = f"/v1/markets/{slug}/resolve"
        answer = await exchange.admin.client.post(path, json={"outcome": outcome})
        assert answer.status_code == 200
    kinds: Counter[str] = Counter()
    for user in users:
        total, added = await cash_of(user)
        assert total == added
        lines = await pages(user, "/v1/user/ledger", limit=7)
        kinds.update(line["kind"] for line in lines)
        cash = Decimal(0)
        for line in reversed(lines):
            cash += Decimal(line["amount"])
            assert Decimal(line["balanceAfter"]) == cash
        fees = await pages(user, "/v1/user/ledger", limit=2, kind="FEE")
        assert fees == [line for line in lines if line["kind"] == "FEE"]
    assert set(kinds) == {"TRANSFER", "TRADE", "FEE", "MERGE", "PAYOUT", "REFUND"}


async def test_a_statement_line(exchange: Exchange) -> None:
    """A statement shows every field of a deposit, a trade and a fee.

    Its filters are market and kind.
    """
    await exchange.market(takerFeeRate="0.07")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.50", 10))
    await placed(bob, limit("SELL", "0.50", 10))
    fee, trade, deposit = (await got(bob, "/v1/user/ledger"))["items"]
    for line in (fee, trade, deposit):
        assert TIME.fullmatch(line.pop("createdAt"))
        line.pop("id")
    seq = exchange.node.core.status().sequence
    common = {"marketId": 1, "marketSlug": "rain", "tradeId": 1, "transferId": None, "reason": None}
    event: Json = {"eventId": None, "eventSlug": None}
    common["commandSeq"] = seq
    assert fee == {
        "kind": "FEE",
        "amount": "-0.175000",
        "balanceAfter": "94.825000",
        "counterpart": "FEES",
        **common,
        **event,
    }
    assert trade == {
        "kind": "TRADE",
        "amount": "-5.000000",
        "balanceAfter": "95.000000",
        "counterpart": "COLLATERAL",
        **common,
        **event,
    }
    assert deposit == {
        "kind": "TRANSFER",
        "amount": "100.000000",
        "balanceAfter": "100.000000",
        "counterpart": "OUTSIDE",
        "marketId": None,
        "marketSlug": None,
        "tradeId": None,
        "transferId": 2,
        "reason": "test",
        "commandSeq": seq - 2,
        **event,
    }
    for query, kinds in (("market=rain", ["FEE", "TRADE"]), ("kind=TRANSFER", ["TRANSFER"])):
        items = (await got(bob, f"/v1/user/ledger?{query}"))["items"]
        assert [line["kind"] for line in items] == kinds
    wrong = await got(bob, "/v1/user/ledger?kind=GIFT", 400)
    assert wrong["error"]["details"][0]["path"] == "kind"


async def test_a_cursor_of_the_statement(exchange: Exchange) -> None:
    """A cursor continues the statement, and anything else is refused."""
    ann = await exchange.trader("ann")
    body = {"userId": ann.id, "amount": "-1", "reason": "fun"}
    assert (await exchange.admin.client.post("/v1/user/transfer", json=body)).is_success
    cursor = (await got(ann, "/v1/user/ledger?limit=1"))["nextCursor"]
    path = f"/v1/user/ledger?cursor={cursor}"
    assert (await got(ann, path))["items"][0]["balanceAfter"] == "100.000000"
    for wrong in (cursor[:-4], 3 * cursor[:-1] + "A", "_" + cursor[1:], "%00", ""):
        error = (await got(ann, f"/v1/user/ledger?cursor={wrong}", 400))["error"]
        assert (error["code"], error["details"][0]["path"]) == ("VALIDATION_FAILED", "cursor")


async def test_a_statement_below_zero(exchange: Exchange) -> None:
    """A VOID that takes back a withdrawn profit makes balances negative.

    Every cursor on the way is accepted.
    """
    await exchange.market()
    ann, bob, cat = [await exchange.trader(name) for name in ("ann", "bob", "cat")]
    for buyer, seller, price in ((ann, bob, "0.10"), (cat, ann, "0.90")):
        await placed(buyer, limit("BUY", price, 100))
        await placed(seller, limit("SELL", price, 100))
    body = {"userId": ann.id, "amount": "-180", "reason": "profit"}
    assert (await exchange.admin.client.post("/v1/user/transfer", json=body)).is_success
    answer = await exchange.admin.client.post("/v1/markets/rain/resolve", json={"outcome": "VOID"})
    assert answer.is_success
    total, added = await cash_of(ann)
    assert total == added < 0
    whole = await got(ann, "/v1/user/ledger")
    assert await pages(ann, "/v1/user/ledger", limit=1) == whole["items"]
    assert any(line["balanceAfter"].startswith("-") for line in whole["items"])


@given(st.integers(0, LARGEST_ID))
def test_cursors_are_accepted_again(id: int) -> None:
    """Each cursor of the exchange is accepted again and fits the documented pattern."""
    cursor = encode_cursor(id)
    assert decode_cursor(cursor) == id
    assert re.fullmatch("[A-Za-f][A-Za-z0-9_-]{10}", cursor)


async def test_markets_by_cursor(exchange: Exchange) -> None:
    """Pages of markets skip and repeat no matching market while others change their status.

    An invalid cursor is refused.
    """
    slugs = [f"m{n}" for n in range(12)]
    for slug in slugs:
        await exchange.market(slug)
    seen: list[str] = []
    params: dict[str, str | int] = {"status": "OPEN", "q": "m", "limit": 3}
    while True:
        page = (await exchange.anonymous.get("/v1/markets", params=params)).json()
        seen += [item["slug"] for item in page["items"]]
        if page["nextCursor"] is None:
            break
        params["cursor"] = page["nextCursor"]
        gone = seen[len(seen) - 2]  # it was on a page already, so an offset would skip one
        halted = await exchange.admin.client.patch(f"/v1/markets/{gone}", json={"status": "HALTED"})
        assert halted.is_success
    assert seen == slugs[::-1]
    answer = await exchange.anonymous.get("/v1/markets?cursor=x")
    error = answer.json()["error"]
    assert (answer.status_code, error["details"][0]["path"]) == (400, "cursor")


async def traded_at(exchange: Exchange, *trades: tuple[int, str, str]) -> None:
    """Trade in rain at each (microseconds, price, quantity). The test sets the core's clock."""
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    with pytest.MonkeyPatch.context() as patch:
        for moment, price, qty in trades:
            patch.setattr(exchange.node.core.pipeline.clock, "now", partial(int, moment))
            await placed(ann, limit("BUY", price, qty))
            await placed(bob, limit("SELL", price, qty))
            await exchange_elsewhere(ann, bob)


async def exchange_elsewhere(ann: User, bob: User) -> None:
    """Trade in snow, which must not show in rain's candles."""
    await placed(ann, limit("BUY", "0.9", "0.01", marketId="snow"))
    await placed(bob, limit("SELL", "0.9", "0.01", marketId="snow"))


async def test_candles(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candles show each interval's prices, volume and trades; excessive bounds are refused."""
    await exchange.market()
    await exchange.market("snow")
    start = 4_102_444_800_000_000  # 2100-01-01: the core's time never goes backwards
    await traded_at(
        exchange,
        (start, "0.50", "1"),
        (start + 1, "0.60", "2"),
        (start + MINUTE - 1, "0.40", "0.5"),
        (start + MINUTE, "0.45", "1"),
        (start + 7 * MINUTE, "0.55", "3"),
    )

    async def asked(query: str, status: int = 200) -> Json:
        answer = await exchange.anonymous.get(f"/v1/candles/rain?{query}")
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    span = "from=2100-01-01T00:00:00Z&to=2100-01-01T00:10:00Z"
    minutes = (await asked(f"interval=1m&{span}"))["items"]
    assert minutes[0] == {
        "start": "2100-01-01T00:00:00.000000Z",
        "open": "0.5000",
        "high": "0.6000",
        "low": "0.4000",
        "close": "0.4000",
        "volume": "3.50",
        "trades": 3,
    }
    assert [candle["start"][11:16] for candle in minutes] == ["00:00", "00:01", "00:07"]
    fives = (await asked(f"interval=5m&{span}"))["items"]
    assert [(c["open"], c["close"], c["trades"]) for c in fives] == [
        ("0.5000", "0.4500", 4),
        ("0.5500", "0.5500", 1),
    ]
    partly = "interval=1m&from=2100-01-01T00:00:59.9Z&to=2100-01-01T00:00:59.99Z"
    assert (await asked(partly))["items"] == minutes[:1]
    day = await asked("interval=1d&to=2100-01-02T00:00:00Z")
    assert [(c["low"], c["high"], c["trades"]) for c in day["items"]] == [("0.4000", "0.6000", 5)]
    assert (await asked("interval=1h&from=2100-01-01T01:00:00Z&to=2100-01-01T02:00:00Z"))[
        "items"
    ] == []
    for far in ("to=2200-01-01T00:00:00Z", "from=2020-01-01T00:00:00Z&to=2200-01-01T00:00:00Z"):
        assert (await asked(f"interval=1m&{far}"))["items"] == minutes
    assert (await asked("interval=1m&from=2200-01-01T00:00:00Z"))["items"] == []
    for query, path in (
        ("", "interval"),
        ("interval=2m", "interval"),
        ("interval=1m&from=yesterday", "from"),
        ("interval=1m&to=2026-01-01T00:00:00", "to"),
        ("interval=1m&from=2100-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", "from"),
        ("interval=1m&from=2100-01-01T00:00:00Z&to=2100-01-01T16:41:00Z", "from"),
    ):
        error = (await asked(query, 400))["error"]
        assert (error["code"], error["details"][0]["path"]) == ("VALIDATION_FAILED", path), query
    assert (await exchange.anonymous.get("/v1/candles/none?interval=1m")).status_code == 404


async def test_acknowledged_changes_are_visible(exchange: Exchange) -> None:
    """Every read after an acknowledgement shows its change, under load."""
    await exchange.market()
    users = [await exchange.trader(f"u{n}", "1000") for n in range(6)]

    async def hammer(number: int, user: User) -> None:
        rng, price = random.Random(number), f"0.{30 + number}"
        for round in range(6):
            order = await placed(user, limit("BUY", price, 2))  # a price level of its own
            stored, balance, book = await asyncio.gather(
                got(user, f"/v1/orders/{order['id']}"),
                got(user, "/v1/user/balance"),
                got(user, "/v1/orderbook/rain"),
            )
            assert stored.pop("queueAhead") == "0.00"
            assert stored == order
            assert Decimal(balance["locked"]) == Decimal(price) * 2
            assert [price + "00", "2.00"] in book["bids"]
            canceled = (await user.client.post(f"/v1/orders/{order['id']}/cancel")).json()
            assert canceled["status"] == "CANCELED"
            stored, balance, book = await asyncio.gather(
                got(user, f"/v1/orders/{order['id']}"),
                got(user, "/v1/user/balance"),
                got(user, "/v1/orderbook/rain"),
            )
            assert stored == canceled
            assert Decimal(balance["locked"]) == 0
            assert [price + "00", "2.00"] not in book["bids"]
            if number < 5:
                continue
            await placed(users[0], limit("SELL", "0.90", 1, clientOrderId=f"ask-{round}"))
            taken = await placed(user, limit("BUY", "0.90", 1, timeInForce="IOC"))
            fills, positions = await asyncio.gather(
                got(user, f"/v1/user/fills?limit={rng.randrange(1, 5)}"),
                got(user, "/v1/user/positions"),
            )
            assert fills["items"][0]["tradeId"] == taken["fills"][-1]["tradeId"]
            assert positions["items"][0]["qtyLong"] == f"{round + 1}.00"

    others = [hammer(number, user) for number, user in enumerate(users) if number]
    await asyncio.gather(*others)


async def test_uncommitted_changes_are_invisible(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All reads, previews included, show the state before a commit that is still running."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.50", 10))
    paths = (
        "/v1/orders", "/v1/orders/1", "/v1/user/balance", "/v1/user/positions", "/v1/user/fills",
        "/v1/user/ledger", "/v1/orderbook/rain", "/v1/trades/rain", "/v1/candles/rain?interval=1m",
        "/v1/markets/rain", "/v1/user/portfolio",
    )  # fmt: skip

    async def seen() -> list[Json]:
        preview = await bob.client.post("/v1/orders/preview", json=limit("SELL", "0.45", 12))
        return [*[await got(ann, path) for path in paths], preview.json()]

    before = await seen()
    store = exchange.node.core.pipeline.store
    began, may_commit, commit_batch = asyncio.Event(), asyncio.Event(), store.commit_batch

    async def held(record: BatchRecord) -> None:
        began.set()
        await may_commit.wait()
        await commit_batch(record)

    monkeypatch.setattr(store, "commit_batch", held)
    selling = asyncio.create_task(placed(bob, limit("SELL", "0.45", 12)))
    await began.wait()
    assert await seen() == before
    may_commit.set()
    sold = await selling
    after = await seen()
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert (sold["qtyFilled"], before[-1]["fillQty"]) == ("10.00", "10.00")
    assert before[-1] == {
        "fillQty": "10.00",
        "restQty": "2.00",
        "avgPrice": "0.500000",
        "worstPrice": "0.5000",
        "fees": "0.000000",
        "locked": "1.100000",
        "queueAhead": "0.00",
        "coveredQty": "0.00",
    }
