"""The ways in: HTTP, one request after the other, and a socket with several requests under way.

Both are asked alike, by the socket's types of request, and answer alike: with what REST shows, with
the code of a refusal, or with Gone when the exchange went away first and nobody knows.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple, Protocol

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

Json = dict[str, Any]
UNSETTLED = frozenset({"OVERLOADED", "OUTCOME_UNKNOWN", "UNAVAILABLE"})
"""Codes that say nothing about what becomes of an order."""
_ANSWER_S = 10
_ROUTES = {
    "order.place": ("POST", "/v1/orders"),
    "order.amend": ("PATCH", "/v1/orders/{orderId}"),
    "order.cancel": ("POST", "/v1/orders/{orderId}/cancel"),
    "order.cancelAll": ("POST", "/v1/orders/cancel-all"),
}


class Gone(Exception):
    """The exchange went away before it answered."""


class Answer(NamedTuple):
    """``data`` of what was done, or the ``code`` of why it was not; ``new``: not a repeat."""

    data: Json
    code: str | None = None
    new: bool = True


class Way(Protocol):
    """One way in. ``name`` is it for the tally; ``tied``: its end cancels what it placed."""

    name: str
    tied: bool

    async def ask(self, type: str, data: Json) -> Answer:
        """Ask for one thing and return the answer. Raises Gone."""


class Http:
    """Requests on connections that are shared."""

    name = "http"
    tied = False

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, type: str, data: Json) -> Answer:
        """Ask for one thing and return the answer. Raises Gone."""
        method, path = _ROUTES[type]
        body = {name: value for name, value in data.items() if name != "orderId"}
        try:
            reply = await self._client.request(
                method, path.format_map(data), json=body, headers=self._headers
            )
        except httpx.TransportError as error:
            raise Gone from error
        if reply.is_success:
            return Answer(reply.json(), new=reply.status_code == 201)
        assert reply.status_code < 500 or reply.status_code == 503, reply.text
        return Answer({}, reply.json()["error"]["code"])


class Socket:
    """Requests on one socket; their answers are told apart by their ids."""

    name = "socket"

    def __init__(self, socket: ClientConnection, *, tied: bool) -> None:
        self.tied = tied
        self._socket = socket
        self._ids = count(1)
        self._asked: dict[str, asyncio.Future[Json]] = {}

    async def ask(self, type: str, data: Json) -> Answer:
        """Ask for one thing and return the answer. Raises Gone; TimeoutError: it stays silent."""
        id = str(next(self._ids))
        self._asked[id] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"type": type, "data": data, "requestId": id}))
            async with asyncio.timeout(_ANSWER_S):
                message = await self._asked[id]
        except ConnectionClosed as error:
            raise Gone from error
        finally:
            del self._asked[id]
        if message["type"] == "error":
            assert message["data"]["code"] != "INTERNAL", message
            return Answer({}, message["data"]["code"])
        assert message["type"] == "order.ack", message
        return Answer(message["data"].get("order", message["data"]))

    async def listen(self) -> None:
        """Hand out answers until the socket is closed."""
        try:
            while True:
                message = json.loads(await self._socket.recv())
                asked = self._asked.get(message.get("requestId", ""))
                if asked is not None:
                    asked.set_result(message)
        except ConnectionClosed as error:
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(error)


@asynccontextmanager
async def opened(url: str, token: str, *, tied: bool) -> AsyncIterator[Socket]:
    """Open a socket; when ``tied``, with cancelOnDisconnect. Raises Gone."""
    query = "?cancelOnDisconnect=1" if tied else ""
    try:
        socket = await connect(
            f"{url.replace('http', 'ws', 1)}/realtime{query}",
            additional_headers={"Authorization": f"Bearer {token}"},
            compression=None,
            proxy=None,
        )
    except (OSError, InvalidHandshake, InvalidMessage, ConnectionClosed) as error:
        raise Gone from error
    way = Socket(socket, tied=tied)
    listening = asyncio.create_task(way.listen())
    try:
        yield way
    finally:
        await socket.close()
        await listening
