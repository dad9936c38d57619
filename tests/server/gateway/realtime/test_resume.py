"""Sequence numbers have no gaps, and clients can resume from any of them."""

import asyncio
from typing import Any

import pytest

from predmarket.server.gateway.broadcast import replay_buffer
from predmarket.server.gateway.limits.reads import ReadLimit
from predmarket.server.gateway.realtime import history
from predmarket.server.process import runtime
from predmarket.server.setting_types import RateLimit
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.sockets import Chain, Client, Open, folded, opened, place


async def trade(ann: User, ben: User, market: Json, count: int) -> None:
    """Place orders that rest and orders that trade."""

    async def hand(number: int) -> None:
        price = f"0.{40 + number % 5}"
        await place(ann, market, "BUY", price, "2")
        await place(ben, market, "SELL", price, "1")

    for start in range(0, count, 5):
        await asyncio.gather(*(hand(n) for n in range(start, min(count, start + 5))))


async def test_chains_while_orders_arrive(exchange: Exchange, open_socket: Open) -> None:
    """A snapshot at any time plus the later messages equals the state that REST shows."""
    market = await exchange.market()
    ann, ben = await exchange.trader("ann", "1000"), await exchange.trader("ben", "1000")
    names = [f"{kind}:{market['id']}" for kind in ("orderbook", "trades", "ticker")]
    names += [f"user:me:{kind}" for kind in ("orders", "fills", "balances", "positions")]
    trading = asyncio.create_task(trade(ann, ben, market, 40))
    chains: list[dict[str, Chain]] = []
    clients: list[Client] = []
    while not trading.done() and len(clients) < 8:
        client = await open_socket(ann)
        await client.send("subscribe", topics=names)
        await client.of("subscribed")
        mine: dict[str, Chain] = {}
        while len(mine) < len(names):
            message = await client.next()
            if message["type"].endswith(".snapshot"):
                mine[message["topic"]] = Chain(message)
            else:
                mine[message["topic"]].take(message)
        clients.append(client)
        chains.append(mine)
    await trading
    last = await place(ann, market, "BUY", "0.01")
    for client, mine in zip(clients, chains, strict=True):
        while not mine[names[2]].data[-1].get("seen"):
            message = await client.next()
            mine[message["topic"]].take(message)
            done = message["type"] == "balance" and any(
                one.get("id") == last["id"] for one in mine[f"user:{ann.id}:orders"].data[1:]
            )
            mine[names[2]].data[-1] = {**mine[names[2]].data[-1], "seen": done}
    rest = (await exchange.anonymous.get(f"/v1/orderbook/{market['id']}")).json()
    trades = (await exchange.anonymous.get(f"/v1/trades/{market['id']}?limit=100")).json()["items"]
    wanted = (dict(rest["bids"]), dict(rest["asks"]))
    for mine in chains:
        assert folded(mine[names[0]].data) == wanted
        assert mine[names[0]].seq == rest["seq"]
        assert mine[names[1]].seq == mine[f"user:{ann.id}:fills"].seq == len(trades)
        assert (
            mine[f"user:{ann.id}:balances"].data[-1]
            == (await ann.client.get("/v1/user/balance")).json()
        )


