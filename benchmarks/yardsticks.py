"""What others achieve on this machine: a published matching engine, PostgreSQL's own pgbench."""

import gc
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

from benchmarks.stream import Command
from tests.support.postgres import libpq

SCALE = 10
SECONDS = 8
_INSTRUMENT = "YESNO"


def lightmatchingengine_rate(stream: list[Command]) -> float:
    """Return how many of the stream's commands PyPI's lightmatchingengine does in a second."""
    # Its own arguments are built before the clock starts, as every candidate's are.
    calls = [
        (command[4], command[5], Side.BUY if command[3] else Side.SELL)
        if command[0] == "place"
        else command[1]
        for command in stream
    ]
    engine = LightMatchingEngine()
    add, cancel = engine.add_order, engine.cancel_order
    gc.collect()
    start = time.perf_counter()
    for call in calls:
        if isinstance(call, tuple):
            add(_INSTRUMENT, *call)
        else:
            # It keeps filled orders in its map and asserts when one of an empty level is cancelled.
            try:  # noqa: SIM105  # a context manager each call would slow it down
                cancel(call, _INSTRUMENT)
            except AssertionError:
                pass
    return len(calls) / (time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class Pgbench:
    """What pgbench measured. Latencies are in milliseconds, of single transactions."""

    tps: float
    p50_ms: float
    p99_ms: float
    failed: int


def prepare_pgbench(program: Path, url: str) -> None:
    """Make pgbench's tables in the database of ``url`` (about 150 MB at this scale)."""
    _run(program, "--initialize", "--quiet", f"--scale={SCALE}", libpq(url))
    with psycopg.connect(libpq(url)) as connection:
        connection.execute("CREATE TABLE bench_insert (id BIGSERIAL PRIMARY KEY, x BIGINT)")


def tpcb(program: Path, url: str, clients: int, seconds: int = SECONDS) -> Pgbench:
    """Run pgbench's TPC-B-like script with ``clients`` connections, closed loop."""
    return _measure(program, url, seconds, f"--client={clients}", f"--jobs={min(clients, 2)}")


def insert_commit(program: Path, url: str, seconds: int = SECONDS) -> Pgbench:
    """One client, one INSERT a transaction: the least that a durable answer can take."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("INSERT INTO bench_insert (x) VALUES (:client_id);\n")
        script.flush()
        return _measure(program, url, seconds, "--client=1", f"--file={script.name}")


def durability(url: str) -> str:
    """Return the settings that decide whether a commit is on the disk, for the table."""
    names = ("fsync", "synchronous_commit")
    with psycopg.connect(libpq(url)) as connection:
        values = [connection.execute(f"SHOW {name}").fetchone() for name in names]
    return ", ".join(
        f"{name}={value[0]}" for name, value in zip(names, values, strict=True) if value
    )


def _measure(program: Path, url: str, seconds: int, *options: str) -> Pgbench:
    with tempfile.TemporaryDirectory() as folder:
        log = ("--log", f"--log-prefix={folder}/log", f"--time={seconds}", "--no-vacuum")
        output = _run(program, *options, *log, libpq(url))
        # one line a transaction; its third column is the time it took, in microseconds
        took = [
            int(line.split()[2]) / 1_000
            for file in Path(folder).iterdir()
            for line in file.read_text().splitlines()
        ]
    cuts = statistics.quantiles(took, n=100)
    return Pgbench(
        tps=_number(r"tps = ([\d.]+)", output),
        p50_ms=cuts[49],
        p99_ms=cuts[98],
        failed=int(_number(r"number of failed transactions: (\d+)", output)),
    )


def _run(program: Path, *options: str) -> str:
    command: list[str | Path] = [program, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"pgbench said nothing like {pattern!r}:\n{text}")
    return float(found[1])
