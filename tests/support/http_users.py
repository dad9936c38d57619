"""Changes of users and API keys over HTTP, made by the admin."""

import httpx

from tests.support.http_exchange import Exchange, Json, User


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and code of an error."""
    return answer.status_code, answer.json()["error"]["code"]


async def change(exchange: Exchange, user: User, **fields: object) -> httpx.Response:
    """Change a user as the admin."""
    return await exchange.admin.client.patch(f"/v1/users/{user.id}", json=fields)


KEYS = "/v1/auth/api-keys"


async def make_key(user: User, *scopes: str, name: str = "bot") -> Json:
    """Make an API key."""
    answer = await user.client.post(KEYS, json={"name": name, "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    key: Json = answer.json()
    return key


def bearer(key: Json) -> dict[str, str]:
    """Return the Authorization header with a key."""
    return {"authorization": f"Bearer {key['key']}"}
