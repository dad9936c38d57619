"""Fast path for plain orders (POST /v1/orders, and other APIs' like it): bypasses asyncio and ASGI.

It takes the ordinary case: a whole body, a cached Bearer token, room under the limit. It sends such
an order to the core as soon as the last byte has arrived, and writes the answer when the core
replies; a malformed order is answered at once. Every other request (a token's first use, a cookie,
an order beyond a limit) takes the ordinary route, routes/place_order.py, before anything was done.
Both ways use the same functions to decide.
"""

import asyncio
import time
from collections.abc import Coroutine
from contextvars import copy_context
from typing import Any, Protocol, TypeAlias, cast

from litestar.types import HTTPScope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from predmarket.contracts.orders import PlaceOrderRequest
from predmarket.contracts.requests import decode, weight
from predmarket.engine.commands import PlaceOrder
from predmarket.engine.replies import OrderDone, Refused
from predmarket.enums import ErrorCode, Scope
from predmarket.server.core.bus import BusError, BusReply, OutcomeUnknown
from predmarket.server.errors import Refusal
from predmarket.server.gateway import order_entry, presenters
from predmarket.server.gateway.auth.authenticator import CHALLENGE
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import MAX_BODY_BYTES, Context
from predmarket.server.gateway.http.cors import VARY
from predmarket.server.gateway.http.errors import code_of, envelope, refusal_of
from predmarket.server.gateway.http.headers import request_id, security_headers
from predmarket.server.gateway.http.responses import Headers, headers_of
from predmarket.server.gateway.order_entry import Taken
from predmarket.server.gateway.protocol.coalescing_transport import CoalescingTransport
from predmarket.server.gateway.protocol.head_cache import HeadCache
from predmarket.server.gateway.routes import place_order
from predmarket.server.observability.access import Access
from predmarket.server.observability.request import CURRENT

Cycle: TypeAlias = RequestResponseCycle
"""One request of a connection and its answer, as uvicorn keeps them."""
Running: TypeAlias = "set[asyncio.Future[Any]]"
"""The server's running tasks: at a stop it waits for them, and cancels them after a time."""


def scope_of(cycle: Cycle) -> HTTPScope:
    """Return a request's scope; uvicorn's type and Litestar's differ in name only."""
    return cast("HTTPScope", cycle.scope)


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])


class Translation(Protocol):
    """Another API's spelling of an order. Its orders take the same way as plain ones."""

    path: str

    def sender(self, scope: HTTPScope) -> Principal | None:
        """Return who may place the order, if that is known without a wait."""

    def read(self, raw: bytes) -> PlaceOrderRequest:
        """Return the order that a body asks for."""

    def shown(self, taken: Taken) -> bytes:
        """Return the answer to an order that was taken."""

    def refused(
        self, error: BaseException, id: str, command: PlaceOrder | None
    ) -> tuple[int, bytes, Headers]:
        """Return the status, the body and the headers of an error."""


class OrderFastPath:
    """Places orders for connections. ``cors`` allows pages of other origins.

    ``translations`` are the spellings of other APIs, by their address.
    """

    def __init__(self, context: Context, access: Access, *, cors: bool) -> None:
        self.services = context.services
        self.access = access
        self.heads = HeadCache()
        self.translations: dict[str, Translation] = {}
        self._principals = context.principals
        self._limits = context.limits
        self._cors = cors
        security = security_headers(on_loopback=context.services.settings.on_loopback)
        own = [*security, (b"content-type", b"application/json"), *([VARY] if cors else [])]
        self._own = _lines(own)
        self._default: Headers = []
        self._head = self._own

    def head(self, default: Headers) -> bytes:
        """Return the head lines of every answer; ``default`` changes once a second."""
        if default is not self._default:
            self._default, self._head = default, _lines(default) + self._own
        return self._head

    def known(self, bearer: bytes) -> Principal | None:
        """Return the cached principal of a token, if there is one."""
        principal = self._principals.known(bearer)
        return principal if principal is not None and principal.may(Scope.TRADE) else None

    def concerns(self, cycle: Cycle) -> bool:
        """Tell from a request's head whether to try ``begin`` once its body is whole."""
        scope = cycle.scope
        return (
            (scope["path"] == place_order.PATH or scope["path"] in self.translations)
            and scope["method"] == "POST"
            and not scope["query_string"]
            and not cycle.waiting_for_100_continue
        )

    def bearer(self, scope: HTTPScope) -> bytes | None:
        """Return the sender's Bearer value; None: the head needs the ordinary way.

        It is empty for a translation's request, whose head does not repeat.
        """
        found: bytes | None = b"" if scope["path"] in self.translations else None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if found is not None:
                    return None
                found = value
            elif (name == b"content-type" and value != b"application/json") or (
                name == b"origin" and self._cors
            ):
                return None
        return found

    def begin(self, cycle: Cycle, bearer: bytes, running: Running) -> bool:
        """Send the order of a whole request; False: nothing was done, go the ordinary way.

        ``running`` holds the pending order; cancelling it there only ends the wait.
        """
        scope = scope_of(cycle)
        translation = self.translations.get(scope["path"])
        if len(cycle.body) > MAX_BODY_BYTES:
            return False
        principal = self.known(bearer) if translation is None else translation.sender(scope)
        if principal is None:
            return False
        try:
            raw = bytes(cycle.body)
            if not self._limits.orders.take_now(principal.user_id, weight(raw)):
                return False
        except Refusal:
            return False
        scope["user"] = principal
        scope["state"]["request_id"] = request_id(scope["headers"])
        order = _Order(self, cycle, scope, running, translation)
        context = copy_context()
        context.run(CURRENT.set, scope)  # log lines on the way belong to this request
        try:
            command = order.read(raw, principal)
            if not command.market_id:
                context.run(order.place_later, raw, bearer)
                return True
            reply = self.services.bus.enqueue(command)
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            context.run(order.refuse, error)
        else:
            running.add(reply)
            reply.add_done_callback(order.replied, context=context)
        return True


