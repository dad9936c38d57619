"""Without the secret, a writer to Redis can neither mint money nor forge messages."""

import logging
from typing import Any

import pytest

from predmarket.engine.commands import Command, Disconnect, Transfer
from predmarket.engine.replies import OrderDone, Refused
from predmarket.enums import ErrorCode, Side
from predmarket.server.core.bus import BusReply
from predmarket.server.core.core import Core
from predmarket.server.read_model import changes as changed
from predmarket.server.read_model.changes import BalanceChange, Changes
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis_bus import messages
from predmarket.server.redis_bus.gateway_liveness import SILENT_S, GatewayLiveness
from predmarket.server.redis_bus.messages import Announcement, Answers, Parcel, Request
from predmarket.units import MONEY_ONE
from tests.support.core_exchange import DEPOSIT, USERS, limit
from tests.support.exchange import SECRET
from tests.support.redis_halves import Client, Halves, Leader, open_market, redis, until

__all__ = ["redis"]

BUY = Side.BUY
DEPOSITS = "SELECT net_deposits FROM core_state"
PLACED = "SELECT COUNT(*) FROM orders"
LATER = 2**60


def dropped(metrics: Any) -> dict[str, float]:  # noqa: ANN401 -- a gateway's or a core's
    """Return how many parcels were dropped, by kind."""
    return {
        sample.labels["kind"]: sample.value
        for family in metrics.registry.collect()
        if family.name == "bus_parcels_dropped"
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def dropped_by(leader: Leader) -> dict[str, float]:
    """Return how many parcels a core has dropped, by kind."""
    return dropped(leader.seat.metrics)


async def test_a_forged_command_mints_nothing(
    halves: Halves, redis: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A forged command is dropped and counted, and logged at most once a minute.

    The forgeries lack a MAC, are changed, or use another secret, exchange or epoch.
    """
    keys = await halves.keys()
    leader = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    name = keys.commands(1)
    mint = Request(1, LATER, Transfer(1, 1_000_000 * MONEY_ONE, "gift", 1))
    data = messages.encode(Parcel("thief", [mint]))
    ours = await halves.mac()
    whole = ours.sign(name, data)
    forged = [
        data,
        b"",
        Mac("x" * 40, keys.exchange, lambda _: None).sign(name, data),
        Mac(SECRET, "another", lambda _: None).sign(name, data),
        ours.sign(keys.commands(2), data),
        ours.sign(keys.batches, data),
        whole[:-1] + bytes([whole[-1] ^ 1]),
        bytes([whole[0] ^ 1]) + whole[1:],
    ]
    with caplog.at_level(logging.ERROR):
        for parcel in forged:
            await redis.xadd(name, {messages.PARCEL_FIELD: parcel})
        await redis.xadd(name, {b"x": b"y"})
        done = await running.services.bus.submit(limit(1, BUY, 1, 40))
    assert isinstance(done, OrderDone)
    assert halves.exchange.rows(DEPOSITS) == [(USERS * DEPOSIT,)]
    assert dropped_by(leader) == {"command": len(forged) + 1}
    assert caplog.messages.count("parcel_dropped") == 1
    await redis.xadd(name, {messages.PARCEL_FIELD: whole})  # executed with a valid MAC
    await until(lambda: halves.exchange.rows(DEPOSITS) != [(USERS * DEPOSIT,)])


async def test_a_replayed_command_is_executed_once(halves: Halves, redis: Client) -> None:
    """A replayed command is executed once, by the same core and by its successor.

    This holds before the command's deadline.
    """
    keys = await halves.keys()
    first = await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    seen: list[dict[bytes, bytes]] = []
    put = running.services.bus.connection.client.xadd  # type: ignore[attr-defined]

    async def overheard(name: str, fields: dict[bytes, bytes], **more: Any) -> Any:  # noqa: ANN401
        seen.append(fields)
        return await put(name, fields, **more)

    running.services.bus.connection.client.xadd = overheard  # type: ignore[attr-defined]
    assert isinstance(await running.services.bus.submit(limit(1, BUY, 1, 40)), OrderDone)
    (fields,) = seen
    await redis.xadd(keys.commands(1), fields)
    await until(lambda: dropped_by(first) == {"repeated command": 1})
    second = await halves.seat()
    await halves.kill(first)
    await until(lambda: second.seat.publisher.stream)
    await redis.xadd(keys.commands(1), fields)  # the first replay is still in the stream, too
    await until(lambda: dropped_by(second) == {"repeated command": 2})
    await until(lambda: running.services.core.status().healthy)
    assert isinstance(await running.services.bus.submit(limit(1, BUY, 1, 40)), OrderDone)
    assert halves.exchange.rows(PLACED) == [(2,)]
    assert halves.exchange.audited() == []


async def test_a_gateway_believes_only_its_core(halves: Halves, redis: Client) -> None:
    """A gateway drops a batch, reply, announcement or other parcel that no core signed."""
    keys = await halves.keys()
    await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    view, heard = running.services.view, running.services.core
    batch, epoch = running.follower.batch, heard.status().epoch
    rich = Changes(batch + 1, 1, balances=[BalanceChange(1, 9, LATER, 0)])
    boss = Announcement(
        epoch + 9, batch + 9, 1, 7, "thief", healthy=True, durable=True, durability={}, waiting=0
    )
    lies: list[tuple[str, dict[bytes, Any]]] = [
        (
            keys.batches,
            {messages.BATCH_FIELD: batch + 1, messages.CHANGES_FIELD: changed.encode(rich)},
        ),
        (keys.batches, {messages.BATCH_FIELD: b"x", messages.CHANGES_FIELD: b"y"}),
        (keys.batches, {messages.ANNOUNCEMENT_FIELD: messages.encode(boss)}),
        (keys.batches, {b"x": b"y"}),
        (
            keys.replies(running.services.gateway),
            {messages.REPLIES_FIELD: messages.encode(Answers(batch, []))},
        ),
        (keys.replies(running.services.gateway), {b"x": b"y"}),
    ]
    for name, fields in lies:
        await redis.xadd(name, fields)
    assert isinstance(await running.services.bus.submit(limit(1, BUY, 1, 40)), OrderDone)
    assert view.book(1).bids == {4_000: 100}
    assert heard.status().epoch == epoch
    told = dropped(running.services.metrics)
    assert told == {"batch": 3, "announcement": 1, "reply": 2}


async def test_unexpected_replies_are_not_held(halves: Halves, redis: Client) -> None:
    """A gateway holds no reply that it does not wait for, so its memory is bounded."""
    await halves.leader()
    running = await halves.gateway()
    await open_market(running.services.bus)
    name = (await halves.keys()).replies(running.services.gateway)
    refused = Refused(ErrorCode.MARKET_NOT_FOUND, "no")
    answers = Answers(running.follower.batch + 9, [messages.answer(n, refused) for n in range(9)])
    signed = (await halves.mac()).sign(name, messages.encode(answers))
    for _ in range(5):
        await redis.xadd(name, {messages.REPLIES_FIELD: signed})
    assert isinstance(await running.services.bus.submit(limit(1, BUY, 1, 40)), OrderDone)
    assert running.follower.held == {}


async def test_a_replayed_announcement_is_ignored(halves: Halves, redis: Client) -> None:
    """A replayed announcement is ignored, so a dead core never seems alive."""
    keys = await halves.keys()
    leader = await halves.leader()
    running = await halves.gateway()
    entries = await redis.xrange(keys.batches)
    old = [fields for _, fields in entries if messages.ANNOUNCEMENT_FIELD in fields]
    await halves.kill(leader)
    for _ in range(3):
        for fields in old:
            await redis.xadd(keys.batches, fields)
    await until(lambda: not running.services.core.status().healthy)


async def test_a_sign_of_life_is_signed(halves: Halves, redis: Client) -> None:
    """A forged sign of life does not keep a dead gateway alive."""
    keys = await halves.keys()
    leader = await halves.leader()
    now, ended = 0.0, list[str]()

    class Watched(Core):
        connections = frozenset({"dead-1", "alive-1"})

        def __init__(self) -> None:
            """Lead nothing."""

        async def submit(self, command: Command) -> BusReply:
            assert isinstance(command, Disconnect)
            ended.append(command.gateway)
            return Refused(ErrorCode.MARKET_NOT_FOUND, "")

    presence = GatewayLiveness(leader.seat.connection, Watched(), lambda: now)
    name, mac = keys.beat("alive"), await halves.mac()
    for count in (b"1", b"2", b"3"):
        await redis.set(keys.beat("dead"), count)
        await redis.set(name, mac.sign(name, count))
        await presence.look()
        now += SILENT_S / 2
    await presence.look()
    assert ended == ["dead"]
    assert dropped_by(leader) == {"sign of life": 4}
