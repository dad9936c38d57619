"""The exchange's uvicorn server: bounds the connections, and checks each once a second."""

import asyncio
import resource
import socket
from typing import Any

import uvicorn
from uvicorn.config import Config

from predmarket.server.gateway.limits.connections import Connections
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.connection import Connection
from predmarket.server.gateway.protocol.order_fast_path import OrderFastPath
from predmarket.server.gateway.protocol.websocket import Socket

MAX_CONNECTIONS = 10_000
_SPARE_FILES = 128
ACCEPTED_AT_ONCE = 8
"""Connections that are accepted in one round of the event loop."""
TICKS_A_SECOND = 10
"""How often a second uvicorn calls ``on_tick``; each call looks at its part of the connections."""


def connection_bound() -> int:
    """Return the maximum number of connections: MAX_CONNECTIONS, or less if files do not suffice.

    It raises the process's limit of open files as far as the system allows.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS * 11 // 10 + _SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, (wanted - _SPARE_FILES) * 10 // 11)


def http_config(
    app: Any,  # noqa: ANN401 -- as uvicorn
    *,
    fast_path: OrderFastPath | None = None,
    counters: Connections | None = None,
) -> ServerConfig:
    """Return the configuration of a server for an ASGI application."""
    config = ServerConfig(
        app,
        http=Connection,
        ws=Socket,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # realtime/endpoint.py sends its own pings
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=connection_bound(),
    )
    config.fast_path, config.counters = fast_path, counters
    return config


class HttpServer(uvicorn.Server):
    """uvicorn's server; checks each connection once a second, a part of them at each tick."""

    _to_look_at: list[Connection | Socket]

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._to_look_at = []
        self._copies: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on the sockets.

        uvloop accepts one connection of each socket in a round. Among many that connect at once one
        would wait for as many rounds, so copies of the sockets accept from the same queues.
        """
        listening = sockets or []
        self._copies = [one.dup() for one in listening for _ in range(ACCEPTED_AT_ONCE - 1)]
        await super().startup([*listening, *self._copies])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what has begun, and close the sockets."""
        await super().shutdown([*(sockets or []), *self._copies])

    async def on_tick(self, counter: int) -> bool:
        """Check connections, and tell whether to stop."""
        ticks_left = TICKS_A_SECOND - counter % TICKS_A_SECOND
        if ticks_left == TICKS_A_SECOND:
            known = [*self.server_state.connections]
            self._to_look_at = [one for one in known if isinstance(one, Connection | Socket)]
        now = asyncio.get_running_loop().time()
        for _ in range(-(-len(self._to_look_at) // ticks_left)):
            self._to_look_at.pop().look(now)
        return await super().on_tick(counter)
