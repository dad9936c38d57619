"""WebSocket clients of an exchange that send and receive decoded messages."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response

from tests.support.http_exchange import Exchange, Json, User

WAIT_S = 60.0


def open_sockets(exchange: Exchange) -> int:
    """Return how many sockets the exchange counts in its metrics."""
    count = exchange.node.metrics.registry.get_sample_value("ws_connections_active")
    assert count is not None
    return int(count)


class Client:
    """One socket, with decoded messages."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._count = 0

    async def send(self, type: str, /, **data: object) -> str:
        """Send a request; return its id."""
        self._count += 1
        id = f"r{self._count}"
        await self.socket.send(json.dumps({"type": type, "data": data, "requestId": id}))
        return id

    async def next(self) -> Json:
        """Return the next message, pings left out."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message: Json = json.loads(await self.socket.recv())
                if message["type"] != "ping":
                    return message

    async def of(self, type: str) -> Json:
        """Return the next message, which must be of this type."""
        message = await self.next()
        assert message["type"] == type, message
        return message

    async def until(self, found: Callable[[Json], bool]) -> list[Json]:
        """Return the messages up to the first that satisfies the condition."""
        messages = [await self.next()]
        while not found(messages[-1]):
            messages.append(await self.next())
        return messages

    async def ask(self, type: str, /, **data: object) -> Json:
        """Send a request and return its answer; drop the messages before it."""
        id = await self.send(type, **data)
        return (await self.until(lambda message: message.get("requestId") == id))[-1]

    async def subscribe(self, *topics: str | Json) -> list[Json]:
        """Subscribe; return each topic's snapshot."""
        id = await self.send("subscribe", topics=topics)
        answer = await self.of("subscribed")
        assert answer["requestId"] == id
        return [await self.next() for _ in topics]

    async def resume(self, topic: str, last_seq: int) -> None:
        """Resume a subscription after a number."""
        await self.send("subscribe", topics=[{"topic": topic, "lastSeq": last_seq}])
        await self.of("subscribed")

    async def error(self, type: str, /, **data: object) -> str:
        """Send a request that must be refused; return the code."""
        answer = await self.ask(type, **data)
        assert answer["type"] == "error", answer
        return str(answer["data"]["code"])

    async def closed(self) -> int:
        """Read to the end; return the server's close code."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(WAIT_S):
                while True:
                    await self.socket.recv()
        code = self.socket.close_code
        assert code is not None
        return code


Open = Callable[..., Awaitable[Client]]


@asynccontextmanager
async def opened(
    url: str,
    user: User | None = None,
    query: str = "",
    **options: Any,  # noqa: ANN401 -- as the library's
) -> AsyncIterator[Client]:
    """Open a socket, as a user when one is given."""
    headers = dict(options.pop("additional_headers", {}))
    if user is not None:
        headers["authorization"] = f"Bearer {user.session['accessToken']}"
    address = f"{url.replace('http', 'ws', 1)}/realtime{query}"
    async with connect(
        address, additional_headers=headers, compression=None, proxy=None, **options
    ) as socket:
        yield Client(socket)


async def place(
    user: User, market: Json, side: str, price: str, qty: str = "1", **more: object
) -> Json:
    """Place an order over HTTP."""
    body = {"marketId": market["id"], "side": side, "type": "LIMIT", "price": price, "qty": qty}
    answer = await user.client.post("/v1/orders", json={**body, **more})
    assert answer.status_code in (200, 201), answer.text
    order: Json = answer.json()
    return order


def order(market: Json, side: str, price: str, qty: str = "1", **more: object) -> Json:
    """Return the body of an order."""
    body = {"marketId": market["id"], "side": side, "type": "LIMIT", "price": price, "qty": qty}
    return {**body, **more}


async def refused(url: str, **options: Any) -> Response:  # noqa: ANN401
    """Open a socket that must be refused; return the reply."""
    with pytest.raises(InvalidStatus) as caught:
        async with opened(url, **options):
            pass
    return caught.value.response


class Chain:
    """A client's state of one topic, which checks that no message is missing."""

    def __init__(self, snapshot: Json) -> None:
        self.topic = snapshot["topic"]
        self.seq = snapshot["seq"]
        self.data = [snapshot["data"]]

    def take(self, message: Json) -> None:
        """Apply the next message; it must follow the last one."""
        assert message["topic"] == self.topic
        assert message["lastSeq"] == self.seq < message["seq"], (self.seq, message)
        self.seq = message["seq"]
        self.data.append(message["data"])


def folded(book: list[Json]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the book of a snapshot with its deltas applied."""
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for data in book:
        for side, levels in zip(sides, (data["bids"], data["asks"]), strict=True):
            for price, qty in levels:
                side[price] = qty
                if qty == "0.00":
                    del side[price]
    return sides
