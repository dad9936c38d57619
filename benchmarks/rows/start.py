"""A command line from its start to its end, against importing the libraries it stands on; and the
start of an exchange in a test."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.table import Line
from predmarket.testing import Exchange
from tests.support.stub_data import BALANCE, BOOK, MARKET, page
from tests.support.stub_exchange import Answer, Stub

RUNS = 15
"""Starts of each; they are short, and the machine's speed drifts."""

_COMMAND = (sys.executable, "-m", "predmarket.cli")
_MODULES = (
    "import sys; sys.argv[1:] = {words!r}\n"
    "from predmarket.cli import main\n"
    "try: main()\n"
    "except SystemExit: pass\n"
    "print(len(sys.modules), file=sys.stderr)"
)
_COMPLETE = {"_PREDMARKET_COMPLETE": "complete_bash", "COMP_CWORD": "2"}

WORK: Sequence[tuple[str, Sequence[str], Mapping[str, str], str]] = (
    ("--version", ["--version"], {}, "typer"),
    ("--help", ["--help"], {}, "typer"),
    ("order place --help", ["order", "place", "--help"], {}, "typer"),
    ("complete a command", [], _COMPLETE | {"COMP_WORDS": "predmarket order pl"}, "typer"),
    ("complete a market", [], _COMPLETE | {"COMP_WORDS": "predmarket book ra"}, "typer"),
    ("market list", ["market", "list"], {}, "httpx"),
    ("book --json", ["book", "rain", "--json"], {}, "httpx"),
    ("account balance", ["account", "balance"], {}, "httpx"),
)
"""What is run, its words, its environment, and the library whose import it is held against."""


def answer(stub: Stub) -> None:
    """Let a stub exchange answer what the commands ask for."""
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET)))
    stub.on("GET", "/v1/orderbook/rain", Answer(body=BOOK))
    stub.on("GET", "/v1/user/balance", Answer(body=BALANCE))
    stub.on("GET", "/v1/user/events", Answer(body=page()))


def measure() -> Iterator[Line]:
    """Yield the milliseconds of each, and the modules it imports."""
    with Stub() as stub, tempfile.TemporaryDirectory() as folder:
        answer(stub)
        settings = {
            "PREDMARKET_URL": stub.url,
            "PREDMARKET_CONFIG_DIR": folder,
            "PREDMARKET_API_KEY": "of-no-account",
        }
        for work, words, environment, library in WORK:
            yield _line(work, words, {**os.environ, **settings, **environment}, library)
    yield _exchange_in_a_test()


def _exchange_in_a_test() -> Line:
    """Return how long the fixture ``exchange`` takes until it answers; a test before it has made
    the empty database."""
    took: list[float] = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        with Exchange() as exchange:
            exchange.admin.status()
            took.append((time.perf_counter() - start) * 1_000)
    return Line(
        "start",
        "exchange in a test",
        statistics.median(took[1:]),
        "ms",
        goal="≤ 250 ms",
        conditions=f"embedded database, until its first answer, median of {RUNS}",
    )


def _line(work: str, words: Sequence[str], environment: Mapping[str, str], library: str) -> Line:
    took: list[float] = []
    importing: list[float] = []
    for _ in range(RUNS):  # in turns
        took.append(_ms([*_COMMAND, *words], environment))
        importing.append(_ms([sys.executable, "-c", f"import {library}"], environment))
    return Line(
        "start",
        work,
        statistics.median(took),
        "ms",
        f'python -c "import {library}"',
        statistics.median(importing),
        "≤ 2.5 ×",
        f"{_modules(words, environment)} modules, warm files, median of {RUNS}",
    )


def _ms(command: Sequence[str], environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, env=environment, capture_output=True, check=True)
    return (time.perf_counter() - start) * 1_000


def _modules(words: Sequence[str], environment: Mapping[str, str]) -> int:
    script = _MODULES.format(words=list(words))
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stderr.split()[-1])
