"""Orders and refusals over HTTP."""

import re

import httpx

from tests.support.http_exchange import Json, User

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


LATER = "2999-01-01T00:00:00+01:00"


def limit(side: str, price: object, qty: object, **fields: object) -> Json:
    """Return a limit order's body."""
    return {
        "marketId": "rain",
        "side": side,
        "type": "LIMIT",
        "price": price,
        "qty": qty,
        **fields,
    }


async def placed(user: User, body: Json, status: int = 201) -> Json:
    """Place an order and check the status of the answer."""
    answer = await user.client.post("/v1/orders", json=body)
    assert answer.status_code == status, answer.text
    order: Json = answer.json()
    return order


async def got(user: User, path: str, status: int = 200) -> Json:
    """Send a GET and check the status of the answer."""
    answer = await user.client.get(path)
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


def error_of(answer: httpx.Response) -> Json:
    """Return an error after checking its envelope."""
    body = answer.json()
    assert set(body) == {"error", "requestId"}
    assert body["requestId"] == answer.headers["x-request-id"]
    error: Json = body["error"]
    assert set(error) == {"code", "message", "details"}
    assert error["message"]
    return error


async def order(user: User, side: str, qty: int, price: str, market: str = "rain") -> Json:
    """Place a limit order."""
    body = {"marketId": market, "side": side, "type": "LIMIT", "price": price, "qty": str(qty)}
    answer = await user.client.post("/v1/orders", json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def cash(user: User) -> tuple[str, str]:
    """Return available and locked."""
    found = (await user.client.get("/v1/user/balance")).json()
    return found["available"], found["locked"]
