"""The HTTP server as a whole."""

import asyncio
import socket
from typing import Any

import uvloop

from predmarket.server.gateway.protocol.server import ACCEPTED_AT_ONCE, HttpServer, http_config


async def _answer_nothing(_scope: object, _receive: object, _send: Any) -> None:  # noqa: ANN401 -- ASGI
    """An ASGI application that gets no requests."""


def test_many_connect_at_once() -> None:
    """Many simultaneous connects are accepted within few rounds of the loop, and all are closed."""
    many = 10 * ACCEPTED_AT_ONCE

    async def rounds() -> int:
        server = HttpServer(http_config(_answer_nothing))
        listener = socket.create_server(("127.0.0.1", 0), backlog=many)
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0)
        port = listener.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(many)]
        count = 0
        while len(server.server_state.connections) < many:
            count += 1
            await asyncio.sleep(0)
        for client in clients:
            client.close()
        server.should_exit = True
        await serving
        listener.close()
        return count

    assert uvloop.run(asyncio.wait_for(rounds(), 60)) < many // 2
