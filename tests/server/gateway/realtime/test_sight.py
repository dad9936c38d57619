"""Markets of groups on sockets: each audience has its own announcements, numbers and snapshots."""

import asyncio
from typing import Any

import pytest

from predmarket.server.read_model.announcements import Counts
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis_bus import view_loader
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.http_groups import leave, member
from tests.support.http_orders import order
from tests.support.sockets import Client, Open


def told(message: Json) -> tuple[Any, ...]:
    """Return the numbers and content of an announcement."""
    return message["data"]["slug"], message["lastSeq"], message["seq"]


def listed(snapshot: Json) -> tuple[Any, ...]:
    """Return the markets and the number of a snapshot of all markets."""
    assert snapshot["type"] == "markets.snapshot"
    return [one["slug"] for one in snapshot["data"]["items"]], snapshot["seq"]


async def announced(client: Client) -> tuple[Any, ...]:
    """Return the next announcement."""
    return told(await client.of("market"))


async def test_the_topic_of_all_markets_counts_what_its_audience_sees(
    exchange: Exchange, open_socket: Open
) -> None:
    """The topic of all markets numbers only the announcements that its audience sees.

    This holds for an outsider, two groups and an admin; live, in snapshots and on resumes.
    """
    ann = await member(exchange, await exchange.register("ann@example.com"))
    bob = await member(exchange, await exchange.register("bob@example.com"), "staff")
    await exchange.market("rain")
    await exchange.market("secret", group="club")
    clients = [await open_socket(user) for user in (None, ann, bob, exchange.admin)]
    assert [listed((await one.subscribe("markets"))[0]) for one in clients] == [
        (["rain"], 1), (["secret", "rain"], 2), (["rain"], 1), (["secret", "rain"], 2),
    ]  # fmt: skip
    await exchange.market("snow")
    await exchange.market("quiz", group="staff")
    event = {
        "slug": "vote",
        "title": "Who?",
        "group": "club",
        "markets": [{"slug": f"vote-{name}", "question": "?"} for name in "ab"],
    }
    assert (await exchange.admin.client.post("/v1/events", json=event)).status_code == 201
    await exchange.market("wind")
    expected = [
        [("snow", 1, 2), ("wind", 2, 3)],
        [("snow", 2, 3), ("vote-a", 3, 4), ("vote-b", 4, 5), ("vote", 5, 6), ("wind", 6, 7)],
        [("snow", 1, 2), ("quiz", 2, 3), ("wind", 3, 4)],
        [
            ("snow", 2, 3), ("quiz", 3, 4), ("vote-a", 4, 5), ("vote-b", 5, 6), ("vote", 6, 7),
            ("wind", 7, 8),
        ],
    ]  # fmt: skip
    for client, messages in zip(clients, expected, strict=True):
        assert [told(await client.next()) for _ in messages] == messages
    for client, messages in zip(clients, expected, strict=True):
        await client.resume("markets", messages[0][1])
        assert [told(await client.next()) for _ in messages] == messages


async def test_the_numbers_are_stored(exchange: Exchange) -> None:
    """The numbers are stored: a gateway that loads the view counts like one that followed it.

    The core does too.
    """
    await member(exchange, exchange.admin)
    await exchange.market("rain")
    await exchange.market("secret", group="club")
    view, loaded = exchange.node.view, MarketView()
    await view_loader.load(exchange.node.db, loaded)
    assert loaded.announced == view.announced == Counts(1, {1: 1})
    assert loaded.hidden == view.hidden == {1: {2}}
    core = exchange.node.core.pipeline.store.core_row()
    assert Counts(core.counters.markets_seq, core.group_seqs) == view.announced


@ON_ONE_DATABASE
async def test_topics_of_a_hidden_market(exchange: Exchange, open_socket: Open) -> None:
    """An outsider's request for a hidden market's topic or order gets the answer for no market.

    A user who leaves the group is unsubscribed and gets the topic of all markets anew.
    """
    ann, bob = [await member(exchange, await exchange.trader(name)) for name in ("ann", "bob")]
    hidden = await exchange.market("secret", group="club")
    outsider = await open_socket(await exchange.trader("cat"))
    for topic in ("orderbook:{}", "trades:{}", "ticker:{}"):
        for name in ("secret", hidden["id"], "never"):
            asked = topic.format(name)
            assert await outsider.error("subscribe", topics=[asked]) == "MARKET_NOT_FOUND"
            assert await outsider.error("snapshot", topic=asked) == "MARKET_NOT_FOUND"
    body = {"side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "2"}
    for name in ("secret", hidden["id"]):
        refused = await outsider.error("order.place", marketId=name, **body)
        assert refused == "MARKET_NOT_FOUND"
        assert await outsider.error("order.cancelAll", marketId=name) == "MARKET_NOT_FOUND"
    client = await open_socket(ann)
    book = f"orderbook:{hidden['id']}"
    (_, markets) = await client.subscribe("orderbook:secret", "markets")
    assert listed(markets) == (["secret"], 1)
    bid = await order(ann, "BUY", 1, "0.40", "secret")
    await client.of("orderbook.delta")
    await leave(exchange, ann)
    assert listed(await client.of("markets.snapshot")) == (["secret"], 0)
    await order(bob, "SELL", 5, "0.60", "secret")
    await client.of("orderbook.delta")
    await ann.client.post(f"/v1/orders/{bid['id']}/cancel")
    last = await client.until(lambda message: message["type"] == "unsubscribed")
    assert last[-1]["data"] == {"topics": [book]}
    await order(bob, "SELL", 5, "0.61", "secret")
    await exchange.market("rain")
    assert await announced(client) == ("rain", 0, 1)


@ON_ONE_DATABASE
async def test_a_market_that_moves_into_a_group(exchange: Exchange, open_socket: Open) -> None:
    """A market that moves into a group disappears from other users' sockets, also anonymous ones.

    No message announces the move.
    """
    await member(exchange, exchange.admin)
    made = await exchange.market("rain")
    client = await open_socket()
    await client.subscribe("orderbook:rain", "ticker:rain", "markets")
    move = {"group": "club"}
    await exchange.admin.client.patch("/v1/markets/rain", json=move)
    gone = [(await client.of("unsubscribed"))["data"]["topics"]]
    assert sorted(gone[0]) == [f"orderbook:{made['id']}", f"ticker:{made['id']}"]
    await exchange.market("snow")
    assert await announced(client) == ("snow", 1, 2)


async def test_two_new_groups_in_a_row(
    exchange: Exchange, open_socket: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A market of a new group is announced, though the name of another one was being looked up."""
    for group in ("club", "staff"):
        await member(exchange, await exchange.register(f"{group}@example.com"), group)
    await exchange.market("rain")
    client = await open_socket(exchange.admin)
    await client.subscribe("markets")
    groups, go_on, begun = exchange.node.hub.groups, asyncio.Event(), asyncio.Event()
    learn = groups.learn

    async def learn_slowly() -> None:
        if begun.is_set():
            await go_on.wait()
            await learn()
        else:
            await learn()
            begun.set()
            await go_on.wait()

    monkeypatch.setattr(groups, "learn", learn_slowly)
    first = asyncio.create_task(exchange.market("one", group="club"))
    async with asyncio.timeout(60):
        await begun.wait()
    second = asyncio.create_task(exchange.market("two", group="staff"))
    async with asyncio.timeout(60):
        while exchange.node.view.find("two") is None:
            await asyncio.sleep(0.005)
    go_on.set()
    await asyncio.gather(first, second)
    assert [(await announced(client))[0] for _ in "12"] == ["one", "two"]
