"""A table that lines up: one widget for positions, orders, fills, messages, users and markets.

The cursor holds a row's key, not a position: it stays with its row when other rows come and go.
When its own row goes, it holds nothing until the trader moves it. A click on rows that have just
moved is held.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from predmarket.tui.state.click_guard import HOLD_SECONDS
from predmarket.tui.widgets.panel import Line, Panel, Span, fit
from predmarket.tui.widgets.table_columns import Column, Columns


@dataclass(frozen=True, slots=True)
class Row:
    """A row; ``key`` tells it from the others for as long as it lives."""

    key: Hashable
    cells: tuple[Span, ...]


MANY = 200
SLOWLY_S = 0.25
"""A table of more than MANY rows is made anew once in this time at the most."""


class Table(Panel, can_focus=True):
    """A table with a cursor. ``stamp`` tells cheaply whether ``rows`` are as before.

    ``best_first`` returns a search, if there is one: when it changes, the cursor goes to the first
    row.
    """

    class Held(Message):
        """Nothing was done: the row of the cursor or the click has just gone or moved."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class NearEnd(Message):
        """The cursor has come near the last row: more could be loaded."""

        def __init__(self, table: "Table") -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> "Table":
            return self.table

    class Chosen(Message):
        """A row was chosen, by Enter or a double click; by one click where that is said."""

        def __init__(self, table: "Table", key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> "Table":
            return self.table

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", False, id="table.up", tooltip="The row above."),
        Binding("down", "move(1)", "Down", False, id="table.down", tooltip="The row below."),
        Binding(
            "pageup", "move(-10)", "Page up", False, id="table.page-up", tooltip="Ten rows up."
        ),
        Binding(
            "pagedown",
            "move(10)",
            "Page down",
            False,
            id="table.page-down",
            tooltip="Ten rows down.",
        ),
        Binding(
            "home", "move(-100000)", "First", False, id="table.first", tooltip="The first row."
        ),
        Binding("end", "move(100000)", "Last", False, id="table.last", tooltip="The last row."),
        Binding("enter", "choose", "Choose", False, id="table.choose", tooltip="Choose the row."),
    ]

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        stamp: Callable[[], object],
        rows: Callable[[], Sequence[Row]],
        empty: str = "",
        click_chooses: bool = False,
        best_first: Callable[[], object] | None = None,
        gap: int = 2,
        clock: Callable[[], float] = time.monotonic,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._best_first = best_first
        self._sought: object = None
        self._clock = clock
        self._made_at = -SLOWLY_S
        self._moved_at = -HOLD_SECONDS
        self.columns = Columns(columns, gap)
        self._source_stamp = stamp
        self._source = rows
        self._empty = empty
        self._click_chooses = click_chooses
        self._rows: Sequence[Row] = ()
        self._taken: object = self
        self._place = 0
        self._key: Hashable = None
        self._top = 0

    @property
    def key(self) -> Hashable:
        """Return the key that the cursor holds, None when there is none."""
        self._take()
        return self._key

    @property
    def top(self) -> int:
        """Return the number of the first row in sight."""
        return self._top

    @property
    def count(self) -> int:
        """Return how many rows there are."""
        self._take()
        return len(self._rows)

    def put(self, key: Hashable) -> None:
        """Put the cursor on a row, if it is there."""
        self._take()
        for place, row in enumerate(self._rows):
            if row.key == key:
                self._place, self._key = place, key

    def stamp(self) -> object:
        return (self._source_stamp(), self._place, self._key, self._top, self.has_focus)

    def lines(self, width: int, height: int) -> list[Line]:
        self._take()
        columns = self.columns
        shown, widths = columns.layout(width)
        head = columns.line(columns.headings, shown, widths)
        if not self._rows:
            return [head, Line((Span(fit(self._empty, width), "dim"),))][:height]
        room = max(1, height - 1)
        self._top = max(min(self._top, self._place, len(self._rows) - room), 0)
        self._top = max(self._top, self._place - room + 1)
        lines = [head]
        shown_cursor = self.has_focus or bool(self._sought)
        for place in range(self._top, min(len(self._rows), self._top + room)):
            at_cursor = place == self._place and self._key is not None
            line = columns.line(self._rows[place].cells, shown, widths)
            lines.append(Line(line.spans, "cursor" if at_cursor and shown_cursor else ""))
        return lines

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._take()
        if self._rows:
            gone = self._key is None and by in (-1, 1)  # onto the row that came to its place
            self._place = max(0, min(len(self._rows) - 1, self._place + (0 if gone else by)))
            self._key = self._rows[self._place].key
        if by > 0 and self._place + self.size.height >= len(self._rows):
            self.post_message(self.NearEnd(self))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))
        elif self._rows:
            self.post_message(self.Held("the row under the cursor has gone"))

    def cell_at(self, event: events.MouseEvent) -> tuple[int, int] | None:
        """Return the row and the column under the pointer, by their numbers; None without a row."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < 1:
            return None
        place = self._top + offset.y - 1
        if place >= len(self._rows):
            return None
        return place, self.columns.at(offset.x, self.size.width)

    def key_at(self, place: int) -> Hashable:
        """Return the key of a row, by its number."""
        return self._rows[place].key

    def costly(self) -> bool:
        """Tell whether the rows are made anew once in SLOWLY_S at the most."""
        return len(self._rows) > MANY

    def in_sight(self) -> Sequence[Row]:
        """Return the rows that there is room for now."""
        return self._rows[self._top : self._top + max(1, self.size.height - 1)]

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row, and perhaps choose it."""
        cell = self.cell_at(event)
        if cell is None:
            return
        place, _ = cell
        if self._clock() - self._moved_at < HOLD_SECONDS:
            self.post_message(self.Held("the rows moved under the click"))
            return
        again = self._click_chooses or (place == self._place and event.chain > 1)
        self._place, self._key = place, self._rows[place].key
        if again:
            self.action_choose()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-1)

    def _take(self) -> None:
        """Take over the rows as they are now."""
        taken, now = self._source_stamp(), self._clock()
        sought = self._best_first() if self._best_first is not None else None
        if taken == self._taken:
            return
        if self.costly() and now - self._made_at < SLOWLY_S and sought == self._sought:
            return
        self._taken, self._made_at = taken, now
        before, self._rows = self._rows, self._source()
        for row in self._rows:
            self.columns.widen(row.cells)
        first = self._key is None and not before
        if sought != self._sought or first:
            self._sought, self._place = sought, 0
            self._key = self._rows[0].key if self._rows else None
            return
        self._stay(before)

    def _stay(self, before: Sequence[Row]) -> None:
        """Stay with the cursor's row, and note whether rows in sight have moved."""
        keys = [row.key for row in self._rows]
        seen = slice(self._top, self._top + max(1, self.size.height))
        if before and [row.key for row in before[seen]] != keys[seen]:
            self._moved_at = self._clock()
        if self._key in keys:
            self._place = keys.index(self._key)
        else:
            self._place = max(0, min(self._place, len(keys) - 1))
            self._key = None
