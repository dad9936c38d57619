"""Answers of the connection's own, behind which it is closed."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from predmarket.server.errors import Refusal
from predmarket.server.gateway.http.errors import envelope
from predmarket.server.gateway.http.headers import SECURITY, request_id

_CLOSE = [(b"content-type", b"application/json"), (b"connection", b"close")]


def closing(refusal: Refusal, id: str) -> bytes:
    """Return a whole answer as it is sent."""
    body = envelope(refusal, id)
    head = [b"HTTP/1.1 %d \r\n" % refusal.status]
    head += [b"%s: %s\r\n" % header for header in _headers(refusal, id, body)]
    return b"".join([*head, b"\r\n", body])


def answering(refusal: Refusal, refused: Callable[[str, Refusal], None]) -> Any:  # noqa: ANN401 -- as uvicorn
    """Return an application that answers everything alike and closes. ``refused``: told of it."""

    async def app(scope: Scope, _: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        headers = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])  # type: ignore[typeddict-item]
        id = request_id(headers)
        body = envelope(refusal, id)
        refused(id, refusal)
        await send(
            {
                "type": "http.response.start",
                "status": refusal.status,
                "headers": _headers(refusal, id, body),
                "trailers": False,
            }
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


def _headers(refusal: Refusal, id: str, body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        *SECURITY,
        *_CLOSE,
        (b"x-request-id", id.encode()),
        (b"content-length", b"%d" % len(body)),
        *((name.encode(), value.encode()) for name, value in refusal.headers.items()),
    ]
