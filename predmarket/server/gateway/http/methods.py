"""HEAD and OPTIONS, for every address alike.

HEAD is GET without the body. OPTIONS lists the methods in Allow. Litestar's own answer lists only
the methods of the first handler under an address, but its 405 lists them all.
"""

from litestar.types import HTTPScope, Message, Send

_ASK = "TRACE"
"""A method that no address takes, so that the answer is the 405 with its Allow."""


def plain(scope: HTTPScope, send: Send) -> tuple[HTTPScope, Send]:
    """Turn a HEAD or an OPTIONS into a request that the routes answer; return others unchanged.

    The scope is copied, because the server uses the method in its own. A preflight that arrives
    here has an unknown origin; it learns the methods, and gets no header that allows anything.
    """
    if scope["method"] == "HEAD":
        return _with_method(scope, "GET"), _without_body(send)
    if scope["method"] == "OPTIONS":
        return _with_method(scope, _ASK), _only_allow(send)
    return scope, send


def _with_method(scope: HTTPScope, method: str) -> HTTPScope:
    copy = scope.copy()
    copy["method"] = method  # type: ignore[typeddict-item]  # TRACE is not among Litestar's
    return copy


def _without_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_without_body


def _only_allow(send: Send) -> Send:
    allowed = False

    async def send_only_allow(message: Message) -> None:
        nonlocal allowed
        if message["type"] == "http.response.start" and message["status"] == 405:
            allowed = True
            message["status"] = 204
            dropped = (b"content-length", b"content-type")
            message["headers"] = [pair for pair in message["headers"] if pair[0] not in dropped]
        elif message["type"] == "http.response.body" and allowed:
            message["body"] = b""
        await send(message)

    return send_only_allow
