"""Security headers, cookies and cross-origin requests (CORS)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from predmarket.server.errors import Refusal
from predmarket.server.gateway.app import create_app
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange

PAGE, OTHER_PAGE = "https://app.example.com", "http://localhost:3000"
FOREIGN = "https://evil.example"
SECRET = "a secret for tests, long enough by far"

pytestmark = ON_ONE_DATABASE


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    """Return settings that permit two origins."""
    del database_url  # listed because pytest does not look behind a fixture that overrides itself
    return settings.model_copy(update={"cors_origin": (PAGE, OTHER_PAGE)})


@asynccontextmanager
async def off_loopback(exchange: Exchange) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the same exchange as if it were bound to a network address."""
    services = exchange.node.services
    update = {"host": "203.0.113.7", "jwt_secret": SecretStr(SECRET)}
    public = replace(services, settings=services.settings.model_copy(update=update))
    app: Any = create_app(public)  # httpx and Litestar each have their own types for ASGI
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://exchange.test") as client:
        yield client


REQUESTS: list[tuple[str, str, int]] = [
    ("GET", "/v1/markets", 200),
    ("GET", "/v1/auth/me", 401),
    ("POST", "/v1/orders", 401),
    ("GET", "/nowhere", 404),
    ("PUT", "/v1/markets", 405),
    ("PUT", "/v1/orders", 405),
    ("POST", "/v1/auth/login", 400),
]
PREFLIGHT = {"origin": PAGE, "access-control-request-method": "POST"}


async def test_security_headers_are_on_every_answer(exchange: Exchange) -> None:
    """Every answer has the security headers: errors, unknown routes and methods, preflights.

    Off loopback it has HSTS too.
    """
    requests = [*REQUESTS, ("OPTIONS", "/v1/orders", 204), ("OPTIONS", "/nowhere", 204)]
    async with off_loopback(exchange) as public:
        for method, path, status in requests:
            for client, has_tls in (exchange.anonymous, False), (public, True):
                extra = PREFLIGHT if method == "OPTIONS" else {}
                answer = await client.request(method, path, headers=extra)
                headers = answer.headers
                assert (method, path, answer.status_code) == (method, path, status)
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["x-frame-options"] == "DENY"
                assert headers["referrer-policy"] == "no-referrer"
                assert "default-src 'none'" in headers["content-security-policy"]
                assert headers["cache-control"] == "no-store"
                assert headers["x-request-id"]
                assert ("strict-transport-security" in headers) is has_tls


async def test_cookies_are_secure_off_loopback(exchange: Exchange) -> None:
    """Cookies are secure off loopback, when they are set and when they are cleared."""
    body = {"email": "ann@example.com", "password": PASSWORD}
    async with off_loopback(exchange) as public:
        opened = await public.post("/v1/auth/register", json=body)
        headers = {"authorization": f"Bearer {opened.json()['accessToken']}"}
        closed = await public.post("/v1/auth/logout", headers=headers)
    for answer in opened, closed:
        cookies = [one.lower() for one in answer.headers.get_list("set-cookie")]
        assert len(cookies) == 2
        for cookie in cookies:
            assert {"httponly", "secure", "samesite=strict"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    ("proxies", "scheme", "secure"),
    [
        ("127.0.0.0/8", "https", True),
        ("127.0.0.0/8", "http", False),
        ("10.0.0.0/8", "https", False),
        (None, "https", False),
    ],
)
async def test_cookies_are_secure_behind_a_proxy_that_ends_tls(
    exchange: Exchange, proxies: str | None, scheme: str, secure: bool
) -> None:
    """Cookies are secure behind a trusted proxy that ends TLS, on loopback too.

    This holds for register, login, refresh and logout.
    """
    services = exchange.node.services
    trusted = (ip_network(proxies),) if proxies else ()
    settings = services.settings.model_copy(update={"trusted_proxies": trusted})
    body = {"email": "ann@example.com", "password": PASSWORD}
    forwarded = {"x-forwarded-for": "198.51.100.7", "x-forwarded-proto": scheme}
    async with (
        serving(exchange.node, replace(services, settings=settings)) as (url, _),
        httpx.AsyncClient(base_url=url, headers=forwarded) as client,
    ):
        answers = [
            await client.post("/v1/auth/register", json=body),
            await client.post("/v1/auth/login", json=body),
        ]
        opened = answers[-1].json()
        token = {"refreshToken": opened["refreshToken"]}
        answers.append(await client.post("/v1/auth/refresh", json=token))
        bearer = {"authorization": f"Bearer {opened['accessToken']}"}
        answers.append(await client.post("/v1/auth/logout", headers=bearer))
    for answer in answers:
        assert answer.is_success, answer.text
        cookies = [one.lower().split("; ") for one in answer.headers.get_list("set-cookie")]
        assert ["secure" in cookie for cookie in cookies] == [secure, secure]


