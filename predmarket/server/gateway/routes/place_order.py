"""POST /v1/orders and /v1/orders/batch as bare ASGI: their cost limits the exchange's throughput.

They use the same functions as the other routes, and give the same answers. They only bypass the
framework between socket and handler.

Invariant: after the end of a session has become known here, the session places nothing more,
however long its body took. So the sender is checked again last, after every wait. The disabling of
a user relies on that: it then cancels the user's orders.
"""

from functools import partial

from litestar.types import HTTPScope, Receive, Send

from predmarket.contracts.orders import BatchRequest, PlaceOrderRequest
from predmarket.contracts.requests import decode, weight
from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway import order_entry
from predmarket.server.gateway.api_request import require_json
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import MAX_BODY_BYTES, Context
from predmarket.server.gateway.http.errors import envelope, refusal_of
from predmarket.server.gateway.http.headers import request_id, security_headers
from predmarket.server.gateway.http.query import check_parameters
from predmarket.server.gateway.http.responses import Headers, headers_for, headers_of, respond

PATH = "/v1/orders"
BATCH_PATH = "/v1/orders/batch"
MAX_BATCH_BYTES = 4 * MAX_BODY_BYTES
"""Room for the most orders that a batch may hold, each as long as it can sensibly be."""


class _Gone(Exception):
    """The client left before its request was whole. Nothing was placed."""


class PlaceRoute:
    """The ASGI application behind POST /v1/orders."""

    path = PATH
    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, context: Context) -> None:
        self._context = context
        security = security_headers(on_loopback=context.services.settings.on_loopback)
        self._security = security

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = scope["headers"]
        id = request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = id
        extra: Headers = []
        try:
            principal = await self._who(scope)
            scope["user"] = principal
            self._check_query(scope)
            require_json(headers)
            raw = await _body(receive, self.max_body_bytes)
            status, body = await self._answer(principal, scope, raw)
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            status, body, extra = self._refused(error, id)
        state["status"] = status
        await respond(send, status, headers_for(body, id, more=[*self._security, *extra]), body)

    def _check_query(self, scope: HTTPScope) -> None:
        """Refuse a query: there are no parameters. Raises Invalid."""
        check_parameters(scope["query_string"], {})

    def _refused(self, error: Exception, id: str) -> tuple[int, bytes, Headers]:
        """Return the status, the body and the headers of an error."""
        refusal = refusal_of(error)
        return refusal.status, envelope(refusal, id), headers_of(refusal)

    async def _who(self, scope: HTTPScope) -> Principal:
        """Return a request's sender. Raises Refusal. The second call waits for nothing."""
        return await self._context.gate.require(scope, Scope.TRADE)

    async def _answer(
        self, principal: Principal, scope: HTTPScope, raw: bytes
    ) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        await self._context.limits.orders.take(principal.user_id, weight(raw))
        request = decode(raw, PlaceOrderRequest)
        await order_entry.learn(self._context.services, [request.market_id])
        principal = await self._who(scope)
        status, order = await order_entry.place(self._context.services, principal, request)
        return status, order_entry.encode(order)


class BatchRoute(PlaceRoute):
    """The ASGI application behind POST /v1/orders/batch."""

    path = BATCH_PATH
    max_body_bytes = MAX_BATCH_BYTES

    async def _answer(
        self, principal: Principal, scope: HTTPScope, raw: bytes
    ) -> tuple[int, bytes]:
        limit = self._context.limits.orders
        taken = weight(raw)
        await limit.take(principal.user_id, taken)
        batch = decode(raw, BatchRequest)
        if len(batch.orders) > taken:
            await limit.take(principal.user_id, len(batch.orders) - taken)
        ask = partial(self._who, scope)
        answer = await order_entry.place_batch(self._context.services, ask, batch)
        return 200, order_entry.encode(answer)


async def _body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body = bytearray()
    while message["type"] == "http.request":
        body += message["body"]
        if len(body) > limit:
            raise Refusal(ErrorCode.PAYLOAD_TOO_LARGE)
        if not message["more_body"]:
            return bytes(body)
        message = await receive()
    raise _Gone
