"""The whole exchange over events of many outcomes, beside the same exchange on the engine's row."""

import statistics
from collections.abc import Iterator

from benchmarks.event_stream import event_stream
from benchmarks.rows.engine import RUNS, exchange_rate, opening, translated
from benchmarks.stream import commands
from benchmarks.table import Line
from predmarket.server.interpreter import tune_interpreter


def measure() -> Iterator[Line]:
    """Yield the figure beside that of the engine's row, every check on in both."""
    tune_interpreter()  # as serve does
    single, stream = translated(commands()), event_stream()
    rates: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):  # in turns, since the machine's speed drifts
        rates[0].append(exchange_rate(opening(), single))
        rates[1].append(exchange_rate(stream.opening, stream.commands))
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
