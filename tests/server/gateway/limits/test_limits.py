"""Rate limits over HTTP, in one process and shared through a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from predmarket.server.errors import Refusal
from predmarket.server.gateway.app import Application
from predmarket.server.gateway.auth import passwords
from predmarket.server.gateway.auth.principals import Principals
from predmarket.server.gateway.limits import sign_in as auth_limits
from predmarket.server.process import runtime
from predmarket.server.setting_types import RateLimit
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.support.http_exchange import PASSWORD, Json
from tests.support.http_orders import error_of
from tests.support.redis import RedisServer

OFF = dict.fromkeys(
    ("auth_rate_limit", "auth_window_limit", "order_rate_limit", "read_rate_limit"), "off"
)
ORDER: Json = {"marketId": "rain", "side": "BUY", "type": "LIMIT", "price": "0.50", "qty": "1"}
NOBODY = {"email": "nobody@example.com", "password": PASSWORD}


@pytest.fixture
def given(
    tmp_path: Path, migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Return settings with an empty database, without limits, and with quick hashing."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.chdir(tmp_path)
    return {"port": "0", "data_dir": str(tmp_path), "database_url": migrated_sqlite_url, **OFF}


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a Redis that the test may kill."""
    with RedisServer() as one:
        yield one


@asynccontextmanager
async def gateways(
    given: dict[str, str], count: int = 1, /, **settings: str
) -> AsyncIterator[list[tuple[httpx.AsyncClient, Application]]]:
    """Serve one exchange by several gateways, each with its own connection to Redis."""
    async with AsyncExitStack() as stack:
        loaded = Settings.load({**given, **settings})
        node = await stack.enter_async_context(runtime.node(loaded, wait_s=0))
        served = []
        for number in range(count):
            redis = runtime.redis_of(loaded) if number else node.redis
            if redis is not None and number:
                assert node.redis is not None
                redis.keys, redis.mac = node.redis.keys, node.redis.mac
                await redis.start()
                stack.push_async_callback(redis.close)
            url, app = await stack.enter_async_context(serving(replace(node, redis=redis)))
            client = httpx.AsyncClient(base_url=url, timeout=60, verify=False)
            served.append((await stack.enter_async_context(client), app))
        yield served


async def registered(client: httpx.AsyncClient, email: str) -> tuple[httpx.Headers, Json]:
    """Register; return the headers of the user's requests, and the session."""
    body = {"email": email, "password": PASSWORD}
    answer = await client.post("/v1/auth/register", json=body)
    client.cookies.clear()
    assert answer.status_code == 201, answer.text
    session: Json = answer.json()
    return httpx.Headers({"authorization": f"Bearer {session['accessToken']}"}), session


async def register(client: httpx.AsyncClient, email: str = "ann@example.com") -> httpx.Headers:
    """Register; return the headers of the user's requests."""
    return (await registered(client, email))[0]


def refused(answer: httpx.Response, longest_s: int) -> None:
    """Check the answer to a request beyond the limit."""
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["retry-after"]) <= longest_s
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("shared", [False, True])
async def test_sign_in_is_limited_by_address(
    given: dict[str, str], shared: bool, redis_url: str
) -> None:
    """Registrations and logins share a limit by address; a refused registration creates nothing.

    Other calls are not limited.
    """
    redis = {"redis_url": redis_url} if shared else {}
    async with gateways(given, 1, auth_rate_limit="3/minute", **redis) as [(client, _)]:
        ann = await register(client)
        for body in (NOBODY, {"email": 5}):
            assert (await client.post("/v1/auth/login", json=body)).status_code in (400, 401)
        bob = {"email": "bob@example.com", "password": PASSWORD}
        for path, body in (("register", bob), ("login", NOBODY), ("login", {})):
            refused(await client.post(f"/v1/auth/{path}", json=body), 60)
        assert (await client.get("/v1/auth/me", headers=ann)).status_code == 200
        users = await client.get("/healthz")
        assert users.status_code == 200
    async with gateways(given) as [(client, _)]:
        await register(client, "bob@example.com")  # a refusal does not take the e-mail


