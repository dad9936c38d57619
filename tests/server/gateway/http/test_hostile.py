"""Hostile requests cost time linear in their bytes, and answers about them are bounded."""

import json
import logging

import pytest

from predmarket.contracts.errors import MAX_PROBLEMS
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.log_lines import logged, requests_in
from tests.support.raw_http import ORDER

pytestmark = ON_ONE_DATABASE


def problems_of(text: str) -> list[Json]:
    """Return the problems of a refusal that lists the first of many."""
    error = json.loads(text)["error"]
    assert error["code"] == "VALIDATION_FAILED"
    assert "more problems are not listed" in error["message"]
    details: list[Json] = error["details"]
    return details


async def test_a_query_of_many_names_lists_the_first_problems(exchange: Exchange) -> None:
    """A query with many names lists the first problems and counts the rest.

    The names may be known, unknown or repeated.
    """
    for query in ("a&" * 30_000, "limit=1&" * 8_000, "&".join(f"x{n}=1" for n in range(40))):
        answer = await exchange.anonymous.get(f"/v1/markets?{query}")
        assert answer.status_code == 400
        assert len(problems_of(answer.text)) == MAX_PROBLEMS
        assert len(answer.content) < 4_096


async def test_a_body_of_many_names_lists_the_first_problems(exchange: Exchange) -> None:
    """A body with many names lists the first problems, as an order, in a batch and elsewhere."""
    user = await exchange.trader("ann")
    body: Json = {f"x{number}": number for number in range(3_000)}
    for path in ("/v1/orders", "/v1/orders/preview", "/v1/auth/login"):
        answer = await user.client.post(path, json=body)
        assert answer.status_code == 400
        assert len(problems_of(answer.text)) == MAX_PROBLEMS
    batch: Json = {"orders": [1] * 100}
    answer = await user.client.post("/v1/orders/batch", json=batch)
    assert len(problems_of(answer.text)) == MAX_PROBLEMS
    batch = {"orders": [body]}
    answer = await user.client.post("/v1/orders/batch", json=batch)
    assert len(problems_of(json.dumps(answer.json()["results"][0]))) == MAX_PROBLEMS


async def test_a_long_address_is_cut_in_the_log(exchange: Exchange) -> None:
    """A long address is cut in the log before it is searched for secrets."""
    with logged(logging.INFO) as stream:
        answer = await exchange.anonymous.get("/" + "://a:" * 10_000)
    assert answer.status_code == 404
    (line,) = requests_in(stream)
    assert line["path"].endswith("… (50001 characters)")
    assert len(line["path"]) < 600


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/batch", "/v1/orders/preview"])
async def test_an_order_takes_no_parameters(exchange: Exchange, path: str) -> None:
    """An unknown query parameter of an order is refused, on the fast path too."""
    await exchange.market()
    user = await exchange.trader("ann")
    body = {"orders": [ORDER]} if path.endswith("batch") else ORDER
    for _ in range(3):
        answer = await user.client.post(f"{path}?x=1", json=body)
        assert answer.status_code == 400
        problem = {"path": "x", "message": "is not a known parameter"}
        assert answer.json()["error"]["details"] == [problem]
    assert (await user.client.post(path, json=body)).status_code in (200, 201)


async def test_a_large_body_costs_more_permits(exchange: Exchange) -> None:
    """A large body costs one more permit for each 4 KiB, taken before the body is parsed."""
    taken: list[int] = []
    orders = exchange.app.context.limits.orders
    take, take_now = orders.take, orders.take_now

    async def noting(user_id: int, cost: int = 1) -> None:
        taken.append(cost)
        await take(user_id, cost)

    def noting_now(user_id: int, cost: int = 1) -> bool:
        taken.append(cost)
        return take_now(user_id, cost)

    orders.take, orders.take_now = noting, noting_now  # type: ignore[method-assign]
    await exchange.market()
    user = await exchange.trader("ann")
    large = json.dumps(ORDER).encode() + b" " * 16_384
    for body in (b"{}", large):
        await user.client.post("/v1/orders", content=body)  # the first takes the ordinary path
    await user.client.post("/v1/orders/batch", json={"orders": [ORDER] * 3})
    await user.client.post("/v1/orders/batch", content=b"[" * 16_384)
    assert taken == [1, 5, 1, 2, 5]


async def test_the_search_for_a_credential_is_bounded(exchange: Exchange) -> None:
    """A credential is searched for only among the first cookies, and a too long one is ignored."""
    token = exchange.admin.session["accessToken"]
    cookie = f"predmarket_access={token}"
    for before, status in ((299, 200), (300, 401)):
        headers = {"cookie": "a=b;" * before + cookie}
        assert (await exchange.anonymous.get("/v1/auth/me", headers=headers)).status_code == status
    for far in (f"{token}{'x' * 1_024}", f"pmk_{'x' * 50_000}", "a." * 20_000):
        headers = {"authorization": f"Bearer {far}"}
        assert (await exchange.anonymous.get("/v1/auth/me", headers=headers)).status_code == 401


async def test_escapes_of_an_address_are_bounded(exchange: Exchange) -> None:
    """An address may hold only so many escapes, because each costs much more than a character."""
    for count, status in ((4_096, 404), (4_097, 431)):
        answer = await exchange.anonymous.get(f"/v1/markets/{'%41' * count}")
        assert answer.status_code == status
