"""Identifies a request's sender: by the Bearer token, else by the cookie and its page's origin."""

from collections.abc import Iterable
from typing import TypeAlias

from litestar.enums import ScopeType
from litestar.types import HTTPScope, WebSocketScope

from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.principals import Principal, Principals

ACCESS_COOKIE = "predmarket_access"
REFRESH_COOKIE = "predmarket_refresh"

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
Asked: TypeAlias = HTTPScope | WebSocketScope
"""A request or a socket's handshake, its scheme as the client sees it."""

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_TLS = ("https", "wss")
_BEARER = "bearer "
_MOST_COOKIES = 300
"""More than browsers keep for a site."""
CHALLENGE = {"www-authenticate": "Bearer"}


def cookie(headers: Headers, name: str) -> str | None:
    """Return a cookie's value, among the first _MOST_COOKIES of each header.

    This function parses the header itself, because one odd cookie must not hide the others.
    """
    for key, value in headers:
        if key == b"cookie":
            for pair in value.decode("latin-1").split(";", _MOST_COOKIES)[:_MOST_COOKIES]:
                given, _, content = pair.strip().partition("=")
                if given == name and content:
                    return content.strip('"')
    return None


def header(headers: Headers, name: bytes) -> str | None:
    """Return the first header of that (lower-case) name."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


def _origin(scheme: str, host: str) -> str:
    """Return a page's origin as a browser writes it: without the scheme's default port."""
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS[scheme])}"


def check_scope(principal: Principal, scope: Scope) -> None:
    """Refuse an API key without this scope. Raises Refusal FORBIDDEN."""
    if not principal.may(scope):
        raise Refusal(ErrorCode.FORBIDDEN, f"this API key does not have the scope {scope.value}")


def _someone(principal: Principal | None) -> Principal:
    if principal is None:
        raise Refusal(ErrorCode.UNAUTHENTICATED, headers=CHALLENGE)
    return principal


def _noted(asked: Asked, principal: Principal) -> Principal:
    """Record the sender in the request's state (observability/request.py)."""
    asked.setdefault("state", {})["user_id"] = principal.user_id
    return principal


class Authenticator:
    """Identifies the senders of requests."""

    def __init__(self, principals: Principals, origins: Iterable[str]) -> None:
        self._principals = principals
        self._origins = frozenset(origins)

    async def identify(self, asked: Asked) -> Principal | None:
        """Return a request's sender, None if it names none.

        Raises Refusal: UNAUTHENTICATED for an invalid Bearer token, RATE_LIMITED after too many
        keys that do not exist, CSRF for a write with a cookie from a foreign page. A stale cookie
        counts as none, because the browser sends it unasked. From here on log lines about the
        request, even a refused one, name the sender.
        """
        for key, value in asked["headers"]:
            if key == b"authorization":
                principal = self._principals.known(value) or await self._bearer(value, asked)
                return _noted(asked, principal)
        token = cookie(asked["headers"], ACCESS_COOKIE)
        found = None
        if token is not None:
            found = await self._principals.principal(token, token, asked["client"])
        if found is not None:
            _noted(asked, found)
            self.check_origin(asked)
        return found

    async def require(self, asked: Asked, scope: Scope) -> Principal:
        """Return a request's sender, whose credential must allow the scope. Raises Refusal."""
        principal = _someone(await self.identify(asked))
        if principal.scopes is not None:  # a session may do everything
            check_scope(principal, scope)
        return principal

    async def require_session(self, asked: Asked) -> Principal:
        """Return a request's sender, by a session; a key is refused, even with all scopes."""
        principal = _someone(await self.identify(asked))
        if principal.key_id:
            raise Refusal(ErrorCode.FORBIDDEN, "this needs a login; an API key may not do it")
        return principal

    async def session_if_any(self, asked: Asked) -> Principal | None:
        """Return the user of a request's session, None if it has no live session.

        Raises Refusal: FORBIDDEN for an API key, CSRF.
        """
        try:
            return await self.require_session(asked)
        except Refusal as refusal:
            if refusal.code is not ErrorCode.UNAUTHENTICATED:
                raise
            return None

    async def require_admin(self, asked: Asked) -> Principal:
        """Return a request's sender, who must be an admin. Raises Refusal."""
        principal = await self.require(asked, Scope.ADMIN)
        if not principal.is_admin:
            raise Refusal(ErrorCode.FORBIDDEN, "only an admin may do this")
        return principal

    def check_origin(self, asked: Asked) -> None:
        """Refuse a write with a cookie from a foreign page. Raises Refusal CSRF.

        Our own origin is the host that the request was sent to; a foreign page cannot choose it. If
        we know that the request used TLS, a page without TLS is refused: anybody on its way may
        have changed it. Otherwise both schemes pass, because an unknown proxy may have ended TLS. A
        socket counts as a write.
        """
        if asked["type"] == ScopeType.HTTP and asked["method"] in _SAFE_METHODS:
            return
        origin = (header(asked["headers"], b"origin") or "").lower()
        host = (header(asked["headers"], b"host") or "").lower()
        own = ("https",) if asked["scheme"] in _TLS else ("https", "http")
        is_own = bool(host) and origin in [_origin(scheme, host) for scheme in own]
        if not is_own and origin not in self._origins:
            raise Refusal(ErrorCode.CSRF)

    async def _bearer(self, value: bytes, asked: Asked) -> Principal:
        text, client = value.decode("latin-1"), asked["client"]
        if text[: len(_BEARER)].lower() == _BEARER:
            token = text[len(_BEARER) :].strip()
            principal = await self._principals.principal(token, value, client)
            if principal is not None:
                return principal
        raise Refusal(ErrorCode.UNAUTHENTICATED, headers=CHALLENGE)
