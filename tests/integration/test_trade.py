"""The whole way once: real PostgreSQL, real Redis, a daemon of its own, people over HTTP."""

from pathlib import Path

import httpx
import psycopg

from predmarket.server.storage.migrations import upgrade
from tests.support.exchange import ExchangeProcess
from tests.support.postgres import libpq

PASSWORD = "a long enough password"


def _registered(url: str, name: str) -> tuple[httpx.Client, int]:
    """Register somebody; return a client with their token, and their id."""
    body = {"email": f"{name}@example.com", "password": PASSWORD}
    answer = httpx.post(f"{url}/v1/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    headers = {"authorization": f"Bearer {answer.json()['accessToken']}"}
    return httpx.Client(base_url=url, headers=headers, timeout=60), answer.json()["user"]["id"]


def _posted(client: httpx.Client, path: str, status: int, **body: object) -> dict[str, object]:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_register_fund_trade(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    """Register, admin creates a market, deposits by transfer, BUY, SELL: a trade, cash, shares."""
    upgrade(postgres_url)
    daemon = ExchangeProcess(tmp_path, postgres_url, settings={"REDIS_URL": redis_url})
    daemon.start()
    try:
        (boss, boss_id), (ann, ann_id), (bob, bob_id) = (
            _registered(daemon.url, name) for name in ("boss", "ann", "bob")
        )
        with psycopg.connect(libpq(postgres_url)) as connection:
            connection.execute("UPDATE users SET role = 'ADMIN' WHERE id = %s", (boss_id,))
        with boss, ann, bob:
            _posted(boss, "/v1/markets", 201, slug="rain", question="Will it rain?")
            for id in (ann_id, bob_id):
                deposit = {"userId": id, "amount": "100", "reason": "deposit"}
                _posted(boss, "/v1/user/transfer", 201, **deposit)
            order = {"marketId": "rain", "type": "LIMIT", "qty": "10"}
            bought = _posted(ann, "/v1/orders", 201, side="BUY", price="0.60", **order)
            assert bought["status"] == "OPEN"
            sold = _posted(bob, "/v1/orders", 201, side="SELL", price="0.55", **order)
            assert sold["status"] == "FILLED"
            (trade,) = ann.get("/v1/trades/rain").json()["items"]
            shown = (trade["price"], trade["qty"], trade["buyOrderId"], trade["sellOrderId"])
            assert shown == ("0.6000", "10.00", bought["id"], sold["id"])
            for client, cash, long, short in (
                (ann, "94.000000", "10.00", "0.00"),
                (bob, "96.000000", "0.00", "10.00"),
            ):
                balance = client.get("/v1/user/balance").json()
                assert balance == {"available": cash, "locked": "0.000000", "total": cash}
                (held,) = client.get("/v1/user/positions").json()["items"]
                assert (held["qtyLong"], held["qtyShort"]) == (long, short)
        assert daemon.stop() == 0
    finally:
        daemon.kill()
