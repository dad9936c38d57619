"""`python -m tests.soak [--minutes N] [--seed S] [--scenario NAME]`: `make soak`.

An exchange on SQLite, then one on PostgreSQL, trades for so many minutes and is sampled. Beside it
random scenarios run, one after the other. Whatever begins is told with its seed, in the words that
repeat it when this program is given them. With --minutes 0 the scenarios alone run, until stopped.
"""

import argparse
import asyncio
import contextlib
import random
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from predmarket.server.storage import migrations
from tests.crash.campaign import campaign as kills
from tests.engine import differential
from tests.soak.campaign import soak
from tests.support.postgres import PostgresServer, fresh_database

_COMMANDS = 20_000
_KILLS = 3


def _engine(seed: int) -> str:
    differential.campaign(seed, _COMMANDS, differential.RUN_LENGTH, 50)
    return f"{_COMMANDS} commands equal to the reference exchange"


def _kills(seed: int) -> str:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = _database(stack, folder, random.Random(seed).choice(["sqlite", "postgres"]))
        return str(asyncio.run(kills(folder, url, _KILLS, seed)))


SCENARIOS: dict[str, Callable[[int], str]] = {"engine": _engine, "kills": _kills}


def _database(stack: contextlib.ExitStack, folder: Path, kind: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'predmarket.db'}"
    url = stack.enter_context(fresh_database(stack.enter_context(PostgresServer()).url()))
    migrations.upgrade(url)
    return url


def _play(name: str, seed: int) -> None:
    print(f"--scenario {name} --seed {seed}", flush=True)
    print(f"  {SCENARIOS[name](seed)}", flush=True)


def _drawn(seed: int) -> Iterator[tuple[str, int]]:
    draw = random.Random(seed)
    while True:
        yield draw.choice([*SCENARIOS]), draw.getrandbits(31)


def _beside(seed: int, over: threading.Event) -> None:
    """Play scenarios until the stop, each in its own process."""
    for name, drawn in _drawn(seed):
        if over.is_set():
            return
        words = ["--scenario", name, "--seed", str(drawn)]
        subprocess.run([sys.executable, "-m", "tests.soak", *words], check=True)


def _soaked(kind: str, minutes: float, seed: int) -> None:
    print(f"--database {kind} --minutes {minutes} --seed {seed}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = _database(stack, folder, kind)
        print(f"{kind}: {soak(folder, url, minutes * 60, seed)}", flush=True)


def main() -> None:
    """Soak both databases, or play scenarios alone."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbits(31))
    parser.add_argument("--scenario", choices=[*SCENARIOS])
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    given = parser.parse_args()
    if given.scenario:
        _play(given.scenario, given.seed)
        return
    if not given.minutes:
        for name, seed in _drawn(given.seed):
            _play(name, seed)
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_beside, given.seed, over)
        try:
            for kind in given.database or ["sqlite", "postgres"]:
                _soaked(kind, given.minutes, given.seed)
        finally:
            over.set()
        beside.result()


if __name__ == "__main__":
    main()
