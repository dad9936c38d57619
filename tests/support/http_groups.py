"""Group membership over HTTP, changed by the admin."""

from tests.support.http_exchange import Exchange, User


async def member(exchange: Exchange, user: User, group: str = "club") -> User:
    """Put a user into a group."""
    await exchange.admin.client.post("/v1/groups", json={"name": group})
    path = f"/v1/groups/{group}/members/{user.id}"
    assert (await exchange.admin.client.put(path)).status_code == 204
    return user


async def leave(exchange: Exchange, user: User, group: str = "club") -> None:
    """Take a user out of a group."""
    path = f"/v1/groups/{group}/members/{user.id}"
    assert (await exchange.admin.client.delete(path)).status_code == 204
