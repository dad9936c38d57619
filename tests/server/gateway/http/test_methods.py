"""HEAD and OPTIONS at every address, and unknown query parameters."""

import pytest

from tests.support.http_exchange import Exchange
from tests.support.http_orders import error_of


@pytest.fixture
def database_url(migrated_sqlite_url: str) -> str:
    """Return a SQLite database, because nothing here depends on its kind."""
    return migrated_sqlite_url


async def test_head_is_get_without_the_body(exchange: Exchange) -> None:
    """HEAD has the status and headers of GET, also for errors of guards, and no body."""
    await exchange.market()
    for path in ("/healthz", "/v1/markets/rain", "/v1/markets/none", "/v1/orders", "/docs"):
        get = await exchange.anonymous.get(path)
        head = await exchange.anonymous.head(path)
        assert (path, head.status_code, head.content) == (path, get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["content-length"] == str(len(get.content)) or path == "/v1/orders"
    assert (await exchange.anonymous.head("/v1/auth/login")).status_code == 405


async def test_options_tells_every_method(exchange: Exchange) -> None:
    """OPTIONS lists every method of an address, also of handlers registered separately."""
    for path, methods in (
        ("/v1/orders", {"GET", "POST"}),
        ("/v1/markets/rain", {"GET", "PATCH"}),
        ("/v1/auth/login", {"POST"}),
    ):
        page = {"origin": "https://a.example", "access-control-request-method": "POST"}
        stranger = await exchange.anonymous.options(path, headers=page)  # nobody named its origin
        assert "access-control-allow-origin" not in stranger.headers
        answer = await exchange.anonymous.options(path)
        assert (stranger.status_code, stranger.headers["allow"]) == (204, answer.headers["allow"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert set(answer.headers["allow"].split(", ")) == methods | {"OPTIONS"}
    assert (await exchange.anonymous.options("/nothing")).status_code == 404


async def test_unknown_query_parameters_are_refused(exchange: Exchange) -> None:
    """An unknown query parameter gets 400 with its name; a misspelt filter must not be ignored."""
    ann = await exchange.trader("ann")
    for path, name in (
        ("/v1/markets?staus=OPEN", "staus"),
        ("/v1/markets?status=null", "status"),
        ("/v1/markets?limit=1&limit=2", "limit"),
        ("/v1/user/balance?currency=USD", "currency"),
        ("/v1/orders?market=1&marketId=2", "marketId"),
        ("/v1/orderbook/rain?depth=null", "depth"),
    ):
        answer = await ann.client.get(path)
        assert (path, answer.status_code) == (path, 400)
        assert [problem["path"] for problem in error_of(answer)["details"]] == [name]
    for path in ("/v1/markets?q=null", "/v1/user/positions?limit=5", "/healthz?x=1"):
        assert (await ann.client.get(path)).status_code == 200
