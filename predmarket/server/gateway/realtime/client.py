"""One client on its socket: executes its requests, sends the answers, and ends it.

Messages are executed in the order they arrived, most of them in one step. Some have to wait: for a
token's look-up, for a permit, for room among MAX_IN_FLIGHT. Then the messages behind them wait too,
and nothing more is read.

Invariant: after its end (``_end``) a client is in no list, gets nothing, and starts nothing.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

import msgspec
from litestar.types import WebSocketScope

from predmarket.contracts.errors import ErrorBody, Problem
from predmarket.contracts.realtime import (
    Authenticated,
    AuthRequest,
    ClientMessage,
    SnapshotRequest,
    Subscribed,
    SubscribeRequest,
    Unsubscribed,
    UnsubscribeRequest,
)
from predmarket.contracts.requests import Invalid, decode, weight
from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import check_scope
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.broadcast.send_buffer import READS_TOO_SLOWLY, SendBuffer
from predmarket.server.gateway.broadcast.topics import Topic
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.fair_turns import TURN_SECONDS, Turn, fair_turns
from predmarket.server.gateway.http.errors import refusal_of
from predmarket.server.gateway.limits.reads import Reader
from predmarket.server.gateway.protocol.websocket import Socket
from predmarket.server.gateway.realtime import requests
from predmarket.server.gateway.realtime.limits import (
    RESTARTING,
    TOO_MANY,
    TOPICS_A_TOKEN,
    TRY_AGAIN,
    UNAUTHENTICATED,
    Bucket,
    SocketLimits,
)
from predmarket.server.gateway.realtime.snapshots import Beginning
from predmarket.server.gateway.realtime.subscriptions import Subscriptions
from predmarket.server.observability.request import CURRENT

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 1_000
"""The most orders of one client that wait for the core; beyond them nothing more is read."""

_PING = "ping"
_EMPTY: dict[str, object] = {}


@dataclass(slots=True)
class Shared:
    """The objects that all sockets of a gateway share.

    ``gateway`` is this process's name. ``orders`` has the function for each type of order message.
    ``ended`` is called when a client has ended, ``lost`` when its connection is gone too.
    """

    context: Context
    hub: Hub
    gateway: str
    bounds: SocketLimits
    orders: "Mapping[str, Callable[[SocketClient, ClientMessage], None]]"
    ended: "Callable[[SocketClient], None]"
    lost: "Callable[[SocketClient], None]"
    peers: "set[SocketClient]" = field(default_factory=set)
    count: int = 0


class SocketClient:
    """One client.

    ``connection`` is its name if its end shall cancel its orders; ``cancel_wanted`` asks for that
    before the client signs in. ``counted`` is its key behind a proxy (limits/connections.py).
    ``gone`` means that its connection is gone. ``in_flight`` counts requests that wait for the core
    or for a read.
    """

    def __init__(self, shared: Shared, socket: Socket, scope: WebSocketScope, address: str) -> None:
        """Take over a socket.

        ``scope`` holds the fields of its log lines (observability.request). ``address`` is the key
        of the client's reads until it signs in.
        """
        self.shared = shared
        self.context = shared.context
        self.hub = shared.hub
        self.out = SendBuffer(socket, self.close_slow)
        self.principal: Principal | None = None
        self.connection: str | None = None
        self.cancel_wanted = False
        self.in_flight = 0
        self.opened = self.heard = self.pinged = self._used = socket.loop.time()
        self.scope = scope
        self.ended = False
        self.gone = False
        self.counted: str | None = None
        self.reader = Reader(self.context.limits.reads, address)
        self._socket = socket
        self._loop = socket.loop
        self._bucket = Bucket(shared.bounds, self.heard)
        self.subscriptions = Subscriptions(
            shared.context,
            shared.hub,
            self.out,
            self.reader,
            shared.bounds.topics,
            self._not_begun,
        )
        self._inbox: deque[bytes] = deque()
        self._waits: asyncio.Task[None] | None = None
        self._next_turn: Turn | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._paused = False
        self.closed_with: int | None = None
        shared.count += 1
        self._number = shared.count
        shared.peers.add(self)

    # the socket's side (protocol.Listener)

    def received(self, message: bytes) -> None:
        """Take a message."""
        if self.ended:
            return
        self.heard = self._loop.time()
        if self._inbox or self._busy():
            self._pause()
            self._inbox.append(message)
        else:
            self._carry_out(message)

    def odd(self, *, binary: bool) -> None:
        """Handle a control frame, a fragment, or a binary message."""
        if self.ended:
            return
        self.heard = self._loop.time()
        self._spend()
        if binary and not self.ended:
            self.refuse(Invalid(Problem("", "a message must be text")), None)

    def answer(self, frame: bytes) -> None:
        """Send the answer to a control frame, in its turn."""
        if not self.ended:
            self.out.send(frame)

    def stalled(self) -> None:
        """Close the socket, because the client reads nothing."""
        self.close_slow(READS_TOO_SLOWLY)

    def paused(self) -> None:
        """Write no more."""
        if not self.ended:  # otherwise a waiter for free space would wait for ever
            self.out.paused()

    def resumed(self) -> None:
        """Write on."""
        self.out.resumed()

    def stopping(self) -> None:
        """Answer the requests in flight, then close; begin no others."""
        self._stopping = True
        self._pause()
        if not self.in_flight:
            self.close(RESTARTING, "the exchange restarts")

    def lost(self) -> None:
        """The connection is gone."""
        self._end()
        self.gone = True
        self.shared.lost(self)

    # answers

    def send(
        self, type: str, data: object, request_id: str | None, *, topic: Topic | None = None
    ) -> None:
        """Send an answer."""
        name = msgspec.UNSET if topic is None else topic.name
        self.out.send(frames.message(type, data, topic=name, request_id=request_id))

    def refuse(
        self, error: Exception, request_id: str | None, *, topic: Topic | None = None
    ) -> None:
        """Send an error. Costs a token; a defect is logged."""
        if self.ended:
            return
        before = CURRENT.set(self.scope)
        try:
            refusal = refusal_of(error)
        finally:
            CURRENT.reset(before)
        body = ErrorBody(refusal.code, refusal.message, refusal.details)
        self.send("error", body, request_id, topic=topic)
        self._spend()

    def close(self, code: int, reason: str) -> None:
        """End the connection, after the frames sent."""
        if not self.ended:
            self.out.flush()
            self.closed_with = code
            self._end()
            self._socket.close(code, reason)
            if self._paused:  # on close the system would drop written frames if input is unread
                self._socket.resume_reading()

    def close_slow(self, reason: str) -> None:
        """Close the socket: the client reads too slowly, or missed changes. It may come back.

        protocol/slow_client.py lists the bounds.
        """
        self.close(TRY_AGAIN, reason)

    def ping(self, now: float) -> None:
        """Send a ping; a client that does not read gets none."""
        self.pinged = now
        if self.out.clear:
            self.send(_PING, _EMPTY, None)

    def idle_for(self, now: float) -> float:
        """Return for how long it has been anonymous and without subscriptions."""
        if self.principal is not None or self.subscriptions:
            self._used = now
        return now - self._used

    # the user

    def sign_in(self, principal: Principal) -> None:
        """Sign a user in."""
        self.principal = principal
        self.reader.user_id = principal.user_id
        self.scope["state"]["user_id"] = principal.user_id
        if self.cancel_wanted and self.connection is None:
            self.connection = f"{self.shared.gateway}-{self._number}"

    def user(self, scope: Scope) -> Principal:
        """Return the user. Raises Refusal UNAUTHENTICATED, or FORBIDDEN for a key's scope."""
        if self.principal is None:
            raise Refusal(ErrorCode.UNAUTHENTICATED)
        check_scope(self.principal, scope)
        return self.principal

    # requests

    def later(self, step: Coroutine[object, object, None], request_id: str | None) -> None:
        """Carry out a step that waits, and after it the messages that come meanwhile."""
        self._pause()
        self._waits = asyncio.create_task(self._wait_for(step, request_id))

    def aside(self, step: Coroutine[object, object, None]) -> None:
        """Run a step beside the messages, which do not wait for it; it counts as in flight."""
        self.in_flight += 1
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._aside_done)

    def landed(self) -> None:
        """Count one request less in flight."""
        self.in_flight -= 1
        if self._paused and self.in_flight <= MAX_IN_FLIGHT // 2:
            self._go_on()
        if self._stopping and not self.in_flight:
            self.stopping()

    def subscribe(self, message: ClientMessage) -> None:
        """Execute subscribe."""
        asked = decode(bytes(message.data), SubscribeRequest).topics
        self._spend(len(asked) // TOPICS_A_TOKEN)
        if self.ended:
            return
        self.reader.take(len(asked))
        wanted = self.subscriptions.read(asked, self.principal)
        self.send("subscribed", Subscribed(wanted.named), message.request_id)
        self.subscriptions.begin(wanted.begun)

    def unsubscribe(self, message: ClientMessage) -> None:
        """Execute unsubscribe; a topic without a subscription is no error."""
        asked = decode(bytes(message.data), UnsubscribeRequest).topics
        self._spend(len(asked) // TOPICS_A_TOKEN)
        if self.ended:
            return
        gone = [self.subscriptions.topic(name, self.principal) for name in asked]
        for topic in gone:
            self.subscriptions.drop(topic)
        names = list(dict.fromkeys(topic.name for topic in gone))
        self.send("unsubscribed", Unsubscribed(names), message.request_id)

    def snapshot(self, message: ClientMessage) -> None:
        """Execute snapshot."""
        self._used = self._loop.time()
        name = decode(bytes(message.data), SnapshotRequest).topic
        self.reader.take()
        self.subscriptions.snapshot(
            self.subscriptions.topic(name, self.principal), message.request_id
        )

    def pong(self, message: ClientMessage) -> None:
        """Take a pong."""

    def auth(self, message: ClientMessage) -> None:
        """Execute auth."""
        request = decode(bytes(message.data), AuthRequest)
        self.later(self._sign_in(request, message.request_id), message.request_id)

    # internals

    def _carry_out(self, raw: bytes) -> None:
        request_id = None
        if more := weight(raw) - 1:  # pay for its length before decoding it
            self._spend(more)
            if self.ended:
                return
        try:
            message = requests.read(raw)
            request_id = message.request_id
            order_entry = self.shared.orders.get(message.type)
            if order_entry is not None:
                order_entry(self, message)
                return
            step = _STEPS.get(message.type)
            if step is None:
                raise Invalid(Problem("type", "is not the type of a request"))
            self._spend()
            if not self.ended:
                self._take(step, message)
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            if request_id is None:
                request_id = requests.request_id_of(raw)
            self.refuse(error, request_id)

    def _take(
        self, step: Callable[["SocketClient", ClientMessage], None], message: ClientMessage
    ) -> None:
        """Execute a message; try again when another process may have made its market."""
        try:
            step(self, message)
        except Refusal as refusal:
            if refusal.code is not ErrorCode.MARKET_NOT_FOUND:
                raise
            self.later(self._once_more(step, message), message.request_id)

    async def _once_more(
        self, step: Callable[["SocketClient", ClientMessage], None], message: ClientMessage
    ) -> None:
        await self.context.services.catch_up()
        if not self.ended:
            step(self, message)

    async def _wait_for(
        self, step: Coroutine[object, object, None], request_id: str | None
    ) -> None:
        try:
            await step
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self.refuse(error, request_id)
        self._waits = None
        self._go_on()

    def _busy(self) -> bool:
        """Tell whether the next message has to wait."""
        resting = self._next_turn is not None
        waits = resting or self._stopping or self._waits is not None
        return waits or self.in_flight >= MAX_IN_FLIGHT

    def _pause(self) -> None:
        """Stop reading; messages that arrived are kept."""
        if not self._paused:
            self._paused = True
            self._socket.pause_reading()

    def _go_on(self) -> None:
        """Execute the messages that arrived meanwhile, in turns, and continue reading."""
        until = time.monotonic() + TURN_SECONDS
        while self._inbox and not self._busy():
            self._carry_out(self._inbox.popleft())
            if self._inbox and time.monotonic() > until:
                self._next_turn = fair_turns(self._loop).soon(self._socket.share, self._take_turn)
        if not (self._busy() or self.ended):
            self._paused = False
            self._socket.resume_reading()

    def _take_turn(self) -> None:
        self._next_turn = None
        self._go_on()

    async def _sign_in(self, request: AuthRequest, request_id: str | None) -> None:
        token = request.token
        principal = await self.context.principals.principal(token, token)
        if self.ended:
            return
        if principal is None:
            self.close(UNAUTHENTICATED, "the token is not valid")
            return
        before = self.principal
        if before is not None and before.user_id != principal.user_id:
            raise Refusal(ErrorCode.FORBIDDEN, "the connection is another user's")
        self.cancel_wanted |= request.cancel_on_disconnect
        self.sign_in(principal)
        if request_id is not None:
            self.send("authenticated", Authenticated(principal.user_id), request_id)

    def _aside_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a step beside the messages failed", exc_info=error)
        self.landed()

    def _not_begun(self, beginning: Beginning, error: Exception) -> None:
        """Report that a subscription or a snapshot could not begin."""
        self.refuse(error, beginning.request_id, topic=beginning.topic)

    def _spend(self, cost: int = 1) -> None:
        if not self.ended and not self._bucket.take(self._loop.time(), cost):
            self.close(TOO_MANY, "too many messages")

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        self.shared.peers.discard(self)
        self._inbox.clear()
        self.subscriptions.end()
        self.out.end()
        self.shared.ended(self)


_STEPS: dict[str, Callable[[SocketClient, ClientMessage], None]] = {
    "subscribe": SocketClient.subscribe,
    "unsubscribe": SocketClient.unsubscribe,
    "snapshot": SocketClient.snapshot,
    "auth": SocketClient.auth,
    "pong": SocketClient.pong,
}
