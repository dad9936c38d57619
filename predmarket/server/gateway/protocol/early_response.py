"""Error responses that the protocol layer sends before it closes the connection."""

from collections.abc import Callable
from typing import Any

from litestar.types import HTTPScope, Receive, Send

from predmarket.server.errors import Refusal
from predmarket.server.gateway.http.errors import envelope
from predmarket.server.gateway.http.headers import SECURITY, request_id
from predmarket.server.gateway.http.responses import Headers, headers_for, headers_of, respond


def closing(refusal: Refusal, id: str) -> bytes:
    """Return the bytes of a whole response with ``connection: close``."""
    body = envelope(refusal, id)
    head = [b"HTTP/1.1 %d \r\n" % refusal.status]
    head += [b"%s: %s\r\n" % header for header in _headers(refusal, id, body)]
    return b"".join([*head, b"\r\n", body])


def answering(refusal: Refusal, refused: Callable[[str, Refusal], None]) -> Any:  # noqa: ANN401 -- as uvicorn
    """Return an application that refuses every request and closes; it calls ``refused``."""

    async def app(scope: HTTPScope, _: Receive, send: Send) -> None:
        id = request_id(scope["headers"])
        body = envelope(refusal, id)
        refused(id, refusal)
        await respond(send, refusal.status, _headers(refusal, id, body), body)

    return app


def _headers(refusal: Refusal, id: str, body: bytes) -> Headers:
    more = [*SECURITY, (b"connection", b"close"), *headers_of(refusal)]
    return headers_for(body, id, more=more)
