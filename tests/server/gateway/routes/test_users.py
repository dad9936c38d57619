"""Admins see and change users over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from litestar.enums import ScopeType
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.commands import CancelAll
from predmarket.enums import Scope
from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway.auth.authenticator import Asked, Authenticator
from predmarket.server.gateway.auth.principals import Principal
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange
from tests.support.http_orders import got, limit, placed
from tests.support.http_users import change, make_key, refused
from tests.support.raw_http import connected, note_fast_path, unfinished


async def test_lists_show_money_and_use(exchange: Exchange) -> None:
    """Lists show each user's cash and the last use of a session or key, or null."""
    ann = await exchange.trader("ann", "12.5")
    made = await exchange.admin.client.post("/v1/users", json={"email": "new"})
    await exchange.market()
    await placed(ann, limit("BUY", "0.5", 1))
    items = {one["id"]: one for one in (await got(exchange.admin, "/v1/users"))["items"]}
    seen, new = items[ann.id], items[made.json()["user"]["id"]]
    assert (seen["available"], seen["locked"]) == ("12.000000", "0.500000")
    assert (new["available"], new["lastSeenAt"]) == ("0.000000", None)
    (session,) = (await got(ann, "/v1/auth/sessions"))["items"]
    assert seen["lastSeenAt"] == session["lastUsedAt"]
    bot = {"authorization": f"Bearer {(await make_key(ann, 'read'))['key']}"}
    assert (await exchange.anonymous.get("/v1/user/balance", headers=bot)).status_code == 200
    (key,) = (await got(ann, "/v1/auth/api-keys"))["items"]
    (again,) = (await got(exchange.admin, f"/v1/users?q={ann.email}"))["items"]
    assert again["lastSeenAt"] == key["lastUsedAt"] > session["lastUsedAt"]


@ON_ONE_DATABASE
async def test_admins_see_what_a_user_sees(exchange: Exchange) -> None:
    """Admins see a user's own lists with the same filters and pages; other users do not."""
    await exchange.market()
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    for _ in range(3):
        await placed(ann, limit("BUY", "0.5", 1))
        await placed(bob, limit("SELL", "0.5", 1))
    await placed(ann, limit("BUY", "0.1", 1, clientOrderId="a"))
    for own, query in (
        ("/v1/user/balance", ""),
        ("/v1/user/positions", "?market=rain"),
        ("/v1/orders", "?status=LIVE&status=FILLED&limit=2"),
        ("/v1/orders", "?clientOrderId=a&market=rain"),
        ("/v1/user/fills", "?since=2020-01-01T00:00:00Z&limit=2"),
        ("/v1/user/ledger", "?kind=TRADE&limit=2"),
    ):
        path = f"/v1/users/{ann.id}/{own.rpartition('/')[2]}{query}"
        seen = await got(exchange.admin, path)
        assert seen == await got(ann, own + query)
        if seen.get("nextCursor"):
            more = f"&cursor={seen['nextCursor']}"
            assert await got(exchange.admin, path + more) == await got(ann, own + query + more)
        assert refused(await bob.client.get(path)) == (403, "FORBIDDEN")
        assert refused(await ann.client.get(path)) == (403, "FORBIDDEN")
        assert refused(await exchange.anonymous.get(path)) == (401, "UNAUTHENTICATED")
        for nobody in ("999", "x"):
            answer = await exchange.admin.client.get(path.replace(f"/{ann.id}/", f"/{nobody}/"))
            assert refused(answer) == (404, "USER_NOT_FOUND")


