"""Seasons and the leaderboard over HTTP: profits, credits, names and permissions."""

from collections.abc import Sequence

import httpx
import pytest

from predmarket.engine.commands import Command
from predmarket.server.core.bus import BusError, BusReply, Overloaded
from predmarket.server.gateway import leaderboard_cache, seasons
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_groups import member
from tests.support.http_orders import got, order
from tests.support.http_users import bearer, change, make_key, refused

SEASONS, BOARD = "/v1/seasons", "/v1/leaderboard"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute every board for its request, however long the previous one took."""
    monkeypatch.setattr(leaderboard_cache, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr(leaderboard_cache, "WAIT_SECONDS", 60.0)


async def start(exchange: Exchange, name: str, **fields: object) -> httpx.Response:
    """Start a season as the admin."""
    return await exchange.admin.client.post(SEASONS, json={"name": name, **fields})


async def end(exchange: Exchange, season: str) -> httpx.Response:
    """End a season as the admin."""
    return await exchange.admin.client.post(f"{SEASONS}/{season}/end")


async def ranks(user: User, **params: str) -> list[tuple[int, str, str, str, int]]:
    """Return the lines of the leaderboard."""
    answer = await user.client.get(BOARD, params=params)
    assert answer.status_code == 200, answer.text
    return [tuple(one.values()) for one in answer.json()["items"]]


async def acts(exchange: Exchange) -> list[tuple[str, str, Json]]:
    """Return the acts on seasons, oldest first."""
    log = (await got(exchange.admin, "/v1/admin/log"))["items"]
    return [
        (act["action"], act["target"], act["details"])
        for act in reversed(log)
        if act["target"].startswith("season:")
    ]


async def test_a_season_from_start_to_end(exchange: Exchange) -> None:
    """A season's profits exclude transfers and earlier gains, and stay fixed after its end."""
    await exchange.market("rain", takerFeeRate="0.07")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    named = await ann.client.patch("/v1/auth/me", json={"displayName": "Rainmaker"})
    assert named.status_code == 200
    await order(ann, "BUY", 10, "0.40")
    await order(bob, "SELL", 10, "0.40")  # fee 0.168
    player = f"player-{bob.id}"
    alltime = [
        (1, "Rainmaker", "0.000000", "100.000000", 1),
        (2, player, "-0.168000", "99.832000", 1),
    ]
    assert await ranks(ann) == alltime
    first = await start(exchange, "Spring", credit="50")
    season = first.json()
    assert (first.status_code, season["name"], season["credit"]) == (201, "Spring", "50.000000")
    assert season["creditedAt"] is not None
    assert season["endedAt"] is None
    # Both gained nothing since and share the rank; the older account comes first.
    assert await ranks(ann, season="Spring") == [
        (1, "Rainmaker", "0.000000", "150.000000", 0),
        (1, player, "0.000000", "149.832000", 0),
    ]
    await order(ann, "SELL", 10, "0.60")
    await order(bob, "BUY", 10, "0.60")
    gift = {"userId": ann.id, "amount": "-25", "reason": "test"}
    assert (await exchange.admin.client.post("/v1/user/transfer", json=gift)).status_code == 201
    standing = [
        (1, "Rainmaker", "2.000000", "127.000000", 1),
        (2, player, "-2.168000", "147.664000", 1),
    ]
    assert await ranks(ann, season=" spring ") == standing
    assert await ranks(ann, season=str(season["id"]), limit="1") == standing[:1]
    for user in (ann, bob):
        portfolio = await got(user, "/v1/user/portfolio")
        assert portfolio["totalValue"] in [line[3] for line in standing]
    ended = await end(exchange, "Spring")
    assert (ended.status_code, ended.json()["endedAt"] is not None) == (200, True)
    await order(ann, "BUY", 5, "0.50")
    await order(bob, "SELL", 5, "0.50")
    await exchange.trader("late")
    assert await ranks(ann, season="Spring") == standing
    named = await ann.client.patch("/v1/auth/me", json={"displayName": "Sun"})
    assert named.status_code == 200
    standing[0] = (standing[0][0], "Sun", *standing[0][2:])
    assert await ranks(ann, season="Spring") == standing
    whole = await got(ann, f"{BOARD}?season=Spring")
    assert (whole["season"], whole["total"], whole["group"]) == (ended.json(), 2, None)
    assert refused(await end(exchange, "Spring")) == (409, "INVALID_TRANSITION")
    assert refused(await start(exchange, "SPRING")) == (409, "NAME_TAKEN")
    assert [one["name"] for one in (await got(ann, SEASONS))["items"]] == ["Spring"]
    assert await acts(exchange) == [
        ("SEASON_START", "season:1", {"name": "Spring", "credit": "50.000000"}),
        ("SEASON_END", "season:1", {"name": "Spring"}),
    ]
    ledger = (await got(ann, "/v1/user/ledger?kind=TRANSFER"))["items"]
    assert [line["reason"] for line in ledger] == ["test", "season Spring", "test"]