async def test_two_exchanges_on_one_redis_count_apart(
    given: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    """Two exchanges on one Redis count separately, although their user ids and addresses match.

    A revocation at one does not reach the other.
    """
    elsewhere = f"sqlite:///{tmp_path / 'other.db'}"
    shared = {"redis_url": redis_url, "auth_rate_limit": "2/minute", "order_rate_limit": "3/minute"}
    async with (
        gateways(given, 1, **shared) as [(one, _)],
        gateways(given, 1, **shared, database_url=elsewhere) as [(other, app)],
    ):
        principals = app.context.principals
        await listening(principals)
        heard = principals.revocations
        users = [await register(client) for client in (one, other)]
        for client, user in zip((one, other), users, strict=True):
            for code in (404, 404, 404, 429):
                answer = await client.post("/v1/orders", json=ORDER, headers=user)
                assert answer.status_code == code, answer.text
            assert (await client.post("/v1/auth/login", json=NOBODY)).status_code == 401
            refused(await client.post("/v1/auth/login", json=NOBODY), 60)
        assert (await one.post("/v1/auth/logout", headers=users[0])).status_code == 204
        assert (await one.get("/v1/auth/me", headers=users[0])).status_code == 401
        assert (await other.get("/v1/auth/me", headers=users[1])).status_code == 200
        assert principals.revocations == heard
        async with contextlib.aclosing(Redis.from_url(redis_url)) as client_of_redis:
            names = {key.decode().split(":")[1] async for key in client_of_redis.scan_iter()}
        assert len(names) == 2


async def test_every_auth_call_is_limited_together(given: dict[str, str]) -> None:
    """Auth calls count together, by address without a session and by session with one.

    Neither uses up the other's limit.
    """
    async with gateways(given, auth_window_limit="4/15minutes") as [(client, _)]:
        ann, session = await registered(client, "ann@example.com")
        token = {"refreshToken": session["refreshToken"]}
        for call in ("login", "refresh", "logout"):
            await client.post(f"/v1/auth/{call}", json={})
        for call in ("login", "refresh", "logout"):
            refused(await client.post(f"/v1/auth/{call}", json={}), 900)
        stale = {"authorization": "Bearer stale"}
        refused(await client.get("/v1/auth/me", headers=stale), 900)
        for path in ("me", "api-keys", "sessions"):
            assert (await client.get(f"/v1/auth/{path}", headers=ann)).status_code == 200
        assert (await client.post("/v1/auth/refresh", json=token)).status_code == 200
        client.cookies.clear()
        refused(await client.get("/v1/auth/me", headers=ann), 900)
        refused(await client.post("/v1/auth/refresh", json=token), 900)
        assert (await client.get("/v1/markets")).status_code == 200


async def test_a_household_has_twice_the_limit_of_an_address(given: dict[str, str]) -> None:
    """A /56 has twice the limit of an address, and a /48 four times.

    The refusal names the setting that a class behind one address needs.
    """
    settings = {"trusted_proxies": "127.0.0.0/8", "auth_rate_limit": "3/minute"}
    async with gateways(given, 1, **settings) as [(client, _)]:

        async def tries(*addresses: str) -> list[int]:
            codes = []
            for address in addresses:
                through = {"x-forwarded-for": address}
                answer = await client.post("/v1/auth/login", json=NOBODY, headers=through)
                codes.append(answer.status_code)
                if answer.status_code == 429:
                    assert "AUTH_RATE_LIMIT" in error_of(answer)["message"]
            return codes

        assert (await tries(*["2001:db8:1:1::1"] * 9)).count(401) == 3
        assert (await tries(*[f"2001:db8:1:{n:x}::1" for n in range(2, 20)])).count(401) == 3
        assert (await tries(*[f"2001:db8:1:{n:x}00::1" for n in range(1, 20)])).count(401) == 6
        assert await tries("2001:db8:2::1", "192.0.2.1") == [401, 401]


@pytest.mark.parametrize("shared", [False, True])
async def test_guesses_from_many_addresses_lock_out_no_owner(
    given: dict[str, str], shared: bool, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guesses from many addresses use up an account's limit for unfamiliar clients only.

    The owner still logs in from a known address and with the browser's cookie. An account that does
    not exist gets the same answers.
    """
    monkeypatch.setattr(auth_limits, "UNFAMILIAR_LOGINS", RateLimit(3, 3_600))
    settings = {"trusted_proxies": "127.0.0.0/8", "auth_rate_limit": "100/minute"}
    if shared:
        settings["redis_url"] = redis_url
    async with gateways(given, 1, **settings) as [(client, _)]:
        home, elsewhere = {"x-forwarded-for": "192.0.2.1"}, {"x-forwarded-for": "192.0.2.9"}
        body = {"email": "ann@example.com", "password": PASSWORD}
        first = await client.post("/v1/auth/register", json=body, headers=home)
        client.cookies.clear()
        for email in ("ann@example.com", "nobody@example.com"):
            codes = []
            for number in range(6):
                guess = {"email": email, "password": f"guess number {number}"}
                through = {"x-forwarded-for": f"198.51.100.{number}"}
                answer = await client.post("/v1/auth/login", json=guess, headers=through)
                codes.append(answer.status_code)
            assert codes == [401, 401, 401, 429, 429, 429]
        answers = [
            await client.post("/v1/auth/login", json=body, headers=elsewhere),
            await client.post("/v1/auth/login", json=body, headers=home),
        ]
        client.cookies.clear()
        browser = {"cookie": f"predmarket_refresh={first.json()['refreshToken']}"}
        answers.append(await client.post("/v1/auth/login", json=body, headers=elsewhere | browser))
        assert [answer.status_code for answer in answers] == [429, 200, 200]


async def test_a_class_of_thirty_registers_within_a_minute(given: dict[str, str]) -> None:
    """Thirty users can register from one address in a minute.

    The setting is the one that refusals name.
    """
    async with gateways(given, auth_rate_limit="30/minute", auth_window_limit="100/15minutes") as [
        (client, _)
    ]:
        for number in range(30):
            await register(client, f"pupil{number}@example.com")
        refused(await client.post("/v1/auth/login", json=NOBODY), 60)


async def test_a_forged_address_is_not_believed(given: dict[str, str]) -> None:
    """Without trusted proxies a forged address neither evades the limit nor uses up another's."""
    async with gateways(given, auth_rate_limit="2/minute") as [(client, _)]:
        codes = []
        for number in range(4):
            forged = {"x-forwarded-for": f"198.51.100.{number}"}
            answer = await client.post("/v1/auth/login", json=NOBODY, headers=forged)
            codes.append(answer.status_code)
        assert codes == [401, 401, 429, 429]


async def test_behind_a_trusted_proxy_each_client_counts(given: dict[str, str]) -> None:
    """Behind a trusted proxy each client counts by the address that the proxy added."""
    proxies = {"trusted_proxies": "127.0.0.0/8", "auth_rate_limit": "2/minute"}
    async with gateways(given, 1, **proxies) as [(client, _)]:
        codes: dict[str, list[int]] = {}
        for number, real in enumerate(["192.0.2.1", "192.0.2.2"] * 3):
            through = {"x-forwarded-for": f"198.51.100.{number}, {real}"}
            answer = await client.post("/v1/auth/login", json=NOBODY, headers=through)
            codes.setdefault(real, []).append(answer.status_code)
        assert codes == {"192.0.2.1": [401, 401, 429], "192.0.2.2": [401, 401, 429]}


@pytest.mark.parametrize("shared", [False, True])
async def test_orders_are_limited_by_user(
    given: dict[str, str], shared: bool, redis_url: str
) -> None:
    """Orders count by user over all sessions, malformed ones too; cancels are not limited.

    A refused order leaves no record.
    """
    redis = {"redis_url": redis_url} if shared else {}
    async with gateways(given, 1, order_rate_limit="4/minute", **redis) as [(client, _)]:
        ann, bob = await register(client), await register(client, "bob@example.com")
        body = {"email": "ann@example.com", "password": PASSWORD}
        other = (await client.post("/v1/auth/login", json=body)).json()["accessToken"]
        client.cookies.clear()
        order = {**ORDER, "marketId": 1}  # the core judges ids, so the refusal is recorded
        again = {"authorization": f"Bearer {other}"}
        sent = [
            await client.post("/v1/orders", json=order, headers=ann),
            await client.post("/v1/orders/", json=order, headers=again),
            await client.post("/v1/orders", json={}, headers=ann),
            await client.patch("/v1/orders/1", json={"qty": "1"}, headers=again),
        ]
        assert [answer.status_code for answer in sent] == [404, 404, 400, 409]
        named = {**order, "clientOrderId": "c"}
        for headers in (ann, again):
            refused(await client.post("/v1/orders", json=named, headers=headers), 63)
            refused(await client.patch("/v1/orders/1", json={"qty": "1"}, headers=headers), 63)
        for path in ("1/cancel", "cancel-all", "cancel-all"):
            answer = await client.post(f"/v1/orders/{path}", json={}, headers=ann)
            assert answer.status_code in (200, 409)
        disarm = {"seconds": 0}
        answer = await client.post("/v1/orders/cancel-after", json=disarm, headers=ann)
        assert answer.status_code == 200
        refused(await client.post("/v1/orders/cancel-all", json={}, headers=ann), 63)
        assert (await client.post("/v1/orders", json=order, headers=bob)).status_code == 404
        recorded = (await client.get("/v1/orders", headers=ann)).json()["items"]
        assert [one["clientOrderId"] for one in recorded] == [None, None]


async def test_gateways_share_their_limits(given: dict[str, str], redis_url: str) -> None:
    """Two gateways share one count."""
    limits = {"auth_rate_limit": "3/minute", "order_rate_limit": "3/minute"}
    async with gateways(given, 2, redis_url=redis_url, **limits) as served:
        clients = [client for client, _ in served]
        ann = await register(clients[0])
        for client in (clients[1], clients[0]):
            assert (await client.post("/v1/auth/login", json=NOBODY)).status_code == 401
        for client in clients:
            refused(await client.post("/v1/auth/login", json=NOBODY), 60)
        for client in (*clients, clients[0]):
            assert (await client.post("/v1/orders", json=ORDER, headers=ann)).status_code == 404
        for client in clients:
            refused(await client.post("/v1/orders", json=ORDER, headers=ann), 63)


async def test_a_logout_is_effective_everywhere_at_once(
    given: dict[str, str], redis_url: str
) -> None:
    """A logout at one gateway is effective at the other at once, before its cache entry expires."""
    async with gateways(given, 2, redis_url=redis_url) as served:
        (first, _), (second, app) = served
        principals = app.context.principals
        await listening(principals)
        ann, bob = await register(first), await register(first, "bob@example.com")
        for headers in (ann, bob):
            assert (await second.get("/v1/auth/me", headers=headers)).status_code == 200
        credentials = [headers["authorization"].encode() for headers in (ann, bob)]
        assert all(principals.known(one) for one in credentials)
        assert (await first.post("/v1/auth/logout", headers=ann)).status_code == 204
        async with asyncio.timeout(1):
            while (await second.get("/v1/auth/me", headers=ann)).status_code != 401:
                await asyncio.sleep(0.002)
        known = [principals.known(one) is not None for one in credentials]
        assert known == [False, True]  # other users' entries were kept
        assert (await second.get("/v1/auth/me", headers=bob)).status_code == 200


async def listening(principals: Principals) -> None:
    """Wait until a gateway listens for revocations; its start evicts all entries."""
    async with asyncio.timeout(60):
        while not principals.revocations:
            await asyncio.sleep(0.002)


async def test_redis_killed_and_restarted_under_load(
    given: dict[str, str], server: RedisServer
) -> None:
    """Every request is answered while Redis is killed and restarted. The limits hold throughout."""
    limits = {"redis_url": server.url(), "auth_rate_limit": "3/minute"}
    async with gateways(given, 1, order_rate_limit="100000/second", **limits) as [(client, app)]:
        redis = app.context.services.redis
        assert redis is not None
        ann = await register(client)
        running, codes = True, list[int]()

        async def load() -> None:
            while running:
                answer = await client.post("/v1/orders", json=ORDER, headers=ann)
                codes.append(answer.status_code)

        async def logins() -> list[int]:
            tries = [await client.post("/v1/auth/login", json=NOBODY) for _ in range(4)]
            return [answer.status_code for answer in tries]

        async def until(up: bool) -> None:
            count = len(codes)
            async with asyncio.timeout(60):
                while redis.up is not up or len(codes) < count + 20:
                    await asyncio.sleep(0.005)

        loads = [asyncio.create_task(load()) for _ in range(4)]
        try:
            assert await logins() == [401, 401, 429, 429]
            server.stop("kill")
            await until(up=False)
            assert await logins() == [401, 401, 401, 429]  # this process counts now, from zero
            server.start()
            await until(up=True)
            assert await logins() == [401, 401, 401, 429]  # and Redis counts again, from zero
        finally:
            running = False
            await asyncio.gather(*loads)
        assert set(codes) == {404}
        assert [key async for key in redis.client.scan_iter("predmarket:*:limits:orders:*")]


async def test_a_start_without_redis(given: dict[str, str], tmp_path: Path) -> None:
    """Without Redis the exchange starts, and the limits count in the process."""
    nowhere = f"unix://{tmp_path}/nothing.sock"
    async with gateways(given, redis_url=nowhere, auth_rate_limit="2/minute") as [(client, _)]:
        await register(client)
        assert (await client.post("/v1/auth/login", json=NOBODY)).status_code == 401
        refused(await client.post("/v1/auth/login", json=NOBODY), 60)


async def test_reads(given: dict[str, str]) -> None:
    """A user's requests and rows count together over all tokens, apart from orders.

    An anonymous address has a fifth of the limit, and a refusal has Retry-After.
    """
    async with gateways(given, read_rate_limit="10/minute") as [(client, app)]:
        ann, bob = await register(client), await register(client, "bob@example.com")
        for _ in range(2):
            assert (await client.get("/v1/markets")).status_code == 200
        refused(await client.get("/v1/markets"), 60)
        assert (await client.get("/healthz")).status_code == 200
        for _ in range(10):
            assert (await client.get("/v1/user/balance", headers=ann)).status_code == 200
        refused(await client.get("/v1/auth/me", headers=ann), 60)
        refused(await client.get("/v1/orders", headers=ann), 60)
        answer = await client.post("/v1/orders", json=ORDER, headers=ann)
        assert error_of(answer)["code"] == "MARKET_NOT_FOUND"
        refused(await client.post("/v1/orders/preview", json=ORDER, headers=ann), 60)
        assert (await client.get("/v1/user/balance", headers=bob)).status_code == 200
        users = app.context.limits.reads.users
        assert users is not None
        assert len(users.here) == 2


async def test_rows_of_what_is_read(given: dict[str, str]) -> None:
    """A hundred rows of an answer cost as much as a request."""
    async with gateways(given, read_rate_limit="10/minute") as [(client, app)]:
        reads = app.context.limits.reads
        for _ in range(4):
            reads.take(7, "", rows=150)
        with pytest.raises(Refusal):
            reads.take(7, "")
        for _ in range(2):
            reads.take(8, "")
            reads.charge(8, "", 350)
        reads.take(8, "")
        reads.charge(8, "", 10**9)  # uses up the limit
        with pytest.raises(Refusal):
            reads.take(8, "")
        reads.take(9, "")
        ann = await register(client)
        for _ in range(5):
            assert (await client.get("/v1/auth/api-keys", headers=ann)).status_code == 200


@pytest.mark.parametrize("limit", ["off"])
async def test_reads_without_a_limit(given: dict[str, str], limit: str) -> None:
    """Without a read limit nothing is counted."""
    async with gateways(given, read_rate_limit=limit) as [(client, app)]:
        for _ in range(30):
            assert (await client.get("/v1/markets")).status_code == 200
        assert app.context.limits.reads.users is None


async def test_reads_are_shared(given: dict[str, str], server: RedisServer) -> None:
    """Gateways share read limits through Redis without a round trip each.

    Without Redis each counts alone.
    """
    shared = {"redis_url": server.url(), "read_rate_limit": "100/minute"}
    async with gateways(given, 2, **shared) as both:
        ann, bob = await register(both[0][0]), await register(both[0][0], "bob@example.com")
        served = 0
        async with asyncio.timeout(60):
            while True:
                answers = [await client.get("/v1/user/balance", headers=ann) for client, _ in both]
                served += sum(answer.status_code == 200 for answer in answers)
                if all(int(answer.headers.get("retry-after", 0)) > 1 for answer in answers):
                    break
        # each may keep a twentieth to itself, and borrow two fifths beyond the limit
        assert 100 - 2 * 5 <= served <= 100 + 2 * 42
        server.stop("kill")
        async with asyncio.timeout(60):
            while both[0][1].context.services.redis.up:  # type: ignore[union-attr]  # there is one
                await both[0][0].get("/v1/user/balance", headers=bob)
        served = 0
        while (await both[0][0].get("/v1/user/balance", headers=bob)).status_code == 200:
            served += 1
        assert 0 < served <= 100