async def test_admins_list_users(exchange: Exchange) -> None:
    """Admins find users by a part of e-mail or name, ordered by id; a whole e-mail comes first."""
    emails = ["xann@example.com", "ann@example.com", "a_b@example.com", "axb@example.com"]
    users = [await exchange.register(email) for email in emails]
    client = exchange.admin.client

    async def found(**query: object) -> tuple[list[str], int]:
        params = {name: str(value) for name, value in query.items()}
        answer = await client.get("/v1/users", params=params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [item["email"] for item in body["items"]], body["total"]

    everyone = ["boss@example.com", *emails]
    assert await found() == (everyone, 5)
    assert await found(limit=2, offset=1) == (emails[:2], 5)
    assert await found(offset=5) == ([], 5)
    assert await found(q="ANN@example.com") == ([emails[1], emails[0]], 2)
    assert await found(q="ann EX") == (everyone, 5)  # matched by name
    assert await found(q="a_b") == ([emails[2]], 1)
    assert await found(q="%") == ([], 0)
    assert await found(q="nobody") == ([], 0)

    for q in ("", emails[1]):  # by cursor: the same users for any size of a page
        whole, _ = await found(q=q)
        for size in (1, 2):
            shown: list[str] = []
            params = {"q": q, "limit": str(size)}
            while True:
                page = (await client.get("/v1/users", params=params)).json()
                shown += [item["email"] for item in page["items"]]
                if page["nextCursor"] is None:
                    break
                params["cursor"] = page["nextCursor"]
            assert shown == whole
    assert refused(await client.get("/v1/users?cursor=x")) == (400, "VALIDATION_FAILED")

    listed = (await client.get("/v1/users", params={"q": emails[1]})).json()["items"][0]
    seen = listed.pop("lastSeenAt")
    assert seen >= users[1].session["user"]["createdAt"]
    cash = {"available": "0.000000", "locked": "0.000000"}
    assert listed == {**users[1].session["user"], "disabled": False, **cash}
    for query in ({"limit": "0"}, {"limit": "101"}, {"offset": "-1"}, {"q": "\x00"}):
        assert refused(await client.get("/v1/users", params=query)) == (400, "VALIDATION_FAILED")


@ON_ONE_DATABASE
async def test_only_admins_change_users(exchange: Exchange) -> None:
    """Only admins change users; nobody can promote themselves."""
    ann = await exchange.register("ann@example.com")
    path = f"/v1/users/{ann.id}"
    for client, expected in (
        (ann.client, (403, "FORBIDDEN")),
        (exchange.anonymous, (401, "UNAUTHENTICATED")),
    ):
        assert refused(await client.get("/v1/users")) == expected
        assert refused(await client.patch(path, json={"role": "ADMIN"})) == expected
    assert (await ann.client.get("/v1/auth/me")).json()["role"] == "USER"


async def test_a_new_role_holds_at_once(exchange: Exchange) -> None:
    """A new role applies at once to a token in use."""
    ann = await exchange.register("ann@example.com")
    assert refused(await ann.client.get("/v1/users")) == (403, "FORBIDDEN")
    answer = await change(exchange, ann, role="ADMIN")
    assert answer.json() == {**ann.session["user"], "role": "ADMIN", "disabled": False}
    assert (await ann.client.get("/v1/users")).status_code == 200
    await change(exchange, ann, role="USER")
    assert refused(await ann.client.get("/v1/users")) == (403, "FORBIDDEN")


async def test_a_disabled_user_is_out_at_once(exchange: Exchange) -> None:
    """A disabled user's session, key, password and refresh token fail at once.

    After enabling, only the password works.
    """
    ann = await exchange.register("ann@example.com")
    body = {"name": "bot", "scopes": ["read"]}
    key = (await ann.client.post("/v1/auth/api-keys", json=body)).json()["key"]
    by_key = {"authorization": f"Bearer {key}"}
    login = {"email": ann.email, "password": PASSWORD}
    refresh = {"refreshToken": ann.session["refreshToken"]}

    async def outcomes() -> list[int]:
        answers = [
            await ann.client.get("/v1/auth/me"),
            await ann.client.post("/v1/orders", json={}),
            await exchange.anonymous.get("/v1/auth/me", headers=by_key),
            await exchange.anonymous.post("/v1/auth/login", json=login),
        ]
        exchange.anonymous.cookies.clear()
        return [answer.status_code for answer in answers]

    assert await outcomes() == [200, 400, 200, 200]
    answer = await change(exchange, ann, disabled=True)
    assert (answer.status_code, answer.json()["disabled"]) == (200, True)
    assert await outcomes() == [401, 401, 401, 401]
    assert (await exchange.anonymous.post("/v1/auth/refresh", json=refresh)).status_code == 401
    assert (await change(exchange, ann, disabled=False)).json()["disabled"] is False
    assert await outcomes() == [401, 401, 401, 200]
    assert (await exchange.anonymous.post("/v1/auth/refresh", json=refresh)).status_code == 401


async def test_the_orders_of_a_disabled_user_are_cancelled(exchange: Exchange) -> None:
    """Disabling a user cancels exactly their orders in every market, before the answer.

    The reason names the admin.
    """
    for slug in ("rain", "snow"):
        await exchange.market(slug)
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await placed(ann, limit("BUY", "0.40", 10))
    await placed(ann, limit("SELL", "0.60", 10, marketId="snow"))
    await placed(bob, limit("BUY", "0.40", 3))
    await placed(bob, limit("SELL", "0.40", 4))
    assert (await change(exchange, ann, role="USER")).status_code == 200
    assert (await got(bob, "/v1/orderbook/snow"))["asks"]

    assert (await change(exchange, ann, disabled=True)).status_code == 200
    assert (await got(bob, "/v1/orderbook/rain"))["bids"] == [["0.4000", "3.00"]]
    assert (await got(bob, "/v1/orderbook/snow"))["asks"] == []
    await change(exchange, ann, disabled=False)
    assert (await got(bob, "/v1/orderbook/rain"))["bids"] == [["0.4000", "3.00"]]
    ann = await exchange.again(ann)
    mine = (await got(ann, "/v1/orders"))["items"]
    assert [(order["status"], order["reason"]) for order in mine] == [("CANCELED", "ADMIN")] * 2
    assert (await got(ann, "/v1/user/balance"))["locked"] == "0.000000"


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return an event that is set once a POST waits for its body.

    By then its user is known if that is checked before the body.
    """
    event = asyncio.Event()
    require = Authenticator.require

    async def require_and_note(gate: Authenticator, asked: Asked, scope: Scope) -> Principal:
        who = await require(gate, asked, scope)
        if asked["type"] == ScopeType.HTTP and asked["method"] == "POST":
            event.set()
        return who

    monkeypatch.setattr(Authenticator, "require", require_and_note)
    note_fast_path(event, monkeypatch)
    return event


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("/v1/orders", []),
        ("/v1/orders", ["expect: 100-continue"]),
        ("/v1/orders/", []),
        ("/v1/orders/batch", []),
        ("/v1/orders/batch/", []),
        ("//v1/orders//batch", []),
    ],
)
async def test_disabling_while_an_order_arrives(
    exchange: Exchange, taken_in: asyncio.Event, path: str, lines: list[str]
) -> None:
    """An order whose body ends after its user's disabling is refused, on every path."""
    await exchange.market()
    ann = await exchange.trader("ann")
    order = limit("BUY", "0.40", 10)
    body = json.dumps({"orders": [order]} if "batch" in path else order).encode()
    bearer = f"authorization: Bearer {ann.session['accessToken']}"
    taken_in.clear()
    async with connected(exchange.url) as socket:
        await socket.send(unfinished(path, body, bearer, *lines))
        async with asyncio.timeout(60):
            await taken_in.wait()
        assert (await change(exchange, ann, disabled=True)).status_code == 200
        if lines:
            assert await socket.line() == b"HTTP/1.1 100 Continue\r\n"
            assert await socket.line() == b"\r\n"
        await socket.send(body[-1:])
        status, _, answer = await socket.answer()
    assert (status, answer["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert (await got(exchange.admin, "/v1/orderbook/rain"))["bids"] == []


@ON_ONE_DATABASE
async def test_disabling_while_a_token_is_looked_up(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up from before a user's disabling admits no order after it."""
    await exchange.market()
    ann = await exchange.trader("ann")
    looked_up, go_on = asyncio.Event(), asyncio.Event()
    look_up = exchange.node.db.look_up

    @asynccontextmanager
    async def look_up_and_wait() -> AsyncIterator[AsyncConnection]:
        async with look_up() as connection:
            yield connection
        if not looked_up.is_set():
            looked_up.set()
            await go_on.wait()

    monkeypatch.setattr(exchange.node.db, "look_up", look_up_and_wait)
    placing = asyncio.create_task(ann.client.post("/v1/orders", json=limit("BUY", "0.40", 10)))
    async with asyncio.timeout(60):
        await looked_up.wait()
    assert (await change(exchange, ann, disabled=True)).status_code == 200
    go_on.set()
    assert refused(await placing) == (401, "UNAUTHENTICATED")
    assert (await got(exchange.admin, "/v1/orderbook/rain"))["bids"] == []


@ON_ONE_DATABASE
async def test_disabling_while_the_core_is_overloaded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user is disabled although the core is overloaded.

    A repeat of the call cancels the orders left open.
    """
    await exchange.market()
    ann = await exchange.trader("ann")
    await placed(ann, limit("BUY", "0.40", 10))

    async def overloaded(bus: object, command: CancelAll) -> None:
        raise Overloaded

    with monkeypatch.context() as patched:
        patched.setattr(type(exchange.node.services.bus), "submit", overloaded)
        assert refused(await change(exchange, ann, disabled=True)) == (503, "OVERLOADED")
    assert refused(await ann.client.get("/v1/auth/me")) == (401, "UNAUTHENTICATED")
    assert (await got(exchange.admin, "/v1/orderbook/rain"))["bids"]
    assert (await change(exchange, ann, disabled=True)).status_code == 200
    assert (await got(exchange.admin, "/v1/orderbook/rain"))["bids"] == []


@pytest.mark.parametrize("fields", [{"role": "USER"}, {"disabled": True}])
async def test_the_last_active_admin_stays(exchange: Exchange, fields: dict[str, object]) -> None:
    """The last active admin cannot be removed, and two admins cannot remove each other at once.

    Disabled admins do not count.
    """
    boss = exchange.admin
    ann = await exchange.register("ann@example.com")
    await change(exchange, ann, role="ADMIN", disabled=True)
    assert refused(await change(exchange, boss, **fields)) == (409, "LAST_ADMIN")
    me = (await boss.client.get("/v1/users", params={"q": boss.email})).json()["items"][0]
    assert (me["role"], me["disabled"]) == ("ADMIN", False)

    await change(exchange, ann, disabled=False)
    ann = await exchange.again(ann)
    for user in (boss, ann):  # puts both into the cache, so that both pass authentication
        assert (await user.client.get("/v1/users")).status_code == 200
    answers = await asyncio.gather(
        ann.client.patch(f"/v1/users/{boss.id}", json=fields),
        boss.client.patch(f"/v1/users/{ann.id}", json=fields),
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert statuses[1] in {401, 403, 409}
    left = [user for user in (boss, ann) if (await user.client.get("/v1/users")).is_success]
    assert len(left) == 1


@ON_ONE_DATABASE
async def test_changes_that_cannot_be(exchange: Exchange) -> None:
    """A change of an unknown user gets 404, and a malformed or empty change gets 400."""
    client = exchange.admin.client
    for id in ("999999", "0", "-1", "x", str(10**30)):
        answer = await client.patch(f"/v1/users/{id}", json={"role": "ADMIN"})
        assert (id, *refused(answer)) == (id, 404, "USER_NOT_FOUND")
    for body in ({}, {"role": "KING"}, {"disabled": "yes"}, {"role": None}, {"email": "x@y.zz"}):
        answer = await client.patch(f"/v1/users/{exchange.admin.id}", json=body)
        assert (body, *refused(answer)) == (body, 400, "VALIDATION_FAILED")
