"""An HTTP connection with faults: requests wait, are refused, or are lost with the connection.

A request that a fault may strike goes the ordinary way and not the fast path; what the routes do
with it is the same. Health, metrics and the faults themselves (EXEMPT) are never struck.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.faults.injection import CutTimer, Fate, Faults
from predmarket.server.gateway.http.errors import RETRY
from predmarket.server.gateway.http.headers import SECURITY, request_id
from predmarket.server.gateway.http.responses import headers_for, headers_of, respond
from predmarket.server.gateway.limits.rate_limited import too_many
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.connection import Connection
from predmarket.server.gateway.protocol.order_fast_path import scope_of

EXEMPT = frozenset({"/healthz", "/metrics", "/v1/faults"})
"""Addresses that stay as they are, so that an admin can end the faults."""

Envelope: TypeAlias = Callable[[str, Refusal, str], tuple[int, bytes]]
"""Returns the status and the body of a refusal, for an address and a request's id."""


class FaultyConnection(Connection):
    """One client's connection."""

    def __init__(
        self,
        faults: Faults,
        envelope: Envelope,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._faults = faults
        self._envelope = envelope
        self._cut = CutTimer(faults, self.loop, self._cut_off, self._may_cut)
        faults.concern(self)

    def faults_changed(self) -> None:
        """Follow the faults now in force."""
        self._cut.restart()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut.stop()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._cut.stop()
        if self._faults.on and self._faults.fate(may_reject=False).lost_before:
            self._faults.struck("lost")
            self.transport.abort()
        else:
            super().handle_websocket_upgrade()

    def _is_known(self, data: bytes) -> bool:
        return not self._faults.on and super()._is_known(data)

    def application(self, cycle: RequestResponseCycle, app: ASGIApp) -> ASGIApp:
        """Return what lets a request meet its fate."""
        if not self._faults.on or cycle.scope["path"] in EXEMPT:
            return app
        self._cut.start()
        return self._faulty(cycle, app, self._faults.fate())

    def _faulty(self, cycle: RequestResponseCycle, app: ASGIApp, fate: Fate) -> ASGIApp:
        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            await _wait(fate.delay_in)
            if fate.lost_before:
                self._lose(cycle)
            elif fate.rejected:
                await self._reject(scope_of(cycle), receive, send)
            else:
                await app(scope, receive, _drop if fate.lost_after else _later(send, fate))
                if fate.lost_after:
                    self._lose(cycle)

        return faulty

    def _lose(self, cycle: RequestResponseCycle) -> None:
        """Cut the connection without an answer."""
        self._faults.struck("lost")
        cycle.disconnected = True
        self.transport.abort()

    async def _reject(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Refuse a request as an exchange with too much to do refuses it."""
        while (part := await receive())["type"] == "http.request" and part["more_body"]:
            pass  # the body belongs to this request
        reads = scope["method"] in ("GET", "HEAD")
        refusal = too_many(1.0) if reads else Refusal(ErrorCode.OVERLOADED, headers=RETRY)
        id = request_id(scope["headers"])
        status, body = self._envelope(scope["path"], refusal, id)
        self._faults.struck("rejected")
        self._note(id, refusal)
        headers = headers_for(body, id, more=[*SECURITY, *headers_of(refusal)])
        await respond(send, status, headers, body, head_only=scope["method"] == "HEAD")

    def _cut_off(self) -> None:
        self.transport.abort()

    def _may_cut(self) -> bool:
        """Tell whether no exempt request waits for its answer."""
        cycle = self.answering
        return cycle is None or cycle.response_complete or cycle.scope["path"] not in EXEMPT


async def _wait(seconds: float) -> None:
    """Wait, but no longer once the server stops."""
    if seconds:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(seconds)


async def _drop(message: Message) -> None:
    """Lose a part of an answer."""


def _later(send: Send, fate: Fate) -> Send:
    async def later(message: Message) -> None:
        if message["type"] == "http.response.start":
            await _wait(fate.delay_out)
        await send(message)

    return later
