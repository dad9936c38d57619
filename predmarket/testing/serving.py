"""Serves a node over HTTP in a running event loop, and stops without a wait."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from uvicorn.config import Config

from predmarket.server.gateway.app import Application, create_app
from predmarket.server.gateway.protocol.server import HttpServer
from predmarket.server.gateway.services import Services
from predmarket.server.process import runtime


class PromptServer(HttpServer):
    """The server, which looks for its end at once and not at the next tick."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        """Stop serving."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        ticking = asyncio.create_task(super().main_loop())
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait((ticking, told), return_when=asyncio.FIRST_COMPLETED)
        for task in (ticking, told):
            task.cancel()
        await asyncio.gather(ticking, told, return_exceptions=True)


@asynccontextmanager
async def serving(
    node: runtime.Node, services: Services | None = None
) -> AsyncIterator[tuple[str, Application]]:
    """Serve a node on its settings' address; yield its URL and application.

    ``services`` replace its own.
    """
    app = create_app(services or node.services)
    server = PromptServer(app.server_config())
    with runtime.listen(node.settings) as listener:
        # asyncio's own loop, unlike the uvloop of `serve`, leaves Nagle's algorithm on for a socket
        # it was given: every answer would wait 40 ms for the client's delayed acknowledgement
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.create_task(server.serve([listener]))
        while not (server.started or task.done()):  # noqa: ASYNC110 -- uvicorn has no event for it
            await asyncio.sleep(0.001)
        if task.done():
            task.result()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app
        server.end()
        await task