@pytest.mark.parametrize(
    ("proxies", "scheme", "own"),
    [
        ("127.0.0.0/8", "https", ["https"]),
        ("127.0.0.0/8", "http", ["https", "http"]),
        ("10.0.0.0/8", "https", ["https", "http"]),
    ],
)
async def test_the_own_origin_behind_a_proxy_with_tls(
    exchange: Exchange, proxies: str, scheme: str, own: list[str]
) -> None:
    """An origin is the exchange's own only with https if a trusted proxy ended TLS.

    This holds for a cookie's write, its refresh and its socket.
    """
    services = exchange.node.services
    update = {"trusted_proxies": (ip_network(proxies),)}
    settings = services.settings.model_copy(update=update)
    ann = await exchange.register("ann@example.com")
    said = {"x-forwarded-proto": scheme}
    cookie = {"cookie": f"predmarket_access={ann.session['accessToken']}", **said}
    order = {"marketId": "none", "side": "BUY", "type": "LIMIT", "price": "0.5", "qty": "1"}
    stale = {"cookie": "predmarket_refresh=x", **said}
    async with (
        serving(exchange.node, replace(services, settings=settings)) as (url, _),
        httpx.AsyncClient(base_url=url) as client,
    ):
        host = url.removeprefix("http://")
        for origin in (f"https://{host}", f"http://{host}", f"ftp://{host}", FOREIGN):
            given = {"origin": origin}
            expected = origin.partition(":")[0] in own and origin != FOREIGN
            answers = [
                await client.post("/v1/orders/cancel-all", headers=cookie | given),
                await client.post("/v1/orders", json=order, headers=cookie | given),
                await client.post("/v1/auth/refresh", headers=stale | given),
            ]
            for answer, allowed in zip(answers, (200, 404, 401), strict=True):
                assert answer.status_code == (allowed if expected else 403), (origin, answer.text)
            socket = connect(
                f"{url.replace('http', 'ws', 1)}/realtime", proxy=None,
                additional_headers=cookie | given,
            )  # fmt: skip
            with nullcontext() if expected else pytest.raises(InvalidStatus, match="403"):
                async with socket:
                    pass


async def test_a_known_origin_may_call_and_see(exchange: Exchange) -> None:
    """A permitted origin may read every answer, errors and the fast path's too; others may not."""
    market = await exchange.market()
    ann = await exchange.trader("ann")
    order = {"marketId": market["id"], "side": "BUY", "type": "LIMIT", "price": "0.5", "qty": "1"}
    requests = [*REQUESTS, ("POST", "/v1/orders", 201)]
    for method, path, status in requests:
        client = ann.client if status == 201 else exchange.anonymous
        json = order if status == 201 else None
        for origin in (PAGE, OTHER_PAGE):
            answer = await client.request(method, path, json=json, headers={"origin": origin})
            headers = answer.headers
            assert (method, path, answer.status_code) == (method, path, status)
            assert headers.get_list("access-control-allow-origin") == [origin]
            assert headers["access-control-allow-credentials"] == "true"
            assert headers["access-control-expose-headers"] == "X-Request-Id, Retry-After"
            assert "origin" in headers["vary"].lower()
        for foreign in ({"origin": FOREIGN}, {"origin": f"{PAGE}.evil.example"}, {}):
            headers = (await client.request(method, path, json=json, headers=foreign)).headers
            assert not [name for name in headers if name.startswith("access-control-")]
            assert "origin" in headers["vary"].lower()


async def test_a_preflight_tells_what_a_page_may_send(exchange: Exchange) -> None:
    """A preflight at any address, without a token, tells permitted origins the allowed headers."""
    for path in ("/v1/orders", "/v1/orders/5", "/v1/auth/api-keys/1", "/v1/auth/login"):
        asked = {
            "origin": PAGE,
            "access-control-request-method": "DELETE",
            "access-control-request-headers": "authorization,content-type,idempotency-key",
        }
        answer = await exchange.anonymous.options(path, headers=asked)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-allow-credentials"] == "true"
        methods = answer.headers["access-control-allow-methods"].split(", ")
        assert methods == ["GET", "POST", "PATCH", "DELETE"]
        allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
        assert set(asked["access-control-request-headers"].split(",")) <= set(allowed)
        foreign = await exchange.anonymous.options(path, headers=asked | {"origin": FOREIGN})
        assert not [name for name in foreign.headers if name.startswith("access-control-")]


async def test_a_known_origin_may_write_with_the_cookie(exchange: Exchange) -> None:
    """The setting permits an origin both CORS and writes with a cookie."""
    ann = await exchange.register("ann@example.com")
    cookie = {"cookie": f"predmarket_access={ann.session['accessToken']}"}
    for origin, status in ((PAGE, 200), (FOREIGN, 403)):
        answer = await exchange.anonymous.post(
            "/v1/orders/cancel-all", headers=cookie | {"origin": origin}
        )
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("scheme", "host", "page", "is_own"),
    [
        ("https", "example.com:443", "https://example.com", True),
        ("https", "example.com:8443", "https://example.com", False),
        ("http", "example.com:80", "http://example.com", True),
        ("http", "example.com:443", "http://example.com", False),
        ("http", "example.com:443", "https://example.com", True),
    ],
)
async def test_the_default_port_is_the_same_origin(
    exchange: Exchange, scheme: str, host: str, page: str, is_own: bool
) -> None:
    """An origin without the default port equals a Host with it, as a proxy may write it."""
    headers = [(b"host", host.encode()), (b"origin", page.encode())]
    scope: Any = {"type": "http", "method": "POST", "scheme": scheme, "headers": headers}
    with nullcontext() if is_own else pytest.raises(Refusal):
        exchange.app.context.gate.check_origin(scope)