async def test_resume(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resume is answered from the last batches or from the database.

    If too much was missed, it is answered by a snapshot.
    """
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    me = f"user:{ann.id}"
    names = [f"orderbook:{market['id']}", f"trades:{market['id']}", f"ticker:{market['id']}"]
    names += ["markets", *(f"{me}:{kind}" for kind in ("orders", "fills", "balances", "positions"))]
    began = {one["topic"]: one for one in await socket.subscribe(*names)}
    await socket.ask("unsubscribe", topics=names)
    await trade(ann, ben, market, 5)
    await exchange.market("snow")

    async def missed(name: str, last_seq: int) -> list[Json]:
        """Resume a topic and return the messages up to the answer to another request."""
        await socket.resume(name, last_seq)
        end = (await socket.ask("snapshot", topic=name))["seq"]
        found: list[Json] = []
        await socket.resume(name, last_seq)
        if last_seq < end:
            found = await socket.until(lambda one: one["seq"] == end)
        await socket.ask("unsubscribe", topics=[name])
        return found

    by_memory = {name: await missed(name, began[name]["seq"]) for name in names}
    for name, messages in by_memory.items():
        chain = Chain(began[name])
        for message in messages:
            chain.take(message)
    states = {one["data"]["id"]: one["data"] for one in by_memory[f"{me}:orders"]}
    exchange.node.hub.recent = replay_buffer.ReplayBuffer()
    for name in names:
        messages = await missed(name, began[name]["seq"])
        kind = name.rpartition(":")[2] if name.startswith("user") else name.partition(":")[0]
        if kind in ("trades", "fills"):
            assert [_bare(one) for one in messages] == [_bare(one) for one in by_memory[name]]
        elif kind == "orders":
            assert {one["data"]["id"]: one["data"] for one in messages} == states
            chain = Chain(began[name])
            for message in messages:
                chain.take(message)
        else:
            assert [one["type"] for one in messages] == [f"{kind}.snapshot"]
        assert await missed(name, messages[-1]["seq"]) == []
        (ahead,) = await missed_ahead(socket, name)
        assert ahead["type"].endswith(".snapshot")
        assert "missed" not in ahead["data"]
    monkeypatch.setattr(history, "MAX_REPLAY", 3)
    for kind, topic in (("trades", names[1]), ("orders", f"{me}:orders"), ("fills", f"{me}:fills")):
        (snapshot,) = await missed(topic, began[topic]["seq"])
        assert snapshot["type"] == f"{kind}.snapshot"
        assert snapshot["data"]["missed"] is True
        assert len(await missed(topic, snapshot["seq"] - 2)) <= 2


@pytest.mark.parametrize("kind", ["orders", "fills", "trades"])
async def test_missed_changes_come_page_by_page(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Missed changes come page by page from any number, each once and in order, then new ones.

    The client's read limit counts their rows.
    """
    monkeypatch.setattr(history, "PAGE", 3)
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    name = f"trades:{market['id']}" if kind == "trades" else f"user:me:{kind}"
    await trade(ann, ben, market, 10)
    socket = await open_socket(ann)
    (whole,) = await socket.subscribe(name)
    last = whole["seq"]
    trading = asyncio.create_task(trade(ann, ben, market, 10))
    other, chain = socket, Chain(whole)
    for seq in (0, 1, 2, last - 4, last - 3, last - 1, last):
        exchange.node.hub.recent = replay_buffer.ReplayBuffer()
        other = await open_socket(ann)
        await other.resume(name, seq)
        chain = Chain({"topic": whole["topic"], "seq": seq, "data": None})
        while chain.seq < last + 2:
            chain.take(await other.next())
        if kind != "orders":  # one message stands for all changes of an order
            assert len(chain.data) - 1 == chain.seq - seq
    await trading
    peer = max(exchange.app.realtime.shared.peers, key=lambda one: one.number)
    peer.reader.limit = ReadLimit(RateLimit(1, 60), None)
    exchange.node.hub.recent = replay_buffer.ReplayBuffer()
    await other.send("subscribe", topics=[{"topic": name, "lastSeq": 1}])
    messages = await other.until(lambda one: one["type"] == "error")
    assert (messages[-1]["topic"], messages[-1]["data"]["code"]) == (chain.topic, "RATE_LIMITED")
    assert await other.error("snapshot", topic=name) == "RATE_LIMITED"


async def missed_ahead(socket: Client, name: str) -> list[Json]:
    """Resume from a number that the topic has not reached."""
    await socket.resume(name, 10**6)
    found = [await socket.next()]
    await socket.ask("unsubscribe", topics=[name])
    return found


def _bare(message: Json) -> Json:
    """Return a message without its time."""
    return {**message, "ts": 0}


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("kind", "read_first"),
    [("orders", "fills"), ("orders", "orders"), ("trades", "trades"), ("orderbook", "fills")],
)
async def test_a_snapshot_requested_before_a_resume(
    exchange: Exchange,
    open_socket: Open,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    read_first: str,
) -> None:
    """A snapshot requested before a resume arrives after the missed messages.

    New changes follow it, whether the snapshot was waiting or being read.
    """
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    names = {one: f"user:{ann.id}:{one}" for one in ("orders", "fills")}
    names |= {one: f"{one}:{market['id']}" for one in ("trades", "orderbook")}
    socket = await open_socket(ann)
    (began,) = await socket.subscribe(names[kind])
    await socket.ask("unsubscribe", topics=[names[kind]])
    await trade(ann, ben, market, 5)
    if kind != "orderbook":
        exchange.node.hub.recent = replay_buffer.ReplayBuffer()
    read, reading, go_on = history.read, asyncio.Event(), asyncio.Event()

    async def read_later(*given: Any) -> Any:  # noqa: ANN401 -- as it is
        reading.set()
        await go_on.wait()
        return await read(*given)

    monkeypatch.setattr(history, "read", read_later)
    asked = [await socket.send("snapshot", topic=names[read_first])]
    async with asyncio.timeout(60):
        await reading.wait()
    if kind != read_first:
        asked.append(await socket.send("snapshot", topic=names[kind]))
    await socket.resume(names[kind], began["seq"])
    go_on.set()
    if kind != read_first:
        assert (await socket.next())["requestId"] == asked[0]
    *missed, snapshot = await socket.until(lambda one: one.get("requestId") == asked[-1])
    chain = Chain(began)
    for message in missed:
        chain.take(message)
    assert missed != []
    assert snapshot["seq"] == chain.seq
    await trade(ann, ben, market, 1)
    chain.take(await socket.next())


