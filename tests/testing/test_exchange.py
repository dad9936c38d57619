"""An exchange inside a test, used as its users do."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from predmarket.client import ApiError, NewOrder
from predmarket.client.messages import FillMade
from predmarket.server.core.advance import NotMovable
from predmarket.server.gateway.auth import passwords
from predmarket.server.storage.database import sync_engine
from predmarket.testing import Exchange
from predmarket.testing.exchange import AuditFailed


def test_bot(exchange: Exchange) -> None:
    """The example of docs/testing-bots.md passes."""
    exchange.market("rain", closes_at="2h")
    exchange.deposit("ann", 100)
    ann, bob = exchange.client("ann"), exchange.client("bob")
    ann.place_order(NewOrder(market="rain", side="BUY", qty="10", price="0.60"))
    exchange.clock.advance("3h")
    assert exchange.admin.market("rain")["status"] == "CLOSED"
    assert bob.balance()["total"] == "0.000000"
    assert ann.balance() == {"available": "100.000000", "locked": "0.000000", "total": "100.000000"}


def test_what_falls_due_happens_at_its_own_time(exchange: Exchange) -> None:
    """Due events have their own times, in order, not the time to which the clock moves."""
    begin = exchange.clock.now
    exchange.market("rain", closes_at="2h")
    exchange.deposit("ann", 100)
    ann = exchange.client("ann")
    expiry = begin + timedelta(hours=1)
    order = ann.place_order(
        NewOrder(
            market="rain",
            side="BUY",
            qty=10,
            price="0.60",
            time_in_force="GTD",
            expires_at=expiry,
        )
    )
    stays = ann.place_order(NewOrder(market="rain", side="BUY", qty=10, price="0.50"))
    assert exchange.clock.advance("1w") == begin + timedelta(weeks=1)
    ended = ann.order(order["id"])
    assert (ended["status"], datetime.fromisoformat(ended["updatedAt"])) == ("EXPIRED", expiry)
    closed = ann.order(stays["id"])
    assert closed["reason"] == "MARKET_CLOSED"
    assert datetime.fromisoformat(closed["updatedAt"]) == begin + timedelta(hours=2)


def test_a_proposed_resolution_happens_at_its_time(exchange: Exchange) -> None:
    """A proposed resolution of a market or an event executes when the clock passes its time.

    A confirm executes it before.
    """
    exchange.market("rain")
    exchange.event("vote", ["ann", "bob"])
    admin = exchange.admin
    proposed = admin.resolve_market("rain", "YES", note="It rained.", after="24h")
    assert proposed["payouts"] is None
    admin.resolve_event("vote", "ann", effective_at=exchange.clock.now + timedelta(days=2))
    exchange.clock.advance("23h")
    assert admin.market("rain")["status"] == admin.market("bob")["status"] == "CLOSED"
    exchange.clock.advance("1h")
    assert admin.market("rain")["outcome"] == "YES"
    admin.withdraw_event_proposal("vote")
    exchange.clock.advance("2d")
    assert admin.event("vote")["status"] == "CLOSED"
    admin.resolve_event("vote", "ann", after="1d")
    assert admin.confirm_event_proposal("vote")["event"]["outcome"] == "ann"
    exchange.market("snow")
    admin.resolve_market("snow", "NO", after="1d")
    assert admin.withdraw_proposal("snow")["status"] == "CLOSED"
    admin.resolve_market("snow", "VOID", after="1d")
    assert admin.confirm_proposal("snow")["market"]["status"] == "VOIDED"


def test_time_stands_still_and_only_moves_forward(exchange: Exchange) -> None:
    """Moving the clock back is refused and changes nothing."""
    then = exchange.clock.now
    assert exchange.clock.now == then
    with pytest.raises(NotMovable):
        exchange.clock.set(then - timedelta(seconds=1))
    with pytest.raises(ValueError, match="zone"):
        exchange.clock.set(then.replace(tzinfo=None))
    with pytest.raises(ValueError, match="no span"):
        exchange.clock.advance("soon")
    assert exchange.clock.now == then
    there = datetime(2040, 1, 1, tzinfo=UTC)
    assert exchange.clock.set(there) == there
    told = exchange.admin.status()
    assert (told["time"], told["clock"]) == ("2040-01-01T00:00:00.000000Z", "stepped")


def test_an_admin_moves_the_clock_over_http(exchange: Exchange) -> None:
    """An admin moves the clock over HTTP, for bots in other languages."""
    then = exchange.clock.now

    def move(body: dict[str, str], name: str = "admin") -> httpx.Response:
        headers = {"authorization": f"Bearer {exchange.api_key(name)}"}
        return httpx.post(f"{exchange.url}/v1/clock", json=body, headers=headers, timeout=60)

    answer = move({"advance": "90m"})
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["time"]) == then + timedelta(minutes=90)
    assert move({"advance": "1h"}, "ann").status_code == 403
    for wrong in ({}, {"advance": "soon"}, {"advance": "1h", "set": "2040-01-01T00:00:00Z"}):
        assert move(wrong).json()["error"]["code"] == "VALIDATION_FAILED"
    assert move({"advance": "999999999w"}).status_code == 409
    back = move({"set": "2001-01-01T00:00:00Z"})
    assert (back.status_code, back.json()["error"]["code"]) == (409, "INVALID_TRANSITION")
    assert exchange.clock.now == then + timedelta(minutes=90)
    acts = exchange.admin.admin_log(action="CLOCK_MOVE")["items"]
    begun = then.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert [(act["at"], act["details"]) for act in acts] == [
        (answer.json()["time"], {"from": begun, "to": answer.json()["time"]})
    ]


@pytest.mark.parametrize("follow", [False, True])
def test_tokens_follow_the_clock_if_asked(follow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock an access token ends after 15 minutes, a session after 30 days, a key never."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    with Exchange(clock="stepped,tokens" if follow else "stepped") as exchange:

        def answered(token: str) -> bool:
            headers = {"authorization": f"Bearer {token}"}
            return httpx.get(f"{exchange.url}/v1/auth/me", headers=headers).status_code == 200

        def refreshed(tokens: dict[str, str]) -> httpx.Response:
            body = {"refreshToken": tokens["refreshToken"]}
            return httpx.post(f"{exchange.url}/v1/auth/refresh", json=body)

        exchange.clock.set(datetime(2040, 1, 1, tzinfo=UTC))
        body = {"email": "joe@example.com", "password": "a long enough password"}
        tokens = httpx.post(f"{exchange.url}/v1/auth/register", json=body).json()
        exchange.clock.advance("14m")
        assert answered(tokens["accessToken"])
        exchange.clock.advance("1m")
        assert answered(tokens["accessToken"]) is not follow
        tokens = refreshed(tokens).json()
        assert answered(tokens["accessToken"])
        key = exchange.api_key("ann")
        exchange.clock.advance("30d")
        assert (refreshed(tokens).status_code == 200) is not follow
        assert answered(key)


async def test_asynchronous_clients_and_the_feed(exchange: Exchange) -> None:
    """Asynchronous clients trade, and the feed yields their messages."""
    exchange.event("cup", ["france", "brazil"], exhaustive=True)
    exchange.deposit("ann", 100)
    exchange.deposit("bob", 100)
    async with (
        exchange.async_client("ann") as ann,
        exchange.async_client("bob") as bob,
        exchange.feed("bob", "user:me:fills") as feed,
    ):
        await ann.place_order(NewOrder(market="france", side="BUY", qty=10, price="0.60"))
        await bob.place_order(NewOrder(market="france", side="SELL", qty=4, price="0.60"))
        async for message in feed:
            if isinstance(message, FillMade):
                assert message.data["qty"] == "4.00"
                break
    assert exchange.book("france")["bids"] == [["0.6000", "6.00"]]


def test_a_bot_in_another_process(exchange: Exchange) -> None:
    """A bot in another process gets the address and a key."""
    exchange.market("rain")
    exchange.deposit("ann", 100)
    bot = (
        "from predmarket.client import Client, NewOrder\n"
        "with Client.from_env() as client:\n"
        "    client.place_order(NewOrder(market='rain', side='BUY', qty=1, price='0.25'))\n"
    )
    environment = {"PREDMARKET_URL": exchange.url, "PREDMARKET_API_KEY": exchange.api_key("ann")}
    subprocess.run([sys.executable, "-c", bot], env=environment, check=True, timeout=60)
    assert exchange.book("rain")["bids"] == [["0.2500", "1.00"]]


def test_the_audit_finds_money_from_nowhere() -> None:
    """A failed audit raises, and the exchange is closed all the same."""
    exchange = Exchange()
    exchange.deposit("ann", 100)
    engine = sync_engine(exchange.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE accounts SET available = available + 1")
    engine.dispose()
    with pytest.raises(AuditFailed, match="money"), exchange:
        pass
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{exchange.url}/healthz")


def test_the_wall_clock_cannot_be_moved() -> None:
    """Moving the wall clock is refused, as is an unknown kind of clock."""
    with Exchange(clock="wall", settings={"signup_credit": "5"}) as exchange:
        with pytest.raises(NotMovable):
            exchange.clock.advance("1s")
        assert exchange.client("ann").balance()["total"] == "5.000000"
    with pytest.raises(ValueError, match="stepped"):
        Exchange(clock="fast")


def test_a_scaled_clock_runs_by_itself() -> None:
    """An hour of the scaled clock takes a second."""
    with Exchange(clock="scaled=3600") as exchange:
        outer = time.monotonic()
        began = exchange.clock.now
        inner = time.monotonic()
        time.sleep(0.01)
        least = time.monotonic() - inner
        passed = (exchange.clock.now - began).total_seconds()
        assert least * 3600 <= passed <= (time.monotonic() - outer) * 3600
        assert exchange.admin.status()["clock"] == "scaled=3600"


def test_two_runs_of_the_same_end_in_the_same() -> None:
    """Two equal runs with a stepped clock end in the same state."""

    def run() -> str:
        with Exchange() as exchange:
            exchange.clock.set(datetime(2040, 1, 1, tzinfo=UTC))
            exchange.market("rain", closes_at="2h")
            exchange.deposit("ann", 100)
            ann = exchange.client("ann")
            ann.place_order(NewOrder(market="rain", side="BUY", qty=1, price="0.25"))
            exchange.clock.advance("90m")
            with pytest.raises(ApiError):
                ann.place_order(NewOrder(market="rain", side="BUY", qty=1000, price="0.25"))
            exchange.clock.advance("90m")
            return exchange.state_hash()

    assert run() == run()
