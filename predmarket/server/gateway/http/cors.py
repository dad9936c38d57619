"""CORS: pages of the configured origins may call the API and read every answer, errors too.

Litestar's own CORS stands behind the application, so it would miss the bare route and every answer
that the framework does not give.

Invariants:
- an origin that is not configured gets no header that allows anything;
- every answer has Vary: Origin, even without a page: a cache must not give it to another origin.
"""

from collections.abc import Iterable

from litestar.types import Message, Send

from predmarket.server.gateway.auth.authenticator import Headers, header

PREFLIGHT_SECONDS = 600

VARY = (b"vary", b"Origin")
_PREFLIGHT: list[tuple[bytes, bytes]] = [
    (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, X-Request-Id",
    ),
    (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
]


class Cors:
    """Tells browsers which origins may use the exchange."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Prepare for origins like ``https://example.com``, in lower case."""
        self._origins = frozenset(origins)

    def is_preflight(self, method: str, headers: Headers) -> bool:
        """Tell whether this is a browser's preflight for a configured origin."""
        return (
            method == "OPTIONS"
            and self._known(headers) is not None
            and header(headers, b"access-control-request-method") is not None
        )

    async def answer_preflight(self, send: Send) -> None:
        """Answer a preflight; ``send`` adds the origin."""
        await send({"type": "http.response.start", "status": 204, "headers": [*_PREFLIGHT]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def sharing(self, send: Send, headers: Headers) -> Send:
        """Return a ``send`` that adds the CORS headers."""
        origin = self._known(headers)
        added = [VARY]
        if origin is not None:
            added += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", b"X-Request-Id, Retry-After"),
            ]

        async def send_sharing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        return send_sharing

    def _known(self, headers: Headers) -> str | None:
        """Return the origin as the browser wrote it, if it is configured."""
        origin = header(headers, b"origin")
        return origin if origin is not None and origin.lower() in self._origins else None
