"""Signed requests: keys, clocks, revocation and scopes; and the creation of keys."""

import asyncio
import base64
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from predmarket.enums import Scope
from predmarket.server.gateway.auth import failed_checks
from predmarket.server.gateway.auth.authenticator import Asked
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.kalshi import order_routes
from predmarket.server.gateway.kalshi.guards import require
from predmarket.server.setting_types import RateLimit
from predmarket.testing import Exchange as Laboratory
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange
from tests.support.kalshi import PATH, Signer, private_key, public_pem, signer
from tests.support.raw_http import connected, note_fast_path, unfinished

STATUS = f"{PATH}/exchange/status"
ORDERS = f"{PATH}/portfolio/events/orders"


async def _status(exchange: Exchange, headers: dict[str, str]) -> int:
    return (await exchange.anonymous.get(STATUS, headers=headers)).status_code


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_a_signature_is_over_time_method_and_path(exchange: Exchange, kind: str) -> None:
    """A signature covers time, method and path, for both kinds of key.

    A signature by another key, or over other content, is refused with 401.
    """
    key = private_key() if kind == "rsa" else Ed25519PrivateKey.generate()
    bot = await signer(exchange, exchange.admin, ("read", "admin"), key)
    await exchange.market("draft", status="DRAFT")
    assert (await bot.get("/markets/DRAFT"))["market"]["ticker"] == "DRAFT"
    good = bot.headers("GET", STATUS)
    assert await _status(exchange, good) == 200
    assert (await exchange.anonymous.get(STATUS, params={"a": "b"}, headers=good)).is_success
    stamp = good["KALSHI-ACCESS-TIMESTAMP"]
    for wrong in (
        {"KALSHI-ACCESS-KEY": "00000000-0000-0000-0000-000000000000"},
        {"KALSHI-ACCESS-KEY": "x" * 5_000},
        {"KALSHI-ACCESS-SIGNATURE": "AAAA"},
        {"KALSHI-ACCESS-SIGNATURE": "not base64"},
        {"KALSHI-ACCESS-TIMESTAMP": str(int(stamp) + 1)},
        {"KALSHI-ACCESS-TIMESTAMP": "soon"},
        {"KALSHI-ACCESS-TIMESTAMP": "9" * 30},
    ):
        assert await _status(exchange, {**good, **wrong}) == 401, wrong
    assert await _status(exchange, bot.headers("POST", STATUS)) == 401
    assert await _status(exchange, bot.headers("GET", f"{PATH}/exchange/schedule")) == 401
    del good["KALSHI-ACCESS-TIMESTAMP"]
    assert await _status(exchange, good) == 401


@ON_ONE_DATABASE
async def test_a_signature_of_another_salt_or_padding_is_refused(exchange: Exchange) -> None:
    """Only a PSS signature with a salt as long as the digest is accepted."""
    key = private_key()
    bot = await signer(exchange, exchange.admin)
    stamp = str(int(time.time() * 1000))
    message = f"{stamp}GET{STATUS}".encode()
    for pad in (
        padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH),
        padding.PKCS1v15(),
    ):
        signature = key.sign(message, pad, hashes.SHA256())
        headers = bot.headers("GET", STATUS)
        headers["KALSHI-ACCESS-SIGNATURE"] = base64.b64encode(signature).decode()
        headers["KALSHI-ACCESS-TIMESTAMP"] = stamp
        assert await _status(exchange, headers) == 401


@ON_ONE_DATABASE
async def test_a_request_is_at_most_five_seconds_from_the_exchanges_clock(
    exchange: Exchange,
) -> None:
    """A request's time may differ by five seconds either way; the refusal names the difference."""
    bot = await signer(exchange, exchange.admin)
    now = int(time.time() * 1000)
    for apart, status in ((-4_000, 200), (4_000, 200), (-6_500, 401), (6_500, 401)):
        assert await _status(exchange, bot.headers("GET", STATUS, now + apart)) == status, apart
    late = bot.headers("GET", STATUS, now - 60_000)
    told = (await exchange.anonymous.get(STATUS, headers=late)).json()
    assert told["error"]["code"] == "authentication_error"
    assert re.search("6[0-9] s from the exchange's clock", told["error"]["message"])