async def test_resume_across_a_restart(
    settings: Settings, exchange: Exchange, open_socket: Open
) -> None:
    """After a restart the new process sends the missed changes with continuing numbers."""
    market = await exchange.market()
    ann, ben = await exchange.trader("ann"), await exchange.trader("ben")
    socket = await open_socket(ann)
    names = [f"orderbook:{market['id']}", f"user:{ann.id}:orders", f"user:{ann.id}:balances"]
    chains = {one["topic"]: Chain(one) for one in await socket.subscribe(*names)}
    await trade(ann, ben, market, 3)
    await exchange.node.core.stop()
    async with runtime.node(settings, wait_s=5) as node, serving(node) as (url, _):
        async with opened(url, ann) as again:
            for name in names:
                await again.resume(name, chains[name].seq)
                end = (await again.ask("snapshot", topic=name))["seq"]
                await again.resume(name, chains[name].seq)
                while chains[name].seq < end:
                    chains[name].take(await again.next())
        rest = node.view.book(market["id"])
        assert sum(map(float, folded(chains[names[0]].data)[0].values())) * 100 == sum(
            rest.bids.values()
        )


@ON_ONE_DATABASE
async def test_names_are_canonical(exchange: Exchange, open_socket: Open) -> None:
    """Any name of a topic is answered by its canonical one.

    A topic named twice begins twice and sends each message once.
    """
    market = await exchange.market()
    ann = await exchange.trader("ann")
    socket = await open_socket(ann)
    await socket.send(
        "subscribe", topics=["orderbook:rain", f"orderbook:{market['id']}", "user:me:orders"]
    )
    answer = await socket.of("subscribed")
    book = f"orderbook:{market['id']}"
    assert answer["data"]["topics"] == {
        "orderbook:rain": book, book: book, "user:me:orders": f"user:{ann.id}:orders",
    }  # fmt: skip
    assert [(await socket.next())["type"] for _ in range(2)] == [
        "orderbook.snapshot",
        "orders.snapshot",
    ]
    assert [one["seq"] for one in await socket.subscribe("orderbook:rain")] == [0]
    await place(ann, market, "BUY", "0.40")
    assert sorted([(await socket.next())["type"] for _ in range(2)]) == ["order", "orderbook.delta"]
    gone = await socket.ask("unsubscribe", topics=["orderbook:rain", "markets"])
    assert gone["data"]["topics"] == [book, "markets"]
    await place(ann, market, "BUY", "0.40")
    assert (await socket.next())["type"] == "order"
    assert (await socket.ask("snapshot", topic="orderbook:rain"))["seq"] == 2