async def test_an_interrupted_start_can_be_repeated(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repeat of an interrupted start credits the remaining accounts, and none twice."""
    traders = [await exchange.register(f"user{number}@example.com") for number in range(5)]
    assert (await change(exchange, traders[2], disabled=True)).status_code == 200
    bus, sent = exchange.app.context.services.bus, 0
    submit = bus.submit_many

    async def failing(commands: Sequence[Command]) -> list[BusReply | BusError]:
        nonlocal sent
        sent += 1
        if sent == 2:
            return [*await submit(commands[:1]), Overloaded("full")]
        return await submit(commands)

    monkeypatch.setattr(seasons, "AT_ONCE", 2)
    with monkeypatch.context() as once:
        once.setattr(bus, "submit_many", failing)
        assert refused(await start(exchange, "Spring", credit="50")) == (503, "OVERLOADED")
    listed = (await got(exchange.admin, SEASONS))["items"]
    assert [(one["creditedAt"], one["endedAt"]) for one in listed] == [(None, None)]
    for credit in ("49", None):
        assert refused(await start(exchange, "Spring", credit=credit)) == (409, "NAME_TAKEN")
    late = await exchange.register("late@example.com")
    for left in (2, 0):  # three were credited before, one of them without a reply
        again = await start(exchange, "spring", credit="50.0")
        assert (again.status_code, again.json()["creditedAt"] is not None) == (200, True)
        assert again.json()["accountsCredited"] == left
    for user in (*traders[:2], *traders[3:], exchange.admin):
        assert (await got(user, "/v1/user/balance"))["total"] == "50.000000"
    assert (await got(late, "/v1/user/balance"))["total"] == "0.000000"
    balance = await got(exchange.admin, f"/v1/users/{traders[2].id}/balance")
    assert balance["total"] == "0.000000"
    assert len(await acts(exchange)) == 1
    # No request can use the key of a credit.
    body = {"userId": late.id, "amount": "50", "reason": "season Spring"}
    headers = {"idempotency-key": f"season 1 {late.id}"}
    forged = await exchange.admin.client.post("/v1/user/transfer", json=body, headers=headers)
    assert refused(forged) == (400, "VALIDATION_FAILED")


@ON_ONE_DATABASE
async def test_refusals(exchange: Exchange) -> None:
    """Invalid names, unknown seasons, a second season and users who are no admins are refused."""
    ann = await exchange.register("ann@example.com")
    for name in ("", " ", ".", "a/b", "a\u202eb", "a" * 65, 7):
        assert refused(await start(exchange, name)) == (400, "VALIDATION_FAILED")  # type: ignore[arg-type]
    for credit in ("-1", "x", "0.0000001", "1000000001"):
        answer = await start(exchange, "Spring", credit=credit)
        assert refused(answer) == (400, "VALIDATION_FAILED")
    assert refused(await end(exchange, "Spring")) == (404, "SEASON_NOT_FOUND")
    assert (await start(exchange, "2027")).status_code == 201
    assert refused(await start(exchange, "Summer")) == (409, "INVALID_TRANSITION")
    for season in ("Summer", "0", "9" * 30, "-1"):
        answer = await ann.client.get(BOARD, params={"season": season})
        assert refused(answer) == (404, "SEASON_NOT_FOUND")
    tried = [
        await ann.client.post(SEASONS, json={"name": "mine"}),
        await ann.client.post(f"{SEASONS}/2027/end"),
    ]
    assert [refused(one) for one in tried] == [(403, "FORBIDDEN")] * 2
    for query in ("limit=0", "limit=101", "limit=x", "season=" + "a" * 65):
        assert refused(await ann.client.get(f"{BOARD}?{query}")) == (400, "VALIDATION_FAILED")
    assert refused(await exchange.anonymous.get(SEASONS)) == (401, "UNAUTHENTICATED")
    assert [one["id"] for one in (await got(ann, SEASONS))["items"]] == [1]


@ON_ONE_DATABASE
@pytest.mark.parametrize("setting", ["members", "public", "off"])
async def test_who_may_look(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A setting shows boards to members, to everybody or to nobody; a key needs the read scope."""
    monkeypatch.setitem(exchange.node.settings.__dict__, "leaderboard", setting)
    ann = await exchange.register("ann@example.com")
    keys = [bearer(await make_key(ann, scope, name=scope)) for scope in ("read", "trade")]
    answers = [
        await exchange.anonymous.get(BOARD),
        await ann.client.get(BOARD),
        *[await exchange.anonymous.get(BOARD, headers=key) for key in keys],
    ]
    assert [one.status_code for one in answers] == {
        "members": [401, 200, 200, 403],
        "public": [200, 200, 200, 200],
        "off": [404, 404, 404, 404],
    }[setting]


@ON_ONE_DATABASE
async def test_who_is_ranked(exchange: Exchange) -> None:
    """Admins, house accounts and disabled users are not ranked.

    A group's board ranks its members, for its members only.
    """
    admin, ann = exchange.admin.client, await exchange.trader("ann")
    gone = await exchange.trader("gone")
    bob = await exchange.trader("bob")
    await exchange.register("maker@house.example.com")
    await change(exchange, gone, disabled=True)
    assert (await admin.post("/v1/groups", json={"name": "club"})).status_code == 201
    for user in (ann, exchange.admin, gone):
        assert (await admin.put(f"/v1/groups/club/members/{user.id}")).status_code == 204
    assert (await start(exchange, "Spring")).status_code == 201

    async def seen() -> list[list[str]]:
        asked: Sequence[dict[str, str]]
        asked = ({}, {"group": "club"}, {"group": "CLUB", "season": "Spring"})
        return [[line[1] for line in await ranks(ann, **params)] for params in asked]

    names = {user.id: f"player-{user.id}" for user in (ann, bob, gone)}
    expected = [[names[ann.id], names[bob.id]], [names[ann.id]], [names[ann.id]]]
    assert await seen() == expected
    for group in ("club", "none"):
        answer = await bob.client.get(BOARD, params={"group": group})
        assert refused(answer) == (404, "GROUP_NOT_FOUND")
    assert [line[1] for line in await ranks(exchange.admin, group="club")] == [names[ann.id]]
    # Later changes of members and users do not affect a season that has ended.
    assert (await end(exchange, "Spring")).status_code == 200
    await admin.put(f"/v1/groups/club/members/{bob.id}")
    await change(exchange, gone, disabled=False)
    await change(exchange, ann, role="ADMIN")
    for params in ({}, {"group": "club"}):
        lines = await ranks(bob, season="Spring", **params)
        assert [line[1] for line in lines] == expected[1 if params else 0]
    assert [line[1] for line in await ranks(bob)] == [names[gone.id], names[bob.id]]


async def test_boards_count_visible_markets_only(exchange: Exchange) -> None:
    """Profit, value and trades of a hidden market show only on its group's board.

    When it becomes public, only gains since the season's start show.
    """
    ann, bob = [await member(exchange, await exchange.trader(name)) for name in ("ann", "bob")]
    await exchange.market("rain")
    await exchange.market("secret", group="club", takerFeeRate="0.07")

    async def swap(market: str, price: str, buyer: User, seller: User) -> None:
        await order(buyer, "BUY", 10, price, market)
        await order(seller, "SELL", 10, price, market)

    async def boards(**params: str) -> list[list[tuple[str, str, int]]]:
        found = []
        for group in ({}, {"group": "club"}):
            lines = {line[1]: line[2:] for line in await ranks(ann, **params, **group)}
            found.append([lines[f"player-{user.id}"] for user in (ann, bob)])
        return found

    nothing = ("0.000000", "100.000000", 0)
    await swap("secret", "0.40", ann, bob)  # fee 0.168
    await swap("secret", "0.60", bob, ann)  # fee 0.168
    in_secret = [("1.832000", "101.832000", 2), ("-2.168000", "97.832000", 2)]
    assert await boards() == [[nothing, nothing], in_secret]
    assert (await start(exchange, "Spring")).status_code == 201
    begun = [("0.000000", "101.832000", 0), ("0.000000", "97.832000", 0)]
    assert await boards(season="Spring") == [[nothing, nothing], begun]
    await swap("rain", "0.50", ann, bob)
    await swap("secret", "0.50", ann, bob)  # fee 0.175
    in_rain = [("0.000000", "100.000000", 1), ("0.000000", "100.000000", 1)]
    in_both = [("0.000000", "101.832000", 2), ("-0.175000", "97.657000", 2)]
    assert await boards(season="Spring") == [in_rain, in_both]
    shown = await exchange.admin.client.patch("/v1/markets/secret", json={"group": None})
    assert shown.status_code == 200
    assert await boards(season="Spring") == [in_both, in_both]
    hidden = await exchange.admin.client.patch("/v1/markets/secret", json={"group": "club"})
    assert hidden.status_code == 200
    assert (await end(exchange, "Spring")).status_code == 200
    assert await boards(season="Spring") == [in_rain, in_both]
