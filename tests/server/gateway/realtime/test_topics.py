"""Each topic: its snapshot, and its messages after orders and trades."""

from typing import Any

from predmarket.contracts import realtime
from tests.support.http_exchange import Exchange
from tests.support.sockets import Open, place


async def test_every_topic(exchange: Exchange, open_socket: Open) -> None:
    """A snapshot each, then what one trade changes, numbered without a gap."""
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


async def test_a_snapshot_is_always_answered(exchange: Exchange, open_socket: Open) -> None:
    """Also when its subscription ends, or begins anew, before its turn comes."""
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
