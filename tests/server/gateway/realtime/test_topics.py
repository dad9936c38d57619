"""Each topic has a snapshot, and messages about orders and trades."""

from typing import Any

from predmarket.contracts import realtime
from tests.support.http_exchange import Exchange
from tests.support.sockets import Open, place


async def test_every_topic(exchange: Exchange, open_socket: Open) -> None:
    """Each topic sends a snapshot, then the changes of a trade, numbered without a gap."""
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    names = [f"orderbook:{market['slug']}", f"trades:{market['id']}", f"ticker:{market['id']}"]
    names += [
        "markets",
        *(f"user:me:{kind}" for kind in ("orders", "fills", "balances", "positions")),
    ]
    snapshots = await socket.subscribe(*names)
    assert [one["type"].partition(".")[0] for one in snapshots] == [
        "orderbook", "trades", "ticker", "markets", "orders", "fills", "balances", "positions",
    ]  # fmt: skip
    seqs = {one["topic"]: one["seq"] for one in snapshots}
    assert seqs["markets"] == 1
    assert snapshots[3]["data"]["items"][0]["creator"] == {
        "id": exchange.admin.id,
        "fullName": "Ann Example",
    }
    assert snapshots[6]["data"] == {
        "available": "100.000000",
        "locked": "0.000000",
        "total": "100.000000",
    }
    await place(ann, market, "BUY", "0.40", "10")
    await place(ben, market, "SELL", "0.40", "4")
    await exchange.market("snow")
    messages: list[dict[str, Any]] = await socket.until(lambda one: one["type"] == "market")
    for one in messages:
        assert one["lastSeq"] == seqs[one["topic"]], one
        seqs[one["topic"]] = one["seq"]
    last = {one["topic"]: one["data"] for one in messages}
    me = f"user:{ann.id}"
    assert last[f"orderbook:{market['id']}"] == {
        "marketId": market["id"],
        "bids": [["0.4000", "6.00"]],
        "asks": [],
    }
    assert last[f"trades:{market['id']}"]["qty"] == "4.00"
    assert last[f"ticker:{market['id']}"]["lastPrice"] == "0.4000"
    assert last[f"{me}:orders"]["status"] == "PARTIALLY_FILLED"
    assert last[f"{me}:fills"]["liquidity"] == "MAKER"
    assert last[f"{me}:balances"]["total"] == "98.400000"
    assert last[f"{me}:positions"]["qtyLong"] == "4.00"
    assert last["markets"]["slug"] == "snow"
    assert realtime.SNAPSHOT_HISTORY == 50


async def test_topics_of_an_event(exchange: Exchange, open_socket: Open) -> None:
    """An event's tickers, holdings and news are numbered without a gap, and can be resumed."""
    boss = exchange.admin.client
    markets = [{"slug": f"race-{one}", "question": "Who wins?"} for one in "abc"]
    body = {"slug": "race", "title": "Who wins the race?", "markets": markets}
    event = (await boss.post("/v1/events", json=body)).json()
    a, b, _ = event["markets"]
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    snapshots = await socket.subscribe("event:race", "user:me:events", "markets")
    assert [one["type"] for one in snapshots] == [
        "event.snapshot", "eventPositions.snapshot", "markets.snapshot",
    ]  # fmt: skip
    seqs = {one["topic"]: one["seq"] for one in snapshots}
    assert seqs["markets"] == 4
    assert [one["marketId"] for one in snapshots[0]["data"]["markets"]] == [1, 2, 3]
    assert [one["slug"] for one in snapshots[2]["data"]["events"]] == ["race"]
    assert snapshots[1]["data"] == {"items": []}
    for market in (a, b):
        await place(ann, market, "SELL", "0.40", "10")
        await place(ben, market, "BUY", "0.40", "10")
    await boss.patch("/v1/events/race", json={"status": "HALTED"})
    messages = await socket.until(lambda one: one["type"] == "event")
    for one in messages:
        assert one["lastSeq"] == seqs[one["topic"]], one
        seqs[one["topic"]] = one["seq"]
    tickers = [one["data"]["markets"] for one in messages if one["type"] == "event.tickers"]
    assert [[one["marketId"] for one in several] for several in tickers[:4]] == [[1], [1], [2], [2]]
    assert (tickers[1][0]["lastPrice"], tickers[0][0]["bestAsk"]) == ("0.4000", "0.4000")
    held = [one["data"] for one in messages if one["type"] == "eventPosition"]
    assert held[-1] == (await ann.client.get("/v1/user/events")).json()["items"][0]
    assert (held[0]["returned"], held[-1]["returned"]) == ("0.000000", "10.000000")
    assert messages[-1]["data"]["status"] == "HALTED"
    assert "markets" not in messages[-1]["data"]
    await boss.patch("/v1/events/race", json={"title": "Who won the race?"})
    (*_, renamed) = await socket.until(lambda one: one["type"] == "event")
    assert (renamed["lastSeq"], renamed["data"]["title"]) == (
        seqs["markets"], "Who won the race?",
    )  # fmt: skip
    again = await open_socket(ann)
    await again.resume("user:me:events", snapshots[1]["seq"])
    assert [(await again.next())["data"] for _ in held] == held
    await again.resume("event:1", seqs["event:1"] - 1)
    await again.until(lambda one: one.get("seq") == seqs["event:1"])
    unknown = await again.ask("subscribe", topics=["event:nope"])
    assert unknown["data"]["code"] == "EVENT_NOT_FOUND"


