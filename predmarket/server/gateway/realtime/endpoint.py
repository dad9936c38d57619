"""The ASGI application of /realtime: accepts sockets, and watches over open ones.

A socket brings a token in its Authorization header, in ``?token=`` or in the cookie, or none; it
may also sign in by a message. A socket with an invalid token is closed with 4401. A cookie from
another site's page is refused with 403; a stale cookie counts as none.

Open sockets are pinged, and closed if they do not answer. An anonymous socket without subscriptions
is closed, too. When its session or key ends, a socket is closed as soon as the news arrives, at the
latest within ``recheck_s``.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from functools import partial
from urllib.parse import parse_qs

from litestar.types import Receive, Send, WebSocketScope

from predmarket.engine.commands import Disconnect
from predmarket.enums import ErrorCode
from predmarket.server.core.bus import BusError, BusReply, Faulted
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import header
from predmarket.server.gateway.auth.principals import Principal, Revocation
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.http.errors import envelope, refusal_of
from predmarket.server.gateway.http.headers import request_id
from predmarket.server.gateway.http.responses import headers_for, headers_of
from predmarket.server.gateway.limits.client_address import client_key
from predmarket.server.gateway.limits.connections import too_many_connections
from predmarket.server.gateway.protocol.websocket import SOCKET, Socket
from predmarket.server.gateway.realtime.client import Shared, SocketClient
from predmarket.server.gateway.realtime.limits import SILENT, UNAUTHENTICATED, SocketLimits
from predmarket.server.gateway.realtime.requests import REQUESTS
from predmarket.server.gateway.realtime.socket_orders import ORDERS
from predmarket.server.observability.request import CURRENT
from predmarket.server.storage.database import UNAVAILABLE

log = logging.getLogger(__name__)

PATH = "/realtime"
_YES = ("1", "true")
_RETRY_S = 0.5
_PEERS_A_TURN = 200


class Realtime:
    """The ASGI application behind /realtime."""

    def __init__(self, context: Context, hub: Hub, bounds: SocketLimits | None = None) -> None:
        self._context = context
        self.shared = Shared(
            context,
            hub,
            context.services.gateway,
            bounds or SocketLimits(),
            ORDERS,
            REQUESTS,
            self._ended,
            self._lost,
        )
        self._watch: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        context.principals.listeners.append(self._heard_of)

    async def __call__(
        self, scope: WebSocketScope, receive: Receive, send: Send, behind: str | None = None
    ) -> None:
        """Accept a client, or refuse it. ``behind`` is the key of a client behind a proxy."""
        counters = self._context.limits.connections
        surplus = counters.enter(behind)
        peer = None
        try:
            peer = await self._let_in(scope, receive, send, too_many=surplus > 0)
        finally:
            if peer is None or peer.gone:
                counters.leave(behind)
            else:
                peer.counted = behind

    async def _let_in(
        self, scope: WebSocketScope, receive: Receive, send: Send, *, too_many: bool
    ) -> SocketClient | None:
        await receive()
        CURRENT.set(scope)
        id = request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = id
        query = parse_qs(scope["query_string"].decode("latin-1"))
        refused: Refusal | None = None
        principal = None
        try:
            if too_many:
                raise too_many_connections()
            principal = await self._identify(scope, query.get("token", [""])[0])
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            refused = refusal_of(error)
        if refused is not None and not self._lets_in(refused):
            await _answer(refused, self._told(refused, id), id, send)
            return None
        await send({"type": "websocket.accept", "subprotocol": None,
                    "headers": [(b"x-request-id", id.encode())]})  # fmt: skip
        socket = (scope["extensions"] or {})[SOCKET]["socket"]
        assert isinstance(socket, Socket)  # protocol/websocket.py names itself
        if socket.disconnected:
            return None
        state = {"request_id": id}
        host = (scope["client"] or ("",))[0]
        own: WebSocketScope = {"state": state, "client": scope["client"]}  # type: ignore[typeddict-item]  # for log lines
        peer = self._client(socket, own, client_key(host))
        self._context.services.metrics.connections.inc()
        socket.hand_over(peer)
        log.info("socket_opened", extra={"address": host})
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after())
        peer.cancel_wanted = query.get("cancelOnDisconnect", [""])[0] in _YES
        if refused is not None:
            peer.close(UNAUTHENTICATED, "the token is not valid")
        elif principal is not None:
            peer.sign_in(principal)
        return peer

    async def _identify(self, scope: WebSocketScope, token: str) -> Principal | None:
        """Return a handshake's sender. Raises Refusal UNAUTHENTICATED, CSRF."""
        if token and header(scope["headers"], b"authorization") is None:
            principal = await self._context.principals.principal(token, token, scope["client"])
            if principal is None:
                raise Refusal(ErrorCode.UNAUTHENTICATED)
            return principal
        return await self._context.gate.identify(scope)

    def _lets_in(self, refused: Refusal) -> bool:
        """Tell whether a socket with a refused handshake is accepted, and closed then."""
        return refused.code is ErrorCode.UNAUTHENTICATED

    def _told(self, refused: Refusal, id: str) -> bytes:
        """Return the body of a refused handshake."""
        return envelope(refused, id)

    def _client(self, socket: Socket, scope: WebSocketScope, address: str) -> SocketClient:
        """Return the client on an accepted socket."""
        return SocketClient(self.shared, socket, scope, address)

    # while they are open

    async def _look_after(self) -> None:
        shared, bounds = self.shared, self.shared.bounds
        loop = asyncio.get_running_loop()
        rechecked = loop.time()
        while shared.peers:
            await asyncio.sleep(bounds.look_s)
            now = loop.time()
            try:
                await self._look(now)
                if now - rechecked >= bounds.recheck_s:
                    rechecked = now
                    await self._recheck(shared.peers)
            except Exception:  # one client's error must not end the watch over all
                log.exception("the check of open sockets failed")
        self._watch = None

    async def _look(self, now: float) -> None:
        """Ping each socket; close those that did not answer the last ping, and idle ones."""
        bounds = self.shared.bounds
        for count, peer in enumerate(list(self.shared.peers)):
            if now - peer.heard > bounds.silence_s:
                peer.close(SILENT, "nothing was heard for too long")
            elif peer.idle_for(now) > bounds.idle_s:
                peer.close(SILENT, "nothing was asked for")
            elif now - peer.pinged >= bounds.ping_s:
                peer.ping(now)
            if count % _PEERS_A_TURN == _PEERS_A_TURN - 1:
                await asyncio.sleep(0)

    def _heard_of(self, ended: Revocation | None) -> asyncio.Task[None] | None:
        """Close the sockets that a revocation concerns; None: news was missed, so check all.

        Return the task that closes them, if the database has to be asked.
        """
        concerned = [
            peer
            for peer in self.shared.peers
            if peer.principal is not None and (ended is None or ended.concerns(peer.principal))
        ]
        if not concerned:
            return None
        if ended is None or ended.what == "user":  # some credentials may still be valid
            return self._in_background(self._recheck(concerned))
        for peer in concerned:
            peer.close(UNAUTHENTICATED, "the session has ended")
        return None

    async def _recheck(self, peers: Iterable[SocketClient]) -> None:
        """Ask the database which sockets may stay."""
        asked = {peer: peer.principal for peer in peers if peer.principal is not None}
        if not asked:
            return
        try:
            standing = await self._context.principals.standing(set(asked.values()))
        except UNAVAILABLE as error:
            log.warning("open sockets were not checked: %s", error)
            return
        for peer, before in asked.items():
            now = standing.get(before)
            if now is None:
                if peer.principal == before:
                    peer.close(UNAUTHENTICATED, "the session has ended")
            elif peer.principal == before and now != before:
                peer.principal = now
                peer.look_again()

    # ends

    def _ended(self, peer: SocketClient) -> None:
        """Make the core cancel the orders tied to a connection."""
        if peer.connection is not None and peer.principal is not None:
            command = Disconnect(self.shared.gateway, peer.connection, peer.principal.user_id)
            self._disconnect(command)

    def _disconnect(self, command: Disconnect) -> None:
        try:
            reply = self._context.services.bus.enqueue(command)
        except BusError:
            self._in_background(self._disconnect_later(command))
        else:
            reply.add_done_callback(partial(self._disconnected, command))

    def _disconnected(self, command: Disconnect, answer: "asyncio.Future[BusReply]") -> None:
        error = answer.exception()
        if error is not None and not isinstance(error, Faulted):
            self._in_background(self._disconnect_later(command))

    async def _disconnect_later(self, command: Disconnect) -> None:
        """Retry until the core takes the command; if this process ends first, the core does it."""
        await asyncio.sleep(_RETRY_S)
        self._disconnect(command)

    def _lost(self, peer: SocketClient) -> None:
        self._context.services.metrics.connections.dec()
        self._context.limits.connections.leave(peer.counted)
        before = CURRENT.set(peer.scope)
        try:
            seconds = round(asyncio.get_running_loop().time() - peer.opened, 3)
            log.info("socket_closed", extra={"code": peer.closed_with, "durationS": seconds})
        finally:
            CURRENT.reset(before)

    def _in_background(self, step: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _answer(refusal: Refusal, body: bytes, id: str, send: Send) -> None:
    """Refuse a handshake."""
    headers = headers_for(body, id, more=headers_of(refusal))
    await send({"type": "websocket.http.response.start", "status": refusal.status,
                "headers": headers})  # fmt: skip
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
