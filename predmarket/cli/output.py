"""The sole owner of stdout and stderr.

stdout carries data in the chosen format, stderr everything else. Without a terminal nothing is
coloured, folded or cut. Text from other users (a question, a message) is cleaned first
(characters.py), so that it neither controls the terminal nor is a formula in a spreadsheet.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from predmarket import __version__
from predmarket.characters import clean, clean_cell, escaped_json

if TYPE_CHECKING:
    from predmarket.cli.failure import Failure
    from predmarket.cli.flags import Options
    from predmarket.cli.grid import Grid, Layout

Row = Mapping[str, object]
Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, how much there is."""


class ReaderGone(Exception):
    """stdout was closed by its reader."""


def print_version() -> int:
    """Print the version and return the exit code."""
    with suppress(ReaderGone):
        _write(sys.stdout, f"predmarket {__version__}\n")
    return 0


class Output:
    """Writes a command's output. The options may still change while it exists."""

    def __init__(self, options: "Options") -> None:
        self._options = options

    # Data

    def record(self, layout: "Layout", row: Row, *, brief: bool = False) -> None:
        """Write one object; as a table, in one brief row or with a line for each field."""
        self.show(row, [row], layout.fields, lambda: layout.grids(row, brief=brief))

    def rows(self, layout: "Layout", rows: Iterable[Row]) -> None:
        """Write a list: in JSON an array, otherwise one row for each, as they arrive."""
        if self._options.output == "jsonl":
            for row in rows:
                self._data(self._json(row) + "\n")
        elif self._options.output == "csv":
            self._csv(layout.fields, rows)
        else:
            items = list(rows)
            self.show(items, items, layout.fields, lambda: [layout.grid(items)])

    def ids(self, rows: Iterable[Row], name: str) -> None:
        """Write only the field ``name`` of each row: in JSON an array, else one line for each."""
        if self._options.output == "json":
            self._data(self._json([row[name] for row in rows], indent=2) + "\n")
            return
        for row in rows:
            self._data(f"{row[name]}\n")

    def show(
        self,
        data: object,
        rows: Iterable[Row],
        fields: Sequence[str],
        grids: "Callable[[], Sequence[Grid]]",
    ) -> None:
        """Write ``data`` as JSON, ``rows`` as CSV, or else the drawn ``grids``."""
        if self._options.output == "json":
            self._data(self._json(data, indent=2) + "\n")
        elif self._options.output == "jsonl":
            self._data(self._json(data) + "\n")
        elif self._options.output == "csv":
            self._csv(fields, rows)
        else:
            drawn = [self.draw(grid) for grid in grids()]
            self._data("\n".join(text for text, _ in drawn))
            for _, left_out in drawn:
                if left_out:
                    self.note(f"too narrow for: {', '.join(left_out)}")

    # Data that does not end

    @property
    def redraws(self) -> bool:
        """Whether a watched view is redrawn in place, not written line by line."""
        dumb = os.environ.get("TERM") == "dumb"
        return self._options.output == "table" and _is_terminal(sys.stdout) and not dumb

    def events(self, fields: Sequence[str]) -> "Callable[[Row], None]":
        """Return a function that writes each row as it comes, in CSV or lines of JSON."""
        if self._options.output != "csv":
            return lambda row: self._data(self._json(row) + "\n")
        self._csv(fields, [])
        return lambda row: self._csv(fields, [row], heading=False)

    def text(self, text: str) -> None:
        """Write ready text."""
        self._data(text)

    def raw(self, text: str) -> None:
        """Write ready JSON as one line."""
        self._data(escaped_json(text) + "\n")

    def control(self, text: str) -> None:
        """Write terminal control sequences."""
        self._data(text)

    def pasted(self, text: str) -> None:
        """Write a line to paste, in whatever format."""
        self._data(clean(text) + "\n")

    # Everything else

    def note(self, text: str) -> None:
        """Write a note to stderr; --quiet suppresses it."""
        if not self._options.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """Write a message to stderr that --quiet does not suppress."""
        _write(sys.stderr, clean(text) + "\n")

    def ask(self, question: str) -> None:
        """Write a question to stderr; the answer follows on its line."""
        _write(sys.stderr, clean(question) + " ")

    def fail(self, failure: "Failure") -> int:
        """Write ``failure`` to stderr and return its exit code."""
        if self._options.output.startswith("json"):
            error = {
                "code": failure.code,
                "message": failure.message,
                "details": failure.details,
            }
            body: dict[str, object] = {"error": error}
            if failure.request_id:
                body["requestId"] = failure.request_id
            _write(sys.stderr, self._json(body) + "\n")
            return failure.exit_code
        lines = failure.message.splitlines() or [""]
        self.say(f"error: {_named(failure.code)}{lines[0]}")
        for line in [*lines[1:], *_details(failure.details)]:
            self.say(f"  {line}")
        for line in (failure.hint or "").splitlines():
            self.say(line)
        return failure.exit_code

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Yield a function that shows the progress of long work, as a bar on a terminal."""
        if self._options.quiet or not _is_terminal(sys.stderr):
            yield lambda _what, _done, _of: None
            return
        from rich.console import Console
        from rich.progress import Progress as Bars
        from rich.progress import TaskID

        console = Console(file=sys.stderr, color_system="auto" if self._color(sys.stderr) else None)
        with Bars(console=console, transient=True) as bars:
            tasks: dict[str, TaskID] = {}

            def show(what: str, done: int, of: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(clean(what), total=of or None)
                bars.update(tasks[what], completed=done, total=of or None)

            yield show

    def _data(self, text: str) -> None:
        _write(sys.stdout, text)

    def _json(self, data: object, indent: int | None = None) -> str:
        compact = None if indent else (",", ":")
        ascii_only = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
        text = json.dumps(data, indent=indent, separators=compact, ensure_ascii=ascii_only)
        return escaped_json(text)

    def _csv(self, fields: Sequence[str], rows: Iterable[Row], *, heading: bool = True) -> None:
        import csv

        _spell_anything(sys.stdout)
        buffer = StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        header = list(fields)
        if header and heading:
            writer.writerow(header)
        for row in rows:
            if not header:  # an answer whose fields may grow
                header = list(row)
                writer.writerow(header)
            writer.writerow([self._csv_cell(row.get(name)) for name in header])
            self._data(buffer.getvalue())
            buffer.seek(0)
            buffer.truncate()
        self._data(buffer.getvalue())

    def _csv_cell(self, value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            if self._options.raw and not _is_terminal(sys.stdout):
                return value
            return clean_cell(value, quoted=not self._options.raw)
        return self._json(value)

    def _color(self, stream: TextIO) -> bool:
        if self._options.color is not None:
            return self._options.color
        return _is_terminal(stream) and not os.environ.get("NO_COLOR")

    def draw(self, grid: "Grid") -> "tuple[str, list[str]]":
        """Return ``grid`` as text for stdout, as wide as its terminal, and the headings of columns
        that did not fit; elsewhere nothing is left out.
        """
        from predmarket.cli.table_renderer import (
            draw,  # only tables need it, and it is slow to load
        )

        width = shutil.get_terminal_size().columns if _is_terminal(sys.stdout) else None
        return draw(grid, width, color=self._color(sys.stdout))


def size_of_terminal(stream: TextIO) -> tuple[int, int]:
    """Return the columns and lines of ``stream``'s terminal; one that has none, as some that are
    made by programs, counts as 80 by 24.
    """
    width, height = os.get_terminal_size(stream.fileno())
    return width or 80, height or 24


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush, so that data, notes and errors appear in the order they were written."""
    if stream is None or not text:
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        # the interpreter flushes once more at exit, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise ReaderGone from None
        from predmarket.cli.failure import own

        # the command may have taken effect: no exit code that invites a retry
        why = f"the output cannot be written: {error.strerror}"
        raise own("OUTPUT_LOST", why) from None


def _spell_anything(stream: TextIO | None) -> None:
    """Write UTF-8 to programs in any locale, because escapes would change the data."""
    known = "utf" in (getattr(stream, "encoding", None) or "utf").lower()
    if not known and not _is_terminal(stream) and isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding="utf-8")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _named(code: str) -> str:
    """Return the message, preceded by the exchange's own code if there is one."""
    return "" if code in {"USAGE", "CONFIGURATION", "UNREACHABLE"} else f"{code}: "


def _details(details: object) -> list[str]:
    """Return the details of a refusal as lines: {path, message} pairs, or names and values."""
    if isinstance(details, Mapping):
        return [f"{name}: {value}" for name, value in details.items()]
    if not isinstance(details, list):
        return []
    lines = []
    for item in details:
        if isinstance(item, Mapping) and "message" in item:
            lines.append(f"{item.get('path', '')}: {item['message']}".removeprefix(": "))
        else:
            lines.append(str(item))
    return lines
