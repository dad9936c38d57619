"""The REST clients, each case with both: errors, retries, renewal of tokens."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import predmarket.client
from predmarket.client import (
    ApiError,
    Client,
    ConfigurationError,
    NewOrder,
    Session,
    StoredSession,
    Unreachable,
    calls,
)
from predmarket.client.session import Tokens
from tests.client.both import awaiting, blocking
from tests.support.stub_data import MARKET, ORDER, USER, page, tokens
from tests.support.stub_exchange import Answer, Reply, Request, Stub, refusal

OLD = Tokens("SECRET-access-1", "SECRET-refresh-1")


Connect = Callable[..., Client]


@pytest.fixture(params=[blocking, awaiting])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Return a client of either kind that does not wait between attempts."""
    made: Connect = request.param
    return made


def only_fresh(fresh: str, body: object) -> Reply:
    """Return a reply that accepts only the token ``fresh``."""

    def reply(request: Request) -> Answer:
        if request.token == fresh:
            return Answer(body=body)
        return refusal(401, "UNAUTHENTICATED")

    return reply


def test_surface() -> None:
    """The public names of the package are exactly this list."""
    expected = [
        "ApiError",
        "AsyncClient",
        "Backoff",
        "Client",
        "ClientError",
        "ConfigurationError",
        "Feed",
        "LocalBook",
        "NewMarket",
        "NewOrder",
        "Retry",
        "Session",
        "State",
        "StoredSession",
        "Unreachable",
        "exact",
        "to_pandas",
    ]
    assert expected == predmarket.client.__all__
    assert all(hasattr(predmarket.client, name) for name in expected)


def test_an_answer_is_the_apis_own_json(stub: Stub, connect: Connect) -> None:
    """A call returns the API's JSON unchanged."""
    stub.on("GET", "/v1/markets/rain", Answer(body=MARKET))
    with connect(stub.url) as client:
        assert client.market("rain") == MARKET
    assert stub.requests[0].token is None


def test_a_refusal_carries_code_status_details_and_request_id(stub: Stub, connect: Connect) -> None:
    """The exception has the whole error of the exchange."""
    details = [{"path": "qty", "message": "must be above 0"}]
    stub.on("POST", "/v1/orders", refusal(400, "VALIDATION_FAILED", "bad", details))
    with connect(stub.url) as client, pytest.raises(ApiError) as caught:
        client.place_order(NewOrder(market="rain", side="BUY", qty="0", price="0.5"))
    error = caught.value
    assert (400, "VALIDATION_FAILED", "bad", details, "req-1") == (
        error.status,
        error.code,
        error.message,
        error.details,
        error.request_id,
    )


def test_numbers_leave_as_decimal_strings(stub: Stub, connect: Connect) -> None:
    """No number passes through a float, and a market of digits is sent as an id."""
    stub.on("POST", "/v1/orders", Answer(201, ORDER))
    with connect(stub.url) as client:
        client.place_order(NewOrder(market="1", side="BUY", qty=Decimal("10.10"), price="0.60"))
    expected = {"marketId": 1, "side": "BUY", "type": "LIMIT", "qty": "10.10", "price": "0.60"}
    assert expected == stub.requests[0].body


@pytest.mark.parametrize("trouble", [Answer(hang_up=True), refusal(503, "OVERLOADED")])
def test_a_repeatable_order_is_sent_again(stub: Stub, trouble: Answer, connect: Connect) -> None:
    """An order with a client order id is sent again after no reply or a 503."""
    stub.on("POST", "/v1/orders", trouble, trouble, Answer(201, ORDER))
    with connect(stub.url) as client:
        order = NewOrder(market=1, side="BUY", qty=1, price="0.5", client_order_id="a")
        assert client.place_order(order)["id"] == 17
    assert len(stub.requests) == 3
    assert all(item.body == stub.requests[0].body for item in stub.requests)


