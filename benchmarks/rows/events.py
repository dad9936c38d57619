"""The whole exchange over events of many outcomes, beside the same exchange on the engine's row."""

import gc
import statistics
import time
from collections.abc import Iterator

from benchmarks.event_stream import EventStream, event_stream
from benchmarks.rows.engine import RUNS, exchange_rate
from benchmarks.stream import commands
from benchmarks.table import Line
from predmarket.engine import Exchange
from predmarket.server.interpreter import tune_interpreter


def measure() -> Iterator[Line]:
    """Yield the figure beside that of the engine's row, every check on in both."""
    tune_interpreter()  # as serve does
    single, stream = commands(), event_stream()
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):  # in turns, since the machine's speed drifts
        rates[0].append(exchange_rate(single))
        rates[1].append(events_rate(stream))
    yardstick, value = (statistics.median(taken) for taken in rates)
    yield Line(
        "events",
        "with ledger and assertions",
        value,
        "commands/s",
        "the engine row's stream",
        yardstick,
        "≥ 0.7 ×",
        f"{len(stream.commands):,} commands over 20 events of 3 to 50 outcomes, every user "
        "in each, one thread, in memory",
    )


def events_rate(stream: EventStream) -> float:
    """Return the stream's commands a second through the whole exchange.

    Its opening is not timed, and what that changed is taken out as a store would; nothing is taken
    out meanwhile, as in the engine's row.
    """
    exchange = Exchange()
    for command in stream.opening:
        exchange.apply(0, command)
    exchange.take_changes()
    gc.collect()
    start = time.perf_counter()
    for now, command in enumerate(stream.commands):
        exchange.apply(now, command)
    return len(stream.commands) / (time.perf_counter() - start)
