"""A real process stops on a signal: under load, twice, at its start, without its database."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from predmarket.server.process import runtime
from predmarket.server.storage import migrations
from tests.crash.campaign import audit_holds
from tests.support.exchange import QUICK, ExchangeProcess
from tests.support.load import Load
from tests.support.postgres import PostgresServer

LIMIT_S = 10.0 if "COVERAGE_RUN" not in os.environ else 15.0
"""Longest wait of an operator. A measured process also writes its coverage before it exits."""
LOADED = 100


@contextmanager
def daemon(
    folder: Path, url: str, *flags: str, settings: dict[str, str] | None = None
) -> Iterator[ExchangeProcess]:
    """Prepare a process that ends with the test."""
    if url.startswith("postgresql"):
        migrations.upgrade(url)
    process = ExchangeProcess(folder, url, *flags, settings=settings, program=QUICK)
    try:
        yield process
    finally:
        process.kill()


def stopped(process: ExchangeProcess, number: signal.Signals) -> int:
    """Send a signal and return the exit code, which must come within the limit."""
    began = time.monotonic()
    code = process.stop(number)
    assert time.monotonic() - began < LIMIT_S
    return code


async def test_under_load(database_url: str, tmp_path: Path) -> None:
    """The process answers what it accepted, cuts none of eight busy connections, and exits with 0.

    Nothing is lost.
    """
    number = signal.SIGINT if database_url.startswith("sqlite") else signal.SIGTERM
    with daemon(tmp_path, database_url, "--seed") as process:
        await asyncio.to_thread(process.start)
        load = Load(process.url)
        running = asyncio.create_task(load.run())
        await load.reached(LOADED)
        assert await asyncio.to_thread(stopped, process, number) == 0
        load.stop()
        await running
    assert load.torn == load.cut == []
    assert load.refused == []
    assert load.kept(database_url)
    await asyncio.to_thread(audit_holds, database_url)
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    told = [json.loads(line) for line in log.splitlines()]
    assert all(line["level"] == "info" for line in told)
    (began,) = [line for line in told if line["event"] == "stopping"]
    assert began["why"] == number.name
    assert told[-1]["event"] == "stopped"
    assert 0 < told[-1]["seconds"] < LIMIT_S


async def test_twice(tmp_path: Path, sqlite_url: str) -> None:
    """A second signal ends the wait for clients, with exit code 0."""
    with daemon(tmp_path, sqlite_url, "--seed") as process:
        await asyncio.to_thread(process.start)
        # An unfinished request keeps the first signal from finishing at once.
        _, writer = await asyncio.open_connection("127.0.0.1", process.port)
        head = (
            b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 9\r\n\r\n{"
        )
        writer.write(head)
        await writer.drain()
        os.kill(process.pid, signal.SIGINT)
        began = time.monotonic()
        sockets = psutil.Process(process.pid).net_connections
        while any(one.status == "LISTEN" for one in sockets("tcp")):
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(stopped, process, signal.SIGINT) == 0
        assert time.monotonic() - began < runtime.REQUESTS_S
        writer.close()
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    stops = [line["event"] for line in told if line["event"].startswith("stop")]
    assert stops == ["stopping", "stopping at once", "stopped"]


async def test_while_it_starts(tmp_path: Path, postgres_url: str) -> None:
    """A signal ends a start that waits for another process's lease."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with daemon(first, postgres_url) as leading, daemon(second, postgres_url) as waiting:
        await asyncio.to_thread(leading.start)
        waiting.launch()
        while not psutil.Process(waiting.pid).net_connections("tcp"):
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(stopped, waiting, signal.SIGTERM) == 0
    log = (second / "log").read_text()
    assert "Traceback" not in log
    assert [json.loads(line)["event"] for line in log.splitlines()] == ["stopping", "stopped"]


@contextmanager
def away(server: PostgresServer, how: str) -> Iterator[None]:
    """Crash a server or pause all its processes during the block."""
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    if how == "stopped":
        server.stop("immediate")
    else:
        for one in family:
            one.suspend()
    try:
        yield
    finally:
        if how == "stopped":
            server.start()
        else:
            for one in family:
                one.resume()


@pytest.mark.parametrize("how", ["stopped", "hanging"])
async def test_while_the_database_is_away(tmp_path: Path, how: str) -> None:
    """Without its database the process exits with 1 in time, because accepted orders are unsettled.

    Nothing is lost.
    """
    with PostgresServer() as server, daemon(tmp_path, server.url(), "--seed") as process:
        await asyncio.to_thread(process.start)
        load = Load(process.url)
        running = asyncio.create_task(load.run())
        await load.reached(LOADED)
        with away(server, how):
            if how == "stopped":
                while "core_recovering" not in (tmp_path / "log").read_text():
                    await asyncio.sleep(0.01)
            assert await asyncio.to_thread(stopped, process, signal.SIGTERM) == 1
            load.stop()
            await running
        assert load.torn == []
        assert {status for status, _ in load.refused} == set()
        assert load.kept(server.url())
        await asyncio.to_thread(audit_holds, server.url())
