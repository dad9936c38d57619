"""Serves ``/metrics`` on a port of its own, PREDMARKET_METRICS_PORT, for Prometheus.

The main port serves it only to this machine (``is_local``). Several processes under one parent have
consecutive ports, because each counts by itself.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from predmarket.server.gateway.http.responses import headers_for, respond
from predmarket.server.gateway.protocol.server import http_config
from predmarket.server.observability.metrics import CONTENT_TYPE, PATH, Metrics
from predmarket.server.process.listening import listen_at
from predmarket.server.process.shutdown import Server
from predmarket.server.settings import Settings, SettingsError
from predmarket.variables import PREFIX

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_LARGEST = 65_535


def settings_of_process(settings: Settings, number: int) -> Settings:
    """Return the settings of one of several processes, counted from 0: each has its own port.

    Raises SettingsError if there are not enough ports.
    """
    port = settings.metrics_port
    if not port:  # no port, or 0: any free one
        return settings
    if port + number > _LARGEST:
        raise SettingsError(
            f"{PREFIX}METRICS_PORT: each process has a port of its own, and "
            f"there are no {number + 1} ports from {port} on"
        )
    return settings.model_copy(update={"metrics_port": port + number})


class _Door:
    """A bare ASGI application for the metrics alone."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            return
        if scope["path"] != PATH:
            status, body = 404, b"only /metrics is served here\n"
        elif scope["method"] not in ("GET", "HEAD"):
            status, body = 405, b"only GET and HEAD are answered\n"
        else:
            status, body = 200, await self._metrics.scrape()
        content_type = CONTENT_TYPE.encode() if status == 200 else b"text/plain"
        headers = headers_for(body, content_type=content_type)
        await respond(send, status, headers, body, head_only=scope["method"] == "HEAD")


@asynccontextmanager
async def metrics_port(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Serve the metrics on their own port, if the settings name one, until the block ends.

    Raises OSError that names the address.
    """
    if settings.metrics_port is None:
        yield
        return
    host = settings.metrics_host or _LOOPBACK
    with listen_at(host, settings.metrics_port, f"{PREFIX}METRICS_PORT") as listener:
        log.info("metrics_port", extra={"address": _address(listener)})
        server = Server(http_config(_Door(metrics)))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = server.force_exit = True
            await serving


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{host}:{port}"
