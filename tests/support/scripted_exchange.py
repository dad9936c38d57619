"""An exchange's socket that a test plays: it reads the client's messages and sends its own."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

PATIENCE_S = 60.0
Json = dict[str, Any]


class Connection:
    """One socket of a client."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.over = asyncio.Event()

    @property
    def token(self) -> str | None:
        """The Bearer token of its handshake."""
        assert self._socket.request is not None
        header = self._socket.request.headers.get("Authorization", "")
        return header.removeprefix("Bearer ") or None

    @property
    def path(self) -> str:
        """Return the requested path with its query."""
        assert self._socket.request is not None
        return self._socket.request.path

    async def hear(self) -> Json:
        """Return the next message of the client."""
        async with asyncio.timeout(PATIENCE_S):
            message: Json = json.loads(await self._socket.recv())
        return message

    async def heard(self, kind: str) -> Json:
        """Return the next message of the client, which must be of ``kind``."""
        message = await self.hear()
        assert message["type"] == kind, message
        return message

    async def say(self, kind: str, data: object = None, **more: object) -> None:
        """Send a message; ``more`` are fields of its envelope."""
        await self.write(json.dumps({"type": kind, "ts": 5, "data": data or {}} | more))

    async def write(self, text: str | bytes) -> None:
        """Send a text unchanged."""
        await self._socket.send(text, text=True)

    async def confirm(self, names: Mapping[str, str] | None = None) -> list[object]:
        """Answer the next subscription, and return its topics."""
        message = await self.heard("subscribe")
        topics: list[object] = message["data"]["topics"]
        asked = [str(topic["topic"] if isinstance(topic, dict) else topic) for topic in topics]
        mapping = {name: (names or {}).get(name, name) for name in asked}
        await self.say("subscribed", {"topics": mapping}, requestId=message["requestId"])
        return topics

    async def refuse(self, request: Json, code: str, message: str = "no") -> None:
        """Answer ``request`` with an error."""
        data = {"code": code, "message": message}
        await self.say("error", data, requestId=request["requestId"])

    async def book(
        self, seq: int, bids: Sequence[tuple[str, str]] = (), last: int | None = None
    ) -> None:
        """Send the book of market 1, or, with ``last``, a change of it."""
        data = {"marketId": 1, "bids": bids, "asks": []}
        if last is None:
            await self.say("orderbook.snapshot", data, topic="orderbook:1", seq=seq)
        else:
            await self.say("orderbook.delta", data, topic="orderbook:1", seq=seq, lastSeq=last)

    async def close(self, code: int, reason: str = "") -> None:
        """Close the connection with a code."""
        await self._socket.close(code, reason)

    def cut(self) -> None:
        """Cut the connection."""
        self._socket.transport.abort()

    async def ended(self) -> int | None:
        """Wait for the connection's end; return the close code."""
        async with asyncio.timeout(PATIENCE_S):
            await self._socket.wait_closed()
        return self._socket.close_code


class ScriptedExchange:
    """Listens at ``url``. ``refusals`` answer the next handshakes with an HTTP status."""

    def __init__(self) -> None:
        self.refusals: list[Response] = []
        self._server: Server | None = None
        self._accepted: asyncio.Queue[Connection] = asyncio.Queue()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._handle, "127.0.0.1", 0, process_request=self.greet, ping_interval=None
        )
        port = next(iter(self._server.sockets)).getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def refuse(self, status: int, body: object = None, **headers: str) -> None:
        """Refuse the next handshake with ``status``."""
        text = b"" if body is None else json.dumps(body).encode()
        self.refusals.append(Response(status, "no", Headers(headers), text))

    async def accepted(self) -> Connection:
        """Return the next connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._accepted.get()

    def greet(self, _: ServerConnection, request: Request) -> Response | None:
        """Return the refusal of a handshake, or None to accept it."""
        assert request.path.partition("?")[0] == "/realtime"
        return self.refusals.pop(0) if self.refusals else None

    async def _handle(self, socket: ServerConnection) -> None:
        connection = Connection(socket)
        self._accepted.put_nowait(connection)
        await socket.wait_closed()
