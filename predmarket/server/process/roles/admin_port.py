"""The port of a core: serves /healthz, and /metrics to its own machine. It takes no orders."""

import asyncio
from collections.abc import Callable

import msgspec
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.health import Answers, Probe
from predmarket.server.gateway.http.errors import envelope
from predmarket.server.gateway.http.headers import request_id, security_headers
from predmarket.server.gateway.http.responses import headers_for, respond
from predmarket.server.gateway.limits.client_address import is_local
from predmarket.server.observability.metrics import CONTENT_TYPE, PATH, Metrics

_JSON = "application/json"


class AdminPort:
    """A bare ASGI application. ``standing`` returns the core's state: ok, standby or down."""

    def __init__(
        self, db: Answers, redis: Answers, standing: Callable[[], str], metrics: Metrics
    ) -> None:
        self._database = Probe(db.answers)
        self._redis = Probe(redis.answers)
        self._standing = standing
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != ScopeType.HTTP:
            return
        id = request_id(scope["headers"])
        if scope["method"] not in ("GET", "HEAD"):
            refusal = Refusal(ErrorCode.METHOD_NOT_ALLOWED)
            status, kind, body = refusal.status, _JSON, envelope(refusal, id)
        elif scope["path"] == "/healthz":
            status, kind, body = await self._health()
        elif scope["path"] == PATH and is_local(scope):
            status, kind, body = 200, CONTENT_TYPE, await self._metrics.scrape()
        else:
            refusal = Refusal(ErrorCode.NOT_FOUND, "a core serves /healthz and, locally, /metrics")
            status, kind, body = refusal.status, _JSON, envelope(refusal, id)
        security = security_headers(on_loopback=True)
        headers = headers_for(body, id, content_type=kind.encode(), more=security)
        await respond(send, status, headers, body, head_only=scope["method"] == "HEAD")

    async def _health(self) -> tuple[int, str, bytes]:
        database, redis = await asyncio.gather(self._database.part(), self._redis.part())
        core = self._standing()
        down = "down" in (database, redis, core)
        parts = {"status": "down" if down else "ok", "database": database, "redis": redis}
        return 503 if down else 200, _JSON, msgspec.json.encode({**parts, "core": core})
