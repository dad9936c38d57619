"""Matching alone on the files of a public benchmark, beside the fastest right Python engines there.

PUBLIC_BOOK is a checkout of github.com/flash1-dev/matching-engine-benchmark with its generator
built; PUBLIC_BOOK_PYOB and PUBLIC_BOOK_DYN4MIK3 are those of the engines (public_engines.py).
Nothing is fetched, and nothing is written into them.
"""

import gc
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import public_engines
from benchmarks.public_book import Engine, Message, OurEngine, digest, read_messages
from benchmarks.table import RUNS, Line
from predmarket.server.interpreter import tune_interpreter

_OURS = "ours"
_TAG = re.compile(r"(\w{64})  (\S+)_seed(\d+)_count(\d+)_reports\.txt")

Maker = Callable[[], Engine]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A file of the generator, and the SHA-256 that is published for its reports."""

    name: str
    seed: str
    count: str
    digest: str

    def messages(self, checkout: Path) -> list[Message]:
        """Read the file, or have the generator make it for a moment."""
        kept = checkout / f"orders_{self.name}_s{self.seed}_n{self.count}.bin"
        if kept.exists():
            return read_messages(kept)
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / kept.name
            generator = (checkout / "generator").resolve()
            command: list[str | Path] = [generator, self.name, made, self.count, self.seed]
            subprocess.run(command, check=True, capture_output=True)
            return read_messages(made)


def measure() -> Iterator[Line]:
    """Yield each scenario's rate beside that of the faster engine, then the worst ones."""
    checkout = _folder("PUBLIC_BOOK")
    if checkout is None:
        print("publicbook is not measured: PUBLIC_BOOK names no checkout", file=sys.stderr)
        return
    others, absent = _others(checkout)
    rates: dict[str, dict[str, float]] = {}
    for scenario in scenarios(checkout):
        rates[scenario.name] = _rates(scenario, scenario.messages(checkout), others)
        yield _line(scenario.name, rates[scenario.name], "≥ 1 ×", absent)
    # A lone scenario may lack an engine, whose reports were wrong there: it has no worst one.
    right = set.intersection(*(set(taken) for taken in rates.values()))
    worst = {name: min(taken[name] for taken in rates.values()) for name in right}
    yield _line("the worst scenario of each", worst, "≥ 1.5 ×", absent)


def scenarios(checkout: Path) -> list[Scenario]:
    """Return the scenarios for which the checkout publishes a SHA-256."""
    published = (checkout / "reference" / "correctness_hash.txt").read_text()
    return [Scenario(name, seed, count, sha) for sha, name, seed, count in _TAG.findall(published)]


def _folder(variable: str) -> Path | None:
    path = os.environ.get(variable)
    return Path(path) if path else None


def _others(checkout: Path) -> tuple[dict[str, Maker], list[str]]:
    """Return the engines that there are checkouts of, and the names of the others."""
    pyob, dyn4mik3 = _folder("PUBLIC_BOOK_PYOB"), _folder("PUBLIC_BOOK_DYN4MIK3")
    found: dict[str, Maker] = {}
    if pyob is not None:
        found["pyob"] = public_engines.pyob(pyob)
    if dyn4mik3 is not None:
        found["dyn4mik3"] = public_engines.dyn4mik3(dyn4mik3, checkout)
    return found, [name for name in ("pyob", "dyn4mik3") if name not in found]


def _rates(
    scenario: Scenario, messages: Sequence[Message], others: dict[str, Maker]
) -> dict[str, float]:
    """Return the messages that each engine executes in a second of its processor time."""
    tune_interpreter()  # as serve does; the messages are not searched for garbage
    prices = [message[-1] for message in messages]
    lowest, highest = min(prices), max(prices)
    engines: dict[str, Maker] = {_OURS: lambda: OurEngine(lowest, highest), **others}
    taken: dict[str, list[float]] = {}
    for run in range(RUNS):  # in turns, since the machine's speed drifts
        for name, make in list(engines.items()):
            engine = make()
            gc.collect()
            start = time.process_time()
            reports = engine.run(messages)
            took = time.process_time() - start
            if run == 0 and (made := digest(reports)) != scenario.digest:
                wrong = f"{scenario.name}: the reports of {name} have the SHA-256 {made}, not "
                wrong += scenario.digest
                if name == _OURS:
                    raise AssertionError(wrong)
                print(f"publicbook goes on without it: {wrong}", file=sys.stderr)
                del engines[name]
                continue
            taken.setdefault(name, []).append(len(messages) / took)
    return {name: statistics.median(figures) for name, figures in taken.items()}


def _line(work: str, rates: dict[str, float], goal: str, absent: Sequence[str]) -> Line:
    others = {name: rate for name, rate in rates.items() if name != _OURS}
    faster = max(others, key=lambda name: others[name], default="")
    conditions = ["all reports as published (SHA-256)", "one thread, processor time"]
    conditions += [f"{name} {rate:,.0f}" for name, rate in others.items() if name != faster]
    conditions += [f"no checkout of {name}" for name in absent]
    return Line(
        "publicbook", work, rates[_OURS], "messages/s", faster, others.get(faster),
        goal if faster else "", ", ".join(conditions),
    )  # fmt: skip
