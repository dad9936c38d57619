"""One client on its socket: takes its messages, sends the answers, and closes it.

inbox.py keeps the order of the messages. requests.py and socket_orders.py execute them.

Invariant: after its end (``_end``) a client is in no list, gets nothing, and starts nothing.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from litestar.types import WebSocketScope

from predmarket.contracts.errors import ErrorBody, Problem
from predmarket.contracts.realtime import ClientMessage, Unsubscribed
from predmarket.contracts.requests import Invalid, weight
from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import check_scope
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.broadcast.send_buffer import READS_TOO_SLOWLY, SendBuffer
from predmarket.server.gateway.broadcast.topics import Topic
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.http.errors import refusal_of
from predmarket.server.gateway.limits.reads import Reader
from predmarket.server.gateway.protocol.websocket import Socket
from predmarket.server.gateway.realtime.decoding import read, request_id_of
from predmarket.server.gateway.realtime.inbox import Inbox
from predmarket.server.gateway.realtime.limits import (
    RESTARTING,
    TOO_MANY,
    TRY_AGAIN,
    Bucket,
    SocketLimits,
)
from predmarket.server.gateway.realtime.snapshots import Beginning
from predmarket.server.gateway.realtime.subscriptions import Subscriptions
from predmarket.server.observability.request import CURRENT

log = logging.getLogger(__name__)

_PING = "ping"
_EMPTY: dict[str, object] = {}


@dataclass(slots=True)
class Shared:
    """The objects that all sockets of a gateway share.

    ``gateway`` is this process's name. ``orders`` has the function for each type of order message,
    ``requests`` that for each other type.
    ``ended`` is called when a client has ended, ``lost`` when its connection is gone too.
    """

    context: Context
    hub: Hub
    gateway: str
    bounds: SocketLimits
    orders: "Mapping[str, Callable[[SocketClient, ClientMessage], None]]"
    requests: "Mapping[str, Callable[[SocketClient, ClientMessage], None]]"
    ended: "Callable[[SocketClient], None]"
    lost: "Callable[[SocketClient], None]"
    peers: "set[SocketClient]" = field(default_factory=set)
    count: int = 0


class SocketClient:
    """One client.

    ``number`` counts this gateway's clients. ``connection`` is its name if its end shall cancel its
    orders; ``cancel_wanted`` asks for that before the client signs in. ``counted`` is its key
    behind a proxy (limits/connections.py). ``gone`` means that its connection is gone.
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
        self.opened = self.heard = self.pinged = self._used = socket.loop.time()
        self.scope = scope
        self.ended = False
        self.gone = False
        self.counted: str | None = None
        self.reader = Reader(self.context.limits.reads, address)
        self.socket = socket
        self._loop = socket.loop
        self._bucket = Bucket(shared.bounds, self.heard)
        self.subscriptions = Subscriptions(
            shared.context,
            shared.hub,
            self.out,
            self.reader,
            shared.bounds.topics,
            lambda: self.principal,
            self._not_begun,
            self._unsubscribed,
        )
        self.inbox = Inbox(socket, self._carry_out, self.refuse, self._landed)
        self._stopping = False
        self.closed_with: int | None = None
        shared.count += 1
        self.number = shared.count
        shared.peers.add(self)

    # the socket's side (protocol.Listener)

    def received(self, message: bytes) -> None:
        """Take a message."""
        if self.ended:
            return
        self.heard = self._loop.time()
        self.inbox.received(message)

    def odd(self, *, binary: bool) -> None:
        """Handle a control frame, a fragment, or a binary message."""
        if self.ended:
            return
        self.heard = self._loop.time()
        self.spend()
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
        self.inbox.stop()
        self._landed()

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
        self.spend()

    def close(self, code: int, reason: str) -> None:
        """End the connection, after the frames sent."""
        if not self.ended:
            self.out.flush()
            self.closed_with = code
            self._end()
            self.socket.close(code, reason)
            self.inbox.discard_input()

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

    def in_use(self) -> None:
        """Record a use without a subscription."""
        self._used = self._loop.time()

    def idle_for(self, now: float) -> float:
        """Return for how long it has been anonymous and without subscriptions."""
        if self.principal is not None or self.subscriptions:
            self._used = now
        return now - self._used

    # the user

    def sign_in(self, principal: Principal) -> None:
        """Sign a user in."""
        self.principal = principal
        self.look_again()
        self.reader.user_id = principal.user_id
        self.scope["state"]["user_id"] = principal.user_id
        if self.cancel_wanted and self.connection is None:
            self.connection = f"{self.shared.gateway}-{self.number}"

    def user(self, scope: Scope) -> Principal:
        """Return the user. Raises Refusal UNAUTHENTICATED, or FORBIDDEN for a key's scope."""
        if self.principal is None:
            raise Refusal(ErrorCode.UNAUTHENTICATED)
        check_scope(self.principal, scope)
        return self.principal

    # internals

    def _carry_out(self, raw: bytes) -> None:
        request_id = None
        if more := weight(raw) - 1:  # pay for its length before decoding it
            self.spend(more)
            if self.ended:
                return
        try:
            message = read(raw)
            request_id = message.request_id
            order_entry = self.shared.orders.get(message.type)
            if order_entry is not None:
                order_entry(self, message)
                return
            step = self.shared.requests.get(message.type)
            if step is None:
                raise Invalid(Problem("type", "is not the type of a request"))
            self.spend()
            if not self.ended:
                self._take(step, message)
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            if request_id is None:
                request_id = request_id_of(raw)
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
            self.inbox.later(self._once_more(step, message), message.request_id)

    async def _once_more(
        self, step: Callable[["SocketClient", ClientMessage], None], message: ClientMessage
    ) -> None:
        await self.context.services.catch_up()
        if not self.ended:
            step(self, message)

    def _not_begun(self, beginning: Beginning, error: Exception) -> None:
        """Report that a subscription or a snapshot could not begin."""
        self.refuse(error, beginning.request_id, topic=beginning.topic)

    def look_again(self) -> None:
        """End what the user may not see any more."""
        self.subscriptions.look_again()

    def _unsubscribed(self, topics: Sequence[Topic]) -> None:
        """Tell of subscriptions that have ended without a request."""
        self.send("unsubscribed", Unsubscribed([topic.name for topic in topics]), None)

    def _landed(self) -> None:
        if self._stopping and not self.inbox.in_flight:
            self.close(RESTARTING, "the exchange restarts")

    def spend(self, cost: int = 1) -> None:
        """Take tokens for a message; close the socket if there are too few."""
        if not self.ended and not self._bucket.take(self._loop.time(), cost):
            self.close(TOO_MANY, "too many messages")

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        self.shared.peers.discard(self)
        self.inbox.end()
        self.subscriptions.end()
        self.out.end()
        self.shared.ended(self)