async def test_a_revoked_key_signs_nothing_more(exchange: Exchange) -> None:
    """A revoked key fails at once although it was cached; so do the keys of a disabled user."""
    ann = await exchange.register("ann@example.com")
    first, second = [await signer(exchange, ann) for _ in range(2)]
    keys = (await ann.client.get("/v1/auth/api-keys")).json()["items"]
    assert [key["keyId"] for key in keys] == [second.key_id, first.key_id]
    for bot in (first, second):
        assert await _status(exchange, bot.headers("GET", STATUS)) == 200
    gone = await ann.client.delete(f"/v1/auth/api-keys/{keys[0]['id']}")
    assert gone.status_code == 204
    assert await _status(exchange, second.headers("GET", STATUS)) == 401
    assert await _status(exchange, first.headers("GET", STATUS)) == 200
    await exchange.admin.client.patch(f"/v1/users/{ann.id}", json={"disabled": True})
    assert await _status(exchange, first.headers("GET", STATUS)) == 401


@ON_ONE_DATABASE
async def test_the_id_of_a_key_is_no_token(exchange: Exchange) -> None:
    """A key's public id is refused as a Bearer token, as a bare token and in a cookie."""
    bot = await signer(exchange, exchange.admin)
    await bot.get("/exchange/status")  # puts the key into the cache
    for headers in (
        {"authorization": f"Bearer {bot.key_id}"},
        {"authorization": bot.key_id},
        {"cookie": f"predmarket_access={bot.key_id}"},
    ):
        answer = await exchange.anonymous.get("/v1/user/balance", headers=headers)
        assert answer.status_code == 401


@ON_ONE_DATABASE
async def test_unsuitable_public_keys_are_refused(exchange: Exchange) -> None:
    """An unsuitable public key gets 400 with the field's name.

    Such a key has the wrong size or kind, is slow to check, or is no key.
    """
    make = partial(rsa.generate_private_key, public_exponent=65_537)
    tell = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    curve = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*tell).decode()
    modulus = private_key().public_key().public_numbers().n
    slow = rsa.RSAPublicNumbers(2**33 + 1, modulus).public_key().public_bytes(*tell).decode()
    for pem in ("", "nonsense", "x" * 5_000, curve, slow, public_pem(make(key_size=1_024))):
        body = {"name": "bot", "scopes": ["read"], "publicKey": pem}
        answer = await exchange.admin.client.post("/v1/auth/api-keys", json=body)
        assert answer.status_code == 400, pem
        assert answer.json()["error"]["details"][0]["path"] == "publicKey"