@pytest.mark.parametrize("trouble", [Answer(hang_up=True), refusal(503, "OVERLOADED")])
def test_what_is_not_repeatable_is_sent_once(stub: Stub, trouble: Answer, connect: Connect) -> None:
    """An order without a client order id and a cancel are sent once, as repeats could act twice."""
    stub.on("POST", "/v1/orders", trouble)
    stub.on("POST", "/v1/orders/17/cancel", trouble)
    with connect(stub.url) as client:
        with pytest.raises((Unreachable, ApiError)):
            client.place_order(NewOrder(market=1, side="BUY", qty=1, price="0.5"))
        with pytest.raises((Unreachable, ApiError)):
            client.cancel_order(17)
    assert len(stub.requests) == 2


def test_a_refusal_is_not_repeated(stub: Stub, connect: Connect) -> None:
    """A 503 is retried; a 422 is not."""
    stub.on("GET", "/v1/markets/rain", refusal(422, "LIMIT_EXCEEDED"))
    with connect(stub.url) as client, pytest.raises(ApiError):
        client.market("rain")
    assert len(stub.requests) == 1


@pytest.mark.parametrize("slow_head", [False, True], ids=["body", "head"])
def test_an_answer_in_drips_does_not_outlast_its_time(
    stub: Stub, slow_head: bool, connect: Connect
) -> None:
    """The time limit bounds the whole reply, not the wait for its next byte."""
    stub.on("POST", "/v1/orders", Answer(201, ORDER, drip_s=0.02, slow_head=slow_head))
    with connect(stub.url, timeout_s=0.1) as client:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer from .* in time"):
            client.place_order(NewOrder(market="rain", side="BUY", qty="1"))
        assert time.monotonic() - began < 2.0
        stub.on("GET", "/v1/auth/me", Answer(body=USER))
        assert client.me() == USER


def test_retry_after_is_believed_up_to_a_bound(stub: Stub, connect: Connect) -> None:
    """A Retry-After of seconds is followed; one of an hour is not."""
    pauses: list[float] = []
    overloaded = refusal(503, "OVERLOADED")
    stub.on(
        "GET",
        "/v1/status",
        Answer(503, overloaded.body, {"Retry-After": "2"}),
        Answer(503, overloaded.body, {"Retry-After": "3600"}),
        Answer(body={"version": "1"}),
    )
    with connect(stub.url, sleep=pauses.append) as client:
        client.status()
    assert pauses == [2.0, 5.0]


def test_a_read_too_many_waits_as_long_as_it_is_told(stub: Stub, connect: Connect) -> None:
    """After a 429 a GET is sent again after Retry-After.

    When that exceeds the longest pause, the call raises at once. Other methods are not retried.
    """
    pauses: list[float] = []
    limited = refusal(429, "RATE_LIMITED").body
    seconds = [Answer(429, limited, {"Retry-After": text}) for text in ("2", "40")]
    stub.on("GET", "/v1/status", seconds[0], Answer(body={"version": "1"}))
    stub.on("GET", "/v1/markets/rain", seconds[1])
    stub.on("POST", "/v1/orders/17/cancel", seconds[0])
    with connect(stub.url, sleep=pauses.append) as client:
        client.status()
        assert pauses == [2.0]
        with pytest.raises(ApiError) as caught:
            client.market("rain")
        assert caught.value.retry_after_s == 40
        with pytest.raises(ApiError):
            client.cancel_order(17)
    assert pauses == [2.0]
    assert len(stub.requests) == 4


def test_a_transfer_always_has_a_key_and_keeps_it(stub: Stub, connect: Connect) -> None:
    """A transfer's retry has the same key, so a lost reply books nothing twice."""
    done = Answer(201, {"id": 1, "balance": {}})
    stub.on("POST", "/v1/user/transfer", Answer(hang_up=True), done)
    with connect(stub.url) as client:
        client.transfer("ann@example.com", "-5", "correction")
        client.transfer("7", "5", "welcome", idempotency_key="k")
    first, again, other = stub.requests
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert len(first.headers["idempotency-key"]) == 32
    assert other.headers["idempotency-key"] == "k"
    assert other.body == {"userId": 7, "amount": "5", "reason": "welcome"}


