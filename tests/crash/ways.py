"""The two ways in: HTTP with one request at a time, and a socket with several at once.

Both take the socket's request types. Both return the resource as REST shows it, or the code of a
refusal, or raise Gone when the exchange ended first and the outcome is unknown.
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
"""Error codes that leave an order's outcome open."""
_ANSWER_S = 10
_ROUTES = {
    "order.place": ("POST", "/v1/orders"),
    "order.amend": ("PATCH", "/v1/orders/{orderId}"),
    "order.cancel": ("POST", "/v1/orders/{orderId}/cancel"),
    "order.cancelAll": ("POST", "/v1/orders/cancel-all"),
}


class Gone(Exception):
    """The exchange ended before it answered."""


class Answer(NamedTuple):
    """An answer with the ``data`` of the result or the ``code`` of the refusal.

    ``new`` means that the request was no repeat.
    """

    data: Json
    code: str | None = None
    new: bool = True


class Way(Protocol):
    """One way in. The tally calls it ``name``; ``tied`` means that its end cancels its orders."""

    name: str
    tied: bool

    async def ask(self, type: str, data: Json) -> Answer:
        """Send one request and return the answer. Raises Gone."""


class Http:
    """Sends requests on shared connections."""

    name = "http"
    tied = False

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, type: str, data: Json) -> Answer:
        """Send one request and return the answer. Raises Gone."""
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
    """Sends requests on one socket and matches answers by their ids."""

    name = "socket"

    def __init__(self, socket: ClientConnection, *, tied: bool) -> None:
        self.tied = tied
        self._socket = socket
        self._ids = count(1)
        self._asked: dict[str, asyncio.Future[Json]] = {}

    async def ask(self, type: str, data: Json) -> Answer:
        """Send one request and return the answer.

        Raises Gone, or TimeoutError without an answer.
        """
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
        """Dispatch answers until the socket is closed."""
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
    """Open a socket, with cancelOnDisconnect if ``tied``. Raises Gone."""
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
