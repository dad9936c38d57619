"""Groups of users over HTTP: names, members, and a user's own groups."""

import httpx
import pytest

from predmarket.server.gateway.auth.principals import Principal
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, User
from tests.support.http_orders import got
from tests.support.http_users import bearer, make_key, refused

GROUPS = "/v1/groups"


async def made(exchange: Exchange, name: str) -> httpx.Response:
    """Make a group as the admin."""
    return await exchange.admin.client.post(GROUPS, json={"name": name})


async def principal_of(exchange: Exchange, header: str) -> Principal:
    """Return the principal of a request with this authorization."""
    token = header.removeprefix("Bearer ")
    found = await exchange.app.context.principals.principal(token, token)
    assert found is not None
    return found


async def test_members_come_and_go_at_once(exchange: Exchange) -> None:
    """Changes of members apply at once to active sessions and keys, and are logged.

    A repeat changes nothing.
    """
    admin, ann = exchange.admin.client, await exchange.register("ann@example.com")
    headers = (
        ann.client.headers["authorization"],
        bearer(await make_key(ann, "read"))["authorization"],
    )
    groups = [(await made(exchange, name)).json() for name in ("Class 9b", "club")]
    for header in headers:
        assert (await principal_of(exchange, header)).groups == frozenset()
    for name in ("class%20%209B", "club", "club"):
        assert (await admin.put(f"{GROUPS}/{name}/members/{ann.id}")).status_code == 204
    for header in headers:
        assert (await principal_of(exchange, header)).groups == {one["id"] for one in groups}
    assert [one["memberCount"] for one in (await got(exchange.admin, GROUPS))["items"]] == [1, 1]
    listed = await got(exchange.admin, "/v1/users?group=club")
    assert ([one["id"] for one in listed["items"]], listed["total"]) == ([ann.id], 1)
    for _ in range(2):
        assert (await admin.delete(f"{GROUPS}/club/members/{ann.id}")).status_code == 204
    for header in headers:
        assert (await principal_of(exchange, header)).groups == {groups[0]["id"]}
    asked = [await principal_of(exchange, header) for header in headers]
    standing = await exchange.app.context.principals.standing(
        [one._replace(groups=frozenset()) for one in asked]
    )
    assert [*standing.values()] == asked
    log = (await got(exchange.admin, "/v1/admin/log"))["items"]
    assert [(act["action"], act["target"], act["details"]) for act in reversed(log)] == [
        ("GROUP_CREATE", "group:1", {"name": "Class 9b"}),
        ("GROUP_CREATE", "group:2", {"name": "club"}),
        ("GROUP_ADD", f"user:{ann.id}", {"groupId": 1}),
        ("GROUP_ADD", f"user:{ann.id}", {"groupId": 2}),
        ("GROUP_REMOVE", f"user:{ann.id}", {"groupId": 2}),
    ]


@ON_ONE_DATABASE
@pytest.mark.parametrize("again", ["CLUB", " club ", "c\u200dlub", "\uff43lub", "cLub\ufe0f"])
async def test_names_that_look_alike_are_one(exchange: Exchange, again: str) -> None:
    """A group name that looks like another's is refused."""
    assert (await made(exchange, "club")).status_code == 201
    assert refused(await made(exchange, again)) == (409, "NAME_TAKEN")


@ON_ONE_DATABASE
async def test_refusals(exchange: Exchange) -> None:
    """Unknown groups and users, invalid names and users who are no admins are refused."""
    admin, ann = exchange.admin.client, await exchange.register("ann@example.com")
    await made(exchange, "club")
    for name in ("", " ", ".", "..", "a/b", "a\u202eb", "a" * 65):
        assert refused(await made(exchange, name)) == (400, "VALIDATION_FAILED")
    for method in ("PUT", "DELETE"):
        for path, code in (
            (f"none/members/{ann.id}", "GROUP_NOT_FOUND"),
            ("club/members/999", "USER_NOT_FOUND"),
            ("club/members/x", "USER_NOT_FOUND"),
        ):
            assert refused(await admin.request(method, f"{GROUPS}/{path}")) == (404, code)
    assert refused(await admin.get("/v1/users?group=none")) == (404, "GROUP_NOT_FOUND")

    async def tried(user: User) -> list[tuple[int, str]]:
        return [
            refused(await user.client.post(GROUPS, json={"name": "mine"})),
            refused(await user.client.get(GROUPS)),
            refused(await user.client.put(f"{GROUPS}/club/members/{user.id}")),
            refused(await user.client.delete(f"{GROUPS}/club/members/{user.id}")),
        ]

    assert await tried(ann) == [(403, "FORBIDDEN")] * 4
    assert [one["name"] for one in (await got(exchange.admin, GROUPS))["items"]] == ["club"]


@ON_ONE_DATABASE
async def test_groups_are_listed_page_by_page(exchange: Exchange) -> None:
    """Pages list each group once, oldest first, with the number of all."""
    for name in "abc":
        await made(exchange, name)
    first = await got(exchange.admin, f"{GROUPS}?limit=2")
    second = await got(exchange.admin, f"{GROUPS}?limit=2&cursor={first['nextCursor']}")
    names = [[one["name"] for one in page["items"]] for page in (first, second)]
    assert (names, first["total"], second["nextCursor"]) == ([["a", "b"], ["c"]], 3, None)
