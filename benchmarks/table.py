"""A measured figure beside its yardstick, and the table of them."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

RUNS = 3
"""How often a figure is taken; its median is reported."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. ``conditions`` names load, fsync, errors, and open or closed loop."""

    row: str
    work: str
    value: float
    unit: str
    yardstick: str = ""
    yardstick_value: float | None = None
    goal: str = ""
    conditions: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure in yardsticks, None when it has none."""
        return self.value / self.yardstick_value if self.yardstick_value else None


def median_of(take: Callable[[], float], runs: int = RUNS) -> float:
    """Return the median of ``runs`` figures."""
    return statistics.median(take() for _ in range(runs))


def print_table(lines: Iterable[Line]) -> None:
    """Print all of them, the ratio being what counts."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("row", "work"):
        table.add_column(heading)
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("yardstick")
    table.add_column("its figure", justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    for heading in ("to beat", "conditions"):
        table.add_column(heading)
    for line in lines:
        other, ratio = line.yardstick_value, line.ratio
        table.add_row(
            line.row,
            line.work,
            _figure(line.value, line.unit),
            line.yardstick,
            "" if other is None else _figure(other, line.unit),
            "" if ratio is None else f"{ratio:.2f} ×",
            line.goal,
            line.conditions,
        )
    Console(width=None if Console().is_terminal else 200).print(table)


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