def test_an_expired_token_is_renewed_silently(stub: Stub, tmp_path: Path, connect: Connect) -> None:
    """The new tokens are stored for the next process."""
    session = StoredSession(tmp_path, "default", stub.url)
    session.keep(OLD)
    stub.on("GET", "/v1/auth/me", only_fresh("SECRET-access-2", USER))
    stub.on("POST", "/v1/auth/refresh", Answer(body=tokens(2)))
    with connect(stub.url, session=session) as client:
        assert client.me() == USER
    assert Tokens("SECRET-access-2", "SECRET-refresh-2") == session.load()
    assert stub.sent("POST", "/v1/auth/refresh")[0].body == {"refreshToken": "SECRET-refresh-1"}
    assert stub.sent("POST", "/v1/auth/refresh")[0].token is None


def test_two_at_once_use_a_refresh_token_once(stub: Stub, tmp_path: Path, connect: Connect) -> None:
    """Of two processes the second takes the first's new tokens, as reuse revokes the session."""
    StoredSession(tmp_path, "default", stub.url).keep(OLD)
    both_expired = threading.Barrier(2)

    def me(request: Request) -> Answer:
        if request.token == OLD.access:
            both_expired.wait(10)
            return refusal(401, "UNAUTHENTICATED")
        return Answer(body=USER)

    def ask() -> None:
        session = StoredSession(tmp_path, "default", stub.url)
        with connect(stub.url, session=session) as client:
            assert client.me() == USER

    stub.on("GET", "/v1/auth/me", me)
    stub.on("POST", "/v1/auth/refresh", Answer(body=tokens(2)))
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stub.sent("POST", "/v1/auth/refresh")) == 1
    assert len(stub.sent("GET", "/v1/auth/me")) == 4


def test_a_dead_session_is_forgotten(stub: Stub, connect: Connect) -> None:
    """A refused refresh token ends the session; public routes still work."""
    session = Session(OLD)
    stub.on("GET", "/v1/auth/me", refusal(401, "UNAUTHENTICATED"))
    stub.on("POST", "/v1/auth/refresh", refusal(401, "INVALID_REFRESH_TOKEN"))

    def anonymous(request: Request) -> Answer:
        return (
            Answer(body=page(MARKET)) if request.token is None else refusal(401, "UNAUTHENTICATED")
        )

    stub.on("GET", "/v1/markets", anonymous)
    with connect(stub.url, session=session) as client:
        assert client.markets()["items"] == [MARKET]
        assert session.load() is None
    session.keep(OLD)
    with connect(stub.url, session=session) as client, pytest.raises(ApiError, match="UNAUTH"):
        client.me()
    assert session.load() is None


def test_an_exchange_that_is_away_does_not_end_the_session(stub: Stub, connect: Connect) -> None:
    """Only a refusal of the refresh token ends the session."""
    session = Session(OLD)
    stub.on("GET", "/v1/auth/me", refusal(401, "UNAUTHENTICATED"))
    stub.on("POST", "/v1/auth/refresh", refusal(503, "UNAVAILABLE"))
    with connect(stub.url, session=session) as client, pytest.raises(ApiError) as caught:
        client.me()
    assert caught.value.status == 503
    assert session.load() == OLD


def test_an_api_key_goes_before_a_session(stub: Stub, connect: Connect) -> None:
    """An API key takes precedence over a session, and a refused key causes no renewal."""
    stub.on("GET", "/v1/auth/me", refusal(401, "UNAUTHENTICATED"))
    with (
        connect(stub.url, session=Session(OLD), api_key="SECRET-key") as client,
        pytest.raises(ApiError),
    ):
        client.me()
    assert [item.token for item in stub.requests] == ["SECRET-key"]


