"""POST /v1/orders as bare ASGI: the one route whose cost is the exchange's throughput.

It answers exactly as the other routes do, with the same functions; what it leaves out is the
framework's way from the socket to a handler and back.
"""

from litestar.types import HTTPScope, Receive, Send

from predmarket.contracts.orders import PlaceOrderRequest
from predmarket.contracts.requests import decode
from predmarket.server.refusal import Refusal
from predmarket.server.routes import entry
from predmarket.server.routes.context import MAX_BODY_BYTES, Context, require_json
from predmarket.server.routes.errors import envelope, refusal_of
from predmarket.server.routes.headers import request_id, security_headers
from predmarket.terms import ErrorCode, Scope

PATH = "/v1/orders"


class _Gone(Exception):
    """The client left before its request was whole; nothing was placed."""


class PlaceRoute:
    """The ASGI application behind POST /v1/orders."""

    def __init__(self, context: Context) -> None:
        self._context = context
        security = security_headers(on_loopback=context.services.settings.on_loopback)
        self._headers = [*security, (b"content-type", b"application/json")]

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = scope["headers"]
        id = request_id(headers)
        state = scope.setdefault("state", {})
        state["request_id"] = id
        extra: list[tuple[bytes, bytes]] = []
        try:
            principal = await self._context.gate.require("POST", headers, Scope.TRADE)
            scope["user"] = principal
            await self._context.limits.orders.take(principal.user_id)
            require_json(headers)
            request = decode(await _body(receive), PlaceOrderRequest)
            status, order = await entry.place(self._context.services, principal, request)
            body = entry.encode_order(order)
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            refusal = refusal_of(error)
            status, body = refusal.status, envelope(refusal, id)
            extra = [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
        state["status"] = status
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    *self._headers,
                    (b"x-request-id", id.encode()),
                    (b"content-length", b"%d" % len(body)),
                    *extra,
                ],
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body = b""
    while message["type"] == "http.request":
        body = body + message["body"] if body else message["body"]
        if len(body) > MAX_BODY_BYTES:
            raise Refusal(ErrorCode.PAYLOAD_TOO_LARGE)
        if not message["more_body"]:
            return body
        message = await receive()
    raise _Gone
