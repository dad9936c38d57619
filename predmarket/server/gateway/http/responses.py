"""Composes and sends the responses that do not come from Litestar.

The order fast path alone writes its bytes itself (protocol/order_fast_path.py), since it bypasses
ASGI.
"""

from collections.abc import Iterable
from typing import TypeAlias

from litestar.types import Send

from predmarket.server.errors import Refusal

Headers: TypeAlias = list[tuple[bytes, bytes]]

JSON = b"application/json"


def headers_for(
    body: bytes,
    request_id: str | None = None,
    *,
    content_type: bytes = JSON,
    more: Iterable[tuple[bytes, bytes]] = (),
) -> Headers:
    """Return the headers of a response, ``more`` first; without an id where one is added later."""
    headers = [*more, (b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    if request_id is not None:
        headers.append((b"x-request-id", request_id.encode()))
    return headers


def headers_of(refusal: Refusal) -> Headers:
    """Return a refusal's own headers, such as Retry-After."""
    return [(name.encode(), value.encode()) for name, value in refusal.headers.items()]


async def respond(
    send: Send, status: int, headers: Headers, body: bytes, *, head_only: bool = False
) -> None:
    """Send a whole response; ``head_only`` for one to a HEAD request."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = b"" if head_only else body
    await send({"type": "http.response.body", "body": body, "more_body": False})