class TestManyWrongSignatures:
    """Clients with wrong signatures; five failures make an address wait."""

    @pytest.fixture
    def more_settings(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        monkeypatch.setattr(failed_checks, "FAILURES", RateLimit(5, 60))
        monkeypatch.setattr(failed_checks, "FAILED_TURN_S", 0.1)
        return {"kalshi": "on", "trusted_proxies": "127.0.0.1"}

    @ON_ONE_DATABASE
    async def test_they_wait_while_valid_requests_are_served(self, exchange: Exchange) -> None:
        """A flood of wrong signatures is refused or waits, while a valid request is served.

        Behind a proxy the turns are shared by key, without one by connection.
        """
        bot, other = [
            await signer(exchange, exchange.admin, private=Ed25519PrivateKey.generate())
            for _ in range(2)
        ]
        proxy = {"X-Forwarded-For": "203.0.113.9"}
        wrong = bot.headers("GET", f"{PATH}/exchange/schedule")
        for _ in range(5):
            assert await _status(exchange, wrong | proxy) == 401
        async with asyncio.TaskGroup() as tasks:
            flood = [tasks.create_task(_status(exchange, wrong | proxy)) for _ in range(30)]
            await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
            assert await _status(exchange, other.headers("GET", STATUS) | proxy) == 200
        told = Counter(one.result() for one in flood)
        assert told[401] >= 1
        assert told[429] >= 10

        for _ in range(5):
            assert await _status(exchange, wrong) == 401
        async with asyncio.TaskGroup() as tasks:
            flood = [tasks.create_task(_status(exchange, wrong)) for _ in range(6)]
            assert await _status(exchange, bot.headers("GET", STATUS)) == 200
        assert {one.result() for one in flood} == {401}


class TestManyUnknownKeys:
    """Clients with unknown keys, sent in each of the possible ways."""

    @pytest.fixture
    def more_settings(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        monkeypatch.setattr(failed_checks, "FAILURES", RateLimit(2, 60))
        return {"kalshi": "on", "trusted_proxies": "127.0.0.1"}

    @ON_ONE_DATABASE
    async def test_each_counts_once_against_its_address(self, exchange: Exchange) -> None:
        """Each unknown key counts once against its address, and after two its look-ups wait.

        It counts when signed, as a Bearer token, and in a cookie; a valid key is still served.
        """
        bot = await signer(exchange, exchange.admin, private=Ed25519PrivateKey.generate())
        failures = exchange.app.context.principals.unknown_keys.failures
        ways: dict[str, Callable[[int], dict[str, str]]] = {
            "192.0.2.1": lambda n: {**bot.headers("GET", STATUS), "KALSHI-ACCESS-KEY": f"key {n}"},
            "192.0.2.2": lambda n: {"Authorization": f"Bearer pmk_{n}"},
            "192.0.2.3": lambda n: {"Cookie": f"predmarket_access=pmk_{n}"},
        }
        for address, headers in ways.items():
            proxy = {"X-Forwarded-For": address}
            path = STATUS if "KALSHI-ACCESS-KEY" in headers(1) else "/v1/markets"
            for key in (1, 1, 1):
                await exchange.anonymous.get(path, headers=headers(key) | proxy)
            assert not failures.must_wait((address, 0))
            await exchange.anonymous.get(path, headers=headers(2) | proxy)
            assert failures.must_wait((address, 0))
            assert await _status(exchange, bot.headers("GET", STATUS) | proxy) == 200


class TestOff:
    """An exchange without the Kalshi-shaped API."""

    @pytest.fixture
    def more_settings(self) -> dict[str, str]:
        return {}

    @ON_ONE_DATABASE
    async def test_its_routes_and_keys_are_refused(self, exchange: Exchange) -> None:
        """The addresses answer 404, and no key pair can be registered."""
        answer = await exchange.anonymous.get(STATUS)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
        body = {"name": "bot", "scopes": ["read"], "publicKey": public_pem(private_key())}
        answer = await exchange.admin.client.post("/v1/auth/api-keys", json=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "FORBIDDEN")
        assert "off" in error["message"]


def test_signatures_use_the_real_time() -> None:
    """A signature's time is compared with the real time, since other clients know no lab clock."""
    with Laboratory(settings={"kalshi": True}) as lab:
        lab.clock.set(datetime(2040, 1, 1, tzinfo=UTC))
        bot = Signer(lab.url, "nobody", private_key(), httpx.AsyncClient())
        shown = int(lab.clock.now.timestamp() * 1000)
        for at_ms, early in ((None, False), (shown, True)):
            headers = bot.headers("GET", STATUS, at_ms)
            told = httpx.get(lab.url + STATUS, headers=headers).json()["error"]["message"]
            assert ("the timestamp is" in told) is early, told


@ON_ONE_DATABASE
@pytest.mark.parametrize("query", ["", "?x=1"])
async def test_disabling_while_an_order_arrives(
    exchange: Exchange, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order whose body ends after its signer's disabling is refused, whatever its query."""
    await exchange.market("rain")
    ann = await exchange.trader("ann")
    bot = await signer(exchange, ann)
    known = asyncio.Event()

    async def require_and_note(context: Context, asked: Asked, scope: Scope) -> Principal:
        found = await require(context, asked, scope)
        known.set()
        return found

    monkeypatch.setattr(order_routes, "require", require_and_note)
    note_fast_path(known, monkeypatch)
    order = {
        "ticker": "RAIN",
        "side": "bid",
        "price": "0.40",
        "count": "10",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
    }
    body = json.dumps(order).encode()
    headers = bot.headers("POST", ORDERS) | {"content-type": "application/json"}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    async with connected(exchange.url) as socket:
        await socket.send(unfinished(f"{ORDERS}{query}", body, *lines))
        async with asyncio.timeout(60):
            await known.wait()
        changed = await exchange.admin.client.patch(f"/v1/users/{ann.id}", json={"disabled": True})
        assert changed.status_code == 200
        await socket.send(body[-1:])
        status, _, _ = await socket.answer()
    assert status == 401
    book = await exchange.anonymous.get("/v1/orderbook/rain")
    assert book.json()["bids"] == []
