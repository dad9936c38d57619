"""A database that is restarted under load: the exchange goes on by itself."""

import asyncio
import time
from pathlib import Path

import httpx

from predmarket.server.storage import migrations
from tests.crash.campaign import audit_holds
from tests.support.exchange import ExchangeProcess
from tests.support.load import Load
from tests.support.postgres import PostgresServer

BACK_S = 10.0


async def test_postgresql_restarted_under_load(tmp_path: Path) -> None:
    """In order and by a crash: what was acknowledged is there, once; orders flow again."""
    with PostgresServer() as server:
        migrations.upgrade(server.url())
        process = ExchangeProcess(tmp_path, server.url(), "--seed")
        try:
            await asyncio.to_thread(process.start)
            load = Load(process.url)
            running = asyncio.create_task(load.run())
            for mode in ("fast", "immediate"):
                await load.reached(len(load.acknowledged) + 50)
                await asyncio.to_thread(server.stop, mode)
                async with httpx.AsyncClient(base_url=process.url, timeout=20) as client:
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
