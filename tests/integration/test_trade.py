"""The whole path once: PostgreSQL, Redis, a daemon, and users over HTTP and sockets."""

import asyncio
import os
from pathlib import Path

import httpx

from predmarket.server.storage.migrations import upgrade
from tests.support.exchange import QUICK, ExchangeProcess
from tests.support.forked import Forked, run_program
from tests.support.http_exchange import Json
from tests.support.sockets import Client, opened

PASSWORD = "a long enough password"


def _signed_in(url: str, call: str, name: str, status: int) -> tuple[httpx.AsyncClient, int]:
    """Register or log a user in; return a client with their token, and their id."""
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    answer = httpx.post(f"{url}/v1/auth/{call}", json=body, timeout=60, verify=False)
    assert answer.status_code == status, answer.text
    headers = {"authorization": f"Bearer {answer.json()['accessToken']}"}
    client = httpx.AsyncClient(base_url=url, headers=headers, timeout=60, verify=False)
    return client, answer.json()["user"]["id"]


def _token(client: httpx.AsyncClient) -> dict[str, str]:
    return {"authorization": client.headers["authorization"]}


def _make_admin(folder: Path, database_url: str, name: str) -> None:
    """Make a user an admin from the command line, as an operator does."""
    words = ["user", "set-role", f"{name}@example.com", "ADMIN", "--database-url", database_url]
    command = Forked(
        run_program, "predmarket.cli", words, dict(os.environ), folder, folder / "set-role"
    )
    assert command.wait(60) == 0, (folder / "set-role").read_text()


async def _posted(client: httpx.AsyncClient, path: str, status: int, **body: object) -> Json:
    answer = await client.post(path, json=body)
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


async def _listening(socket: Client, *topics: str) -> None:
    """Subscribe to topics and wait for the first message of each."""
    snapshots = await socket.subscribe(*topics)
    assert len(snapshots) == len(topics)


async def _told(socket: Client, *kinds: str) -> dict[str, Json]:
    """Return the next message of each kind; check that none is missing before it."""
    found: dict[str, Json] = {}
    while set(found) != set(kinds):
        message = await socket.next()
        kind = message["type"]
        assert kind in kinds, message
        assert kind not in found, message
        assert message["lastSeq"] == message["seq"] - 1
        found[kind] = message["data"]
    return found


def _part(data: Json, *names: str) -> tuple[object, ...]:
    return tuple(data[name] for name in names)


async def test_register_fund_trade(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    """A user registers, gets a deposit and trades; an admin creates the market.

    Cash, shares and both sides' socket messages agree with REST.
    """
    upgrade(postgres_url)
    settings = {"REDIS_URL": redis_url}
    daemon = ExchangeProcess(tmp_path, postgres_url, settings=settings, program=QUICK)
    await asyncio.to_thread(daemon.start)
    try:
        await _trade(daemon.url, tmp_path, postgres_url)
        assert await asyncio.to_thread(daemon.stop) == 0
    finally:
        daemon.kill()


async def _trade(url: str, folder: Path, database_url: str) -> None:
    await _signed_in(url, "register", "boss", 201)[0].aclose()
    await asyncio.to_thread(_make_admin, folder, database_url, "boss")
    boss, _ = _signed_in(url, "login", "boss", 200)
    (ann, ann_id), (bob, bob_id) = (_signed_in(url, "register", n, 201) for n in ("ann", "bob"))
    private = [f"user:me:{topic}" for topic in ("orders", "fills", "balances", "positions")]
    async with (
        boss, ann, bob,
        opened(url, additional_headers=_token(ann)) as anns,
        opened(url, additional_headers=_token(bob)) as bobs,
        opened(url) as public,
    ):  # fmt: skip
        await _posted(boss, "/v1/markets", 201, slug="rain", question="Will it rain?")
        for id in (ann_id, bob_id):
            deposit = {"userId": id, "amount": "100", "reason": "deposit"}
            await _posted(boss, "/v1/user/transfer", 201, **deposit)
        await _listening(anns, *private)
        await _listening(bobs, *private)
        await _listening(public, "orderbook:rain", "trades:rain", "ticker:rain")
        order = {"marketId": "rain", "type": "LIMIT", "qty": "10"}
        bought = await _posted(ann, "/v1/orders", 201, side="BUY", price="0.60", **order)
        assert bought["status"] == "OPEN"
        told = await _told(anns, "order", "balance")
        shown = _part(told["order"], "id", "status", "qtyRemaining")
        assert shown == (bought["id"], "OPEN", "10.00")
        assert told["balance"] == _balance("94.000000", "6.000000", "100.000000")
        told = await _told(public, "orderbook.delta", "ticker")
        assert told["orderbook.delta"]["bids"] == [["0.6000", "10.00"]]
        assert told["ticker"]["bestBid"] == "0.6000"

        sold = await _posted(bob, "/v1/orders", 201, side="SELL", price="0.55", **order)
        assert sold["status"] == "FILLED"
        (trade,) = (await ann.get("/v1/trades/rain")).json()["items"]
        shown = _part(trade, "price", "qty", "buyOrderId", "sellOrderId")
        assert shown == ("0.6000", "10.00", bought["id"], sold["id"])
        told = await _told(public, "orderbook.delta", "ticker", "trade")
        assert told["trade"] == trade
        assert _part(told["orderbook.delta"], "bids", "asks") == ([["0.6000", "0.00"]], [])
        shown = _part(told["ticker"], "lastPrice", "bestBid", "volume", "openInterest")
        assert shown == ("0.6000", None, "10.00", "10.00")
        for client, socket, own, liquidity, cash, long, short in (
            (ann, anns, bought, "MAKER", "94.000000", "10.00", "0.00"),
            (bob, bobs, sold, "TAKER", "96.000000", "0.00", "10.00"),
        ):
            told = await _told(socket, "order", "fill", "balance", "position")
            shown = _part(told["order"], "id", "status", "qtyFilled", "avgFillPrice")
            assert shown == (own["id"], "FILLED", "10.00", "0.600000")
            shown = _part(told["fill"], "tradeId", "orderId", "price", "qty", "fee", "liquidity")
            assert shown == (trade["id"], own["id"], "0.6000", "10.00", "0.000000", liquidity)
            balance = (await client.get("/v1/user/balance")).json()
            assert balance == told["balance"] == _balance(cash, "0.000000", cash)
            (held,) = (await client.get("/v1/user/positions")).json()["items"]
            assert held == told["position"]
            assert (held["qtyLong"], held["qtyShort"]) == (long, short)


def _balance(available: str, locked: str, total: str) -> Json:
    return {"available": available, "locked": locked, "total": total}
