"""Grids of cells, and the layouts that turn an answer into them.

A layout names a table's columns, for people, and the fields of CSV, which are all of the API's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Row: TypeAlias = Mapping[str, object]

NOTHING = "-"
READABLE = 24
"""Characters of a text that may be folded which a column should have room for."""
LEAST = 12
"""Characters of such a text below which other columns give way."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells to draw. Without headings the grid is a list of names and values."""

    headings: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[str]]
    least: Sequence[str] = ()
    """Headings of columns that a narrow terminal does without, the first to go first."""

    def within(self, width: int, gap: int) -> "tuple[Grid, list[str]]":
        """Return the grid without as many of its columns as it takes to fit ``width``, and what the
        left out ones are headed: the least first, then the last ones. The first column stays.
        """
        kept = list(range(len(self.headings)))
        left_out = []
        for column, room in [*self._least_columns(), *self._last_columns()]:
            if sum(self.room(i, room) for i in kept) + gap * (len(kept) - 1) <= width:
                break
            if column in kept:
                kept.remove(column)
                left_out.append(self.headings[column])
        fitting = Grid(
            [self.headings[i] for i in kept],
            [self.numeric[i] for i in kept],
            [[row[i] for i in kept] for row in self.rows],
        )
        return fitting, left_out

    def _least_columns(self) -> list[tuple[int, int]]:
        """Return each column of ``least``, with the width of text columns that displaces it."""
        rest = dict(enumerate(self.headings))
        found = []
        for heading in self.least:
            column = next(i for i, name in rest.items() if name == heading)
            del rest[column]
            found.append((column, READABLE))
        return found

    def _last_columns(self) -> list[tuple[int, int]]:
        return [(column, LEAST) for column in range(len(self.headings) - 1, 0, -1)]

    def room(self, column: int, most: int) -> int:
        """Return a column's wanted width: a number's whole width, at most ``most`` of a text."""
        widest = max(len(row[column]) for row in [self.headings, *self.rows])
        return widest if self.numeric[column] else min(widest, most)

    def columns(self) -> list[tuple[str, bool]]:
        """Return (heading, is numeric) for each column."""
        names = self.headings or [""] * len(self.numeric)
        return list(zip(names, self.numeric, strict=True))


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. numeric columns align right; shown formats the value. An optional one is
    left out if no row has a value for it.
    """

    heading: str
    key: str
    numeric: bool = False
    optional: bool = False
    shown: Callable[[object], object] = lambda value: value


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one kind of answer. parts are the lists in it, drawn below it."""

    columns: Sequence[Column] = ()
    fields: Sequence[str] = ()
    parts: Mapping[str, "Layout"] = field(default_factory=dict)
    least: Sequence[str] = ()

    def grid(self, rows: Sequence[Row]) -> Grid:
        """Return ``rows`` as a table."""
        columns = self.columns or [Column(_words(name).upper(), name) for name in _keys(rows)]
        columns = [one for one in columns if not one.optional or _is_given(one.key, rows)]
        headings = [column.heading for column in columns]
        return Grid(
            headings,
            [column.numeric for column in columns],
            [[cell(column.shown(row.get(column.key))) for column in columns] for row in rows],
            [heading for heading in self.least if heading in headings],
        )

    def grids(self, row: Row, *, brief: bool) -> list[Grid]:
        """Return one answer as a table: in one row, or with a line for each field."""
        if brief:
            head = self.grid([row])
        else:
            names = [name for name in self.fields or row if name not in self.parts and name in row]
            head = Grid((), (False, False), [(_words(name), cell(row[name])) for name in names])
        grids = [head]
        for name, layout in self.parts.items():
            items = row.get(name)
            if isinstance(items, list) and items:
                grids.append(layout.grid(items))
        return grids


def cell(value: object) -> str:
    """Format one value for people: shorter times, a dash for nothing."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(str(name))} {cell(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value) or NOTHING
    text = str(value)
    time = _TIME.fullmatch(text)
    return f"{time[1]} {time[2]}Z" if time else text


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f" {match[1].lower()}", name)


def _is_given(key: str, rows: Sequence[Row]) -> bool:
    return any(row.get(key) not in (None, "") for row in rows)


def _keys(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))