async def test_order_groups(exchange: Exchange, open_socket: Open) -> None:
    """Each change of an order group is a message; a later snapshot shows the current groups."""
    await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    (snapshot,) = await socket.subscribe("user:me:orderGroups")
    assert (snapshot["type"], snapshot["data"]) == ("orderGroups.snapshot", {"items": []})
    groups = "/v1/order-groups"
    await ann.client.post(groups, json={"limit": "5"})
    quote = {"marketId": "rain", "side": "SELL", "type": "LIMIT", "price": "0.40", "qty": "9"}
    placed = await (await open_socket(ann)).ask("order.place", **quote, orderGroupId=1)
    assert placed["data"]["order"]["orderGroupId"] == 1
    await ben.client.post("/v1/orders", json={**quote, "side": "BUY", "qty": "6"})
    await ann.client.post(f"{groups}/1/reset")
    (now,) = await (await open_socket(ann)).subscribe("user:me:orderGroups")
    assert now["data"] == {"items": (await ann.client.get(groups)).json()["items"]}
    await ann.client.patch(f"{groups}/1", json={"limit": "7"})
    await ann.client.delete(f"{groups}/1")
    told = await socket.until(lambda one: one["data"].get("change") == "DELETED")
    told = [one for one in told if one["type"] == "orderGroup"]
    assert [(one["data"]["change"], one["data"]["status"], one["seq"]) for one in told] == [
        ("CREATED", "ACTIVE", 1), ("TRIPPED", "TRIPPED", 2), ("RESET", "ACTIVE", 3),
        ("LIMIT", "ACTIVE", 4), ("DELETED", "DELETED", 5),
    ]  # fmt: skip
    assert [one["data"]["limit"] for one in told] == ["5.00"] * 3 + ["7.00"] * 2
    again = await open_socket(ann)
    await again.resume("user:me:orderGroups", 2)
    assert [(await again.next())["data"]["change"] for _ in range(3)] == [
        "RESET", "LIMIT", "DELETED",
    ]  # fmt: skip


async def test_a_snapshot_is_always_answered(exchange: Exchange, open_socket: Open) -> None:
    """A snapshot request is answered although its subscription ends or restarts before its turn."""
    await exchange.market()
    socket = await open_socket()
    for topic in ("orderbook:rain", "trades:rain"):
        for then in ("subscribe", "unsubscribe"):
            await socket.subscribe(topic)
            asked = [await socket.send("snapshot", topic=topic) for _ in range(3)]
            await socket.send(then, topics=[topic])
            while asked:
                message = await socket.next()
                if message.get("requestId") in asked:
                    assert message["type"] == f"{topic.partition(':')[0]}.snapshot"
                    asked.remove(message["requestId"])
            if then == "subscribe":
                await socket.of(f"{topic.partition(':')[0]}.snapshot")