def test_login_and_logout(stub: Stub, connect: Connect) -> None:
    """A login lasts until the logout, which is sent to the exchange."""
    session = Session()
    stub.on("POST", "/v1/auth/login", Answer(body=tokens(1)))
    stub.on("POST", "/v1/auth/logout", Answer(204))
    with connect(stub.url, session=session) as client:
        assert client.login("ann@example.com", "password123") == USER
        assert session.load() == OLD
        client.logout()
        assert session.load() is None
    sent = stub.sent("POST", "/v1/auth/logout")[0]
    assert (sent.token, sent.body) == (None, {"refreshToken": OLD.refresh})


def test_follow_takes_every_page(stub: Stub, connect: Connect) -> None:
    """follow() requests each next page by its cursor, with the same filters."""
    stub.on(
        "GET",
        "/v1/orders",
        Answer(body=page({"id": 3}, {"id": 2}, cursor="c1")),
        Answer(body=page({"id": 1})),
    )
    with connect(stub.url) as client:
        call = calls.orders(status="OPEN", limit=2)
        assert [item["id"] for item in client.follow(call)] == [3, 2, 1]
    assert stub.requests[1].query == {"status": "OPEN", "limit": "2", "cursor": "c1"}


def test_an_admin_asks_for_another_users_account(stub: Stub, connect: Connect) -> None:
    """The same calls with a user's id read another user's account."""
    for what in ("balance", "positions", "orders", "fills", "ledger"):
        stub.on("GET", f"/v1/users/7/{what}", Answer(body=page()))
    with connect(stub.url, api_key="k") as client:
        client.balance(user_id=7)
        client.positions(user_id=7)
        client.orders(user_id=7, status=["OPEN", "FILLED"])
        client.fills(user_id=7, since="2030-01-01T00:00:00Z")
        client.statement(user_id=7, until=datetime(2030, 1, 1, tzinfo=UTC))
    queries = [request.query for request in stub.requests]
    assert queries[2:] == [
        {"status": "OPEN,FILLED"},
        {"since": "2030-01-01T00:00:00Z"},
        {"until": "2030-01-01T00:00:00.000000Z"},
    ]


def test_cookies_are_ignored(stub: Stub, connect: Connect) -> None:
    """The client sends no cookie, which would trigger the exchange's checks for browsers."""
    headers = {"Set-Cookie": "predmarket_access=SECRET; Path=/"}
    stub.on("GET", "/v1/status", Answer(body={"version": "1"}, headers=headers))
    with connect(stub.url) as client:
        client.status()
        client.status()
    assert "cookie" not in stub.requests[1].headers


@pytest.mark.parametrize(
    "answer",
    [Answer(raw=b"<html>hello</html>"), Answer(raw=b"\xff\xfe"), Answer(raw=b"null")],
)
def test_another_kind_of_server_is_unreachable(
    stub: Stub, answer: Answer, connect: Connect
) -> None:
    """A server that does not speak the API raises Unreachable."""
    stub.on("GET", "/v1/status", answer)
    with connect(stub.url) as client, pytest.raises(Unreachable, match="does not answer like"):
        client.status()


def test_an_error_without_the_apis_body_keeps_its_status(stub: Stub, connect: Connect) -> None:
    """An error page of a proxy is reported with its status."""
    stub.on("GET", "/v1/status", Answer(502, raw=b"<html>"))
    with connect(stub.url) as client, pytest.raises(ApiError) as caught:
        client.status()
    assert (caught.value.status, caught.value.code) == (502, "HTTP_502")


def test_nobody_there(connect: Connect) -> None:
    """A refused connection is Unreachable, and names the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with connect(url) as client, pytest.raises(Unreachable, match=url):
            client.status()


def test_a_token_that_no_header_can_carry_is_not_quoted(stub: Stub, connect: Connect) -> None:
    """The error for an invalid token does not contain it, unlike the HTTP library's."""
    client = connect(stub.url, api_key="SECRET\n")
    with client, pytest.raises(ConfigurationError) as caught:
        client.status()
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("market", ["", ".", ".."])
def test_a_market_cannot_climb_out_of_its_path(stub: Stub, market: str, connect: Connect) -> None:
    """No market name leads to another route."""
    with connect(stub.url) as client, pytest.raises(predmarket.client.ClientError):
        client.market(market)
    assert not stub.requests