class _Order:
    """One order on its way to the core, and its answer on its way back."""

    __slots__ = (
        "_began",
        "_command",
        "_cycle",
        "_fast_path",
        "_running",
        "_scope",
        "_translation",
    )

    def __init__(
        self,
        fast_path: OrderFastPath,
        cycle: Cycle,
        scope: HTTPScope,
        running: Running,
        translation: Translation | None,
    ) -> None:
        self._began = time.perf_counter()
        self._fast_path = fast_path
        self._cycle = cycle
        self._scope = scope
        self._command: PlaceOrder | None = None
        self._running = running
        self._translation = translation

    def read(self, raw: bytes, principal: Principal) -> PlaceOrder:
        """Decode the body into a command. Raises Invalid."""
        request = self._request(raw)
        self._command = order_entry.place_command(self._fast_path.services, principal, request)
        return self._command

    def _request(self, raw: bytes) -> PlaceOrderRequest:
        if self._translation is not None:
            return self._translation.read(raw)
        return decode(raw, PlaceOrderRequest)

    def place_later(self, raw: bytes, bearer: bytes) -> None:
        """Place an order in a market that another process may just have made."""
        self._command = None  # ``order_entry.take`` counts it
        self._run(self._place_later(raw, bearer))

    async def _place_later(self, raw: bytes, bearer: bytes) -> None:
        services = self._fast_path.services
        try:
            await services.catch_up()
            principal = self._known(bearer)
            if principal is None:  # the session or key has ended meanwhile
                raise Refusal(ErrorCode.UNAUTHENTICATED, headers=CHALLENGE)
            status, taken = await order_entry.take(services, principal, self._request(raw))
            body = self._shown(taken)
        except asyncio.CancelledError:  # the server stops and waits no longer
            self.refuse(OutcomeUnknown("the server stops"))
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self.refuse(error)
        else:
            self._send(status, body)

    def _known(self, bearer: bytes) -> Principal | None:
        if self._translation is not None:
            return self._translation.sender(self._scope)
        return self._fast_path.known(bearer)

    def _shown(self, taken: Taken) -> bytes:
        if self._translation is not None:
            return self._translation.shown(taken)
        view = self._fast_path.services.view
        return order_entry.encode(presenters.order(taken.order, taken.fills, view))

    def _run(self, step: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(step)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def replied(self, reply: "asyncio.Future[BusReply]") -> None:
        """Answer with the core's reply."""
        self._running.discard(reply)
        if reply.cancelled():  # the server stops and waits no longer
            self.refuse(OutcomeUnknown("the server stops"))
            return
        try:
            self._answer(reply.result())
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self.refuse(error)

    def _answer(self, reply: BusReply) -> None:
        if isinstance(reply, OrderDone):
            self._accept(201, self._shown(Taken(reply.order, reply.fills)))
        elif isinstance(reply, Refused):
            self.refuse(Refusal.of(reply))
        else:
            self._run(self._repeated(reply))

    async def _repeated(self, reply: BusReply) -> None:
        """Answer a repeat with the order's present state from the database."""
        try:
            status, taken = await order_entry.taken(self._fast_path.services, reply)
            body = self._shown(taken)
        except asyncio.CancelledError:  # as above
            self.refuse(OutcomeUnknown("the server stops"))
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self.refuse(error)
        else:
            self._accept(status, body)

    def _accept(self, status: int, body: bytes) -> None:
        assert self._command is not None  # it was handed in
        self._fast_path.services.metrics.placement(self._command, None)
        self._send(status, body)

    def refuse(self, error: BaseException) -> None:
        """Answer with the error that an exception means."""
        if self._command is not None and isinstance(error, Refusal | BusError):
            self._fast_path.services.metrics.placement(self._command, code_of(error))
        if self._translation is not None:
            status, body, headers = self._translation.refused(error, self._id, self._command)
        else:
            refusal = refusal_of(error)
            status, body = refusal.status, envelope(refusal, self._id)
            headers = headers_of(refusal)
        self._send(status, body, _lines(headers))

    @property
    def _path(self) -> str:
        return place_order.PATH if self._translation is None else self._translation.path

    @property
    def _id(self) -> str:
        id: str = self._scope["state"]["request_id"]
        return id

    def _send(self, status: int, body: bytes, extra: bytes = b"") -> None:
        """Write the answer in one piece, and let the connection take its next request."""
        cycle = self._cycle
        if not cycle.disconnected:
            if not cycle.keep_alive:
                extra += b"connection: close\r\n"
            cycle.response_started = cycle.response_complete = True
            transport = cycle.transport
            assert isinstance(transport, CoalescingTransport)  # every connection has one
            transport.send(
                b"%b%b%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b"
                % (
                    STATUS_LINE[status],
                    self._fast_path.head(cycle.default_headers),
                    extra,
                    self._id.encode(),
                    len(body),
                    body,
                )
            )
            if not cycle.keep_alive:
                cycle.transport.close()
            cycle.on_response()
        self._fast_path.access.ended(
            self._scope, self._path, status, self._began, quiet=status < 400
        )
