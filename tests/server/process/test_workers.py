"""serve with --role and --workers as a real process: refusals, and several processes under one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

import psutil
import pytest

from predmarket.server.process import start
from predmarket.server.process.operator_errors import OperateError
from predmarket.server.storage import migrations
from tests.crash.campaign import audit_holds
from tests.support.exchange import QUICK, SECRET, ExchangeProcess
from tests.support.load import Load

WAIT_S = 60.0
POSTGRES = {"database_url": "postgresql://nobody@127.0.0.1:1/x"}
REDIS = {"redis_url": "redis://127.0.0.1:1/0"}
KEY = {"jwt_secret": SECRET}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"role": "core"}, "--role core needs PostgreSQL"),
        ({"role": "gateway"}, "--role gateway needs PostgreSQL"),
        ({"workers": "2"}, "--workers needs PostgreSQL"),
        ({"role": "core", **POSTGRES}, "--role core needs Redis"),
        ({"workers": "2", **POSTGRES}, "--workers needs Redis"),
        ({"role": "core", **POSTGRES, **REDIS}, "JWT_SECRET: must be set"),
        ({"role": "core", "workers": "2", **POSTGRES, **REDIS, **KEY}, "not with --role core"),
        ({"role": "half"}, "--role"),
        ({"workers": "0"}, "--workers"),
        ({"workers": "1000"}, "--workers"),
    ],
)
def test_what_is_refused(given: dict[str, str], why: str, tmp_path: Path) -> None:
    """An invalid role or number of workers is refused in one line, with exit code 2."""
    with pytest.raises(OperateError, match=why) as refused:
        start.serve({"data_dir": str(tmp_path), "port": "0", **given}, seed=False)
    assert refused.value.exit_code == 2
    assert "\n" not in refused.value.message


def test_seed_and_demo_need_a_whole_exchange(tmp_path: Path) -> None:
    """A seed needs a core, and a demo needs a single process."""
    given = {"data_dir": str(tmp_path), "port": "0", **POSTGRES, **REDIS, **KEY}
    with pytest.raises(OperateError, match="--seed needs a whole exchange"):
        start.serve({**given, "role": "gateway"}, seed=True)

    async def house(*_: object) -> None:
        """Trade nothing."""

    with pytest.raises(OperateError, match="--demo is for one process"):
        start.serve_demo({**given, "workers": "2"}, False, house)


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(process: ExchangeProcess) -> list[int]:
    """Return the ids of a process's children."""
    return [child.pid for child in psutil.Process(process.pid).children()]


async def test_a_core_and_two_gateways_under_one_process(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """A core and two gateways share a port, and a killed gateway is started again.

    SIGTERM ends all with exit code 0, and the end of the parent ends them too.
    """
    migrations.upgrade(postgres_url)
    process = ExchangeProcess(
        tmp_path, postgres_url, "--workers", "2", "--seed",
        settings={"REDIS_URL": redis_url, "LOG_FORMAT": "json"}, program=QUICK,
    )  # fmt: skip
    try:
        await asyncio.to_thread(process.start)
        load = Load(process.url)
        running = asyncio.create_task(load.run())
        await load.reached(30)
        await asyncio.to_thread(until, lambda: len(said_ready(tmp_path)) == 3)
        before = children(process)
        assert len(before) == 3
        os.kill(before[-1], signal.SIGKILL)
        await asyncio.to_thread(until, lambda: len({*children(process)} - {*before}) == 1)
        await load.reached(len(load.acknowledged) + 30)
        await asyncio.to_thread(until, lambda: len(said_ready(tmp_path)) == 3 + 1)
        load.stop()
        await running
        assert load.refused == []
        assert load.kept(postgres_url)
        before = children(process)
        assert await asyncio.to_thread(process.stop) == 0
        assert not any(psutil.pid_exists(pid) for pid in before)
        await asyncio.to_thread(audit_holds, postgres_url)
        await asyncio.to_thread(process.start)
        await asyncio.to_thread(until, lambda: len(said_ready(tmp_path)) == 3 + 1 + 3)
        before = children(process)
        process.kill()
        await asyncio.to_thread(until, lambda: not any(psutil.pid_exists(pid) for pid in before))
    finally:
        process.kill()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    told = [json.loads(line) for line in log.splitlines()]
    # each process writes its lines by itself, a moment after their time
    stops = sorted((line for line in told if line["event"] == "stopping"), key=itemgetter("ts"))
    assert [line["why"] for line in stops[:4]] == ["SIGTERM"] * 4  # the first line is the parent's
    assert stops[0]["logger"] == "predmarket.server.process.roles.workers"
    assert "the supervising process has ended" in {line["event"] for line in told}
    assert len(said_ready(tmp_path)) == 3 + 1 + 3


def said_ready(folder: Path) -> list[str]:
    """Return the event of each process that logged its readiness."""
    lines = (folder / "log").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines if "is ready on" in line]


def test_what_cannot_be_started_ends_them_all(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """An outdated schema ends all processes with exit code 2. A restart would not repair it."""
    flags = ["--port", "0", "--workers", "2", "--data-dir", str(tmp_path)]
    where = ["--database-url", postgres_url, "--redis-url", redis_url]
    done = subprocess.run(
        [sys.executable, "-m", "predmarket.cli", "serve", *flags, *where],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
        env={**os.environ, "PREDMARKET_JWT_SECRET": SECRET},
    )
    assert done.returncode == 2, done.stderr
    assert "predmarket db upgrade" in done.stderr
    assert "Traceback" not in done.stderr
