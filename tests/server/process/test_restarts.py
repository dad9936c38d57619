"""The exchange continues by itself when its database or Redis restarts under load."""

import asyncio
import contextlib
import time
from pathlib import Path

import httpx
import redis

from predmarket.server.storage import migrations
from tests.crash.campaign import audit_holds
from tests.support.exchange import QUICK, ExchangeProcess
from tests.support.load import Load
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

BACK_S = 60.0


async def test_postgresql_restarted_under_load(tmp_path: Path) -> None:
    """Orders flow again after PostgreSQL's restart or crash.

    Each acknowledged order exists once.
    """
    with PostgresServer() as server:
        migrations.upgrade(server.url())
        process = ExchangeProcess(tmp_path, server.url(), "--seed", program=QUICK)
        try:
            await asyncio.to_thread(process.start)
            load = Load(process.url)
            running = asyncio.create_task(load.run())
            for mode in ("fast", "immediate"):
                await load.reached(len(load.acknowledged) + 50)
                await asyncio.to_thread(server.stop, mode)
                async with httpx.AsyncClient(
                    base_url=process.url, timeout=60, verify=False
                ) as client:
                    while (answer := await client.get("/healthz")).status_code == 200:
                        await asyncio.sleep(0.01)
                    assert answer.json()["database"] == "down"
                    await asyncio.to_thread(server.start)
                    began = time.monotonic()
                    await load.reached(len(load.acknowledged) + 50)
                    while (await client.get("/healthz")).status_code != 200:
                        await asyncio.sleep(0.01)
                assert time.monotonic() - began < BACK_S
            load.stop()
            await running
            assert await asyncio.to_thread(process.stop) == 0
        finally:
            process.kill()
        assert load.refused == []
        assert load.kept(server.url())
        await asyncio.to_thread(audit_holds, server.url())
    assert "core_failed" not in (tmp_path / "log").read_text()


LIMITS = {"ORDER_RATE_LIMIT": "100000/second", "AUTH_RATE_LIMIT": "3/minute"}


async def test_redis_killed_under_load(postgres_url: str, tmp_path: Path) -> None:
    """A lost Redis costs no order its answer.

    The limits count in the process meanwhile, and in Redis again afterwards.
    """
    migrations.upgrade(postgres_url)
    with RedisServer() as server:
        settings = {"REDIS_URL": server.url(), **LIMITS}
        process = ExchangeProcess(
            tmp_path, postgres_url, "--seed", settings=settings, program=QUICK
        )
        try:
            await asyncio.to_thread(process.start)
            load = Load(process.url)
            running = asyncio.create_task(load.run())
            await _more(load)
            async with httpx.AsyncClient(base_url=process.url, timeout=60, verify=False) as client:
                assert await _sign_ins(client, 3) == [400, 400, 429]  # the load used one
                await asyncio.to_thread(server.stop, "kill")
                await _health(client, 503, "down")
                assert await _sign_ins(client, 4) == [400, 400, 400, 429]
                await _more(load)
                assert (await client.get("/healthz")).status_code == 503
                await asyncio.to_thread(server.start)
                await _health(client, 200, "ok")
                await _orders_counted_in(server)
                assert await _sign_ins(client, 4) == [400, 400, 400, 429]
                await _more(load)
            load.stop()
            await running
            assert await asyncio.to_thread(process.stop) == 0
        finally:
            process.kill()
    assert (load.refused, load.unknown, load.torn) == ([], set(), [])
    assert load.kept(postgres_url)
    await asyncio.to_thread(audit_holds, postgres_url)
    assert "Traceback" not in (tmp_path / "log").read_text()


async def _more(load: Load) -> None:
    """Wait until enough further orders are acknowledged to show that they flow."""
    async with asyncio.timeout(BACK_S):
        await load.reached(len(load.acknowledged) + 50)


async def _sign_ins(client: httpx.AsyncClient, count: int) -> list[int]:
    """Return the statuses of this many logins that need no hash."""
    return [(await client.post("/v1/auth/login", json={})).status_code for _ in range(count)]


async def _health(client: httpx.AsyncClient, status: int, redis: str) -> None:
    """Wait until the health reports this state of Redis, with all other parts well."""
    began = time.monotonic()
    while (answer := await client.get("/healthz")).status_code != status:
        assert time.monotonic() - began < BACK_S
        await asyncio.sleep(0.01)
    parts = answer.json()
    assert (parts["database"], parts["redis"], parts["core"]) == ("ok", redis, "ok")


async def _orders_counted_in(server: RedisServer) -> None:
    """Wait until orders are counted in the empty Redis."""
    began = time.monotonic()
    with contextlib.closing(redis.Redis.from_url(server.url())) as client:
        while not client.keys("predmarket:*:limits:orders:*"):
            assert time.monotonic() - began < BACK_S
            await asyncio.sleep(0.01)
