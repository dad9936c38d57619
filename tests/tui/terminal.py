"""A real terminal for a real program: a pty, and the part of a screen that Textual uses.

Cursor moves, text and modes are followed; colours are skipped. Every cell drawn is one wide.
"""

import codecs
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from fcntl import ioctl
from pathlib import Path
from types import TracebackType

PATIENCE_S = 60.0
"""How long to wait for what must come."""
AGAIN_S = 0.25
F8, F9, F10 = "\x1b[19~", "\x1b[20~", "\x1b[21~"
ESCAPE, BACKSPACE, END = "\x1b", "\x7f", "\x1b[F"
FOCUS_IN, FOCUS_OUT = "\x1b[I", "\x1b[O"
ALTERNATE, CURSOR = "1049", "25"
MOUSE = frozenset({"1000", "1002", "1003", "1006", "1015"})
PASTE = "2004"

_CODE = re.compile(
    r"\x1b\[(?P<kind>[<>=?]?)(?P<numbers>[\d;:]*)[ $]?(?P<letter>[@-~])"  # control sequences
    r"|\x1b[\]P].*?(?:\x07|\x1b\\)"  # titles and queries
    r"|\x1b[^\[\]P]",
    re.DOTALL,
)


class Screen:
    """The contents of a terminal after all writes."""

    def __init__(self, width: int, height: int) -> None:
        self._cells = [[" "] * width for _ in range(height)]
        self._x = self._y = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.modes = {CURSOR}

    @property
    def lines(self) -> list[str]:
        """Return the lines, each as wide as the screen."""
        return ["".join(line) for line in self._cells]

    def write(self, data: bytes) -> None:
        """Apply a program's output; an incomplete code waits for its rest."""
        text = self._rest + self._decoder.decode(data)
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                code = _CODE.match(text, at)
                if code is None:
                    break
                self.obey(code)
                at = code.end()
            else:
                self.put(text[at])
                at += 1
        self._rest = text[at:]

    def obey(self, code: re.Match[str]) -> None:
        """Apply a control code."""
        kind, numbers, letter = code["kind"], code["numbers"] or "", code["letter"]
        match kind, letter:
            case "", "H":
                y, _, x = numbers.partition(";")
                self._y, self._x = int(y or 1) - 1, int(x or 1) - 1
            case "", "J":
                for line in self._cells:
                    line[:] = " " * len(line)
            case "?", "h":
                self.modes |= {*numbers.split(";")}
            case "?", "l":
                self.modes -= {*numbers.split(";")}

    def put(self, char: str) -> None:
        """Apply a character."""
        if char == "\r":
            self._x = 0
        elif char == "\n":
            self._y += 1
        elif char >= " ":
            if self._y < len(self._cells) and self._x < len(self._cells[0]):
                self._cells[self._y][self._x] = char
            self._x += 1


class Terminal:
    """A program in its own terminal, which ends with the block."""

    def __init__(
        self, *words: str, environment: Mapping[str, str], folder: Path, size: tuple[int, int]
    ) -> None:
        self.screen = Screen(*size)
        self._ours, self._its = pty.openpty()
        ioctl(self._its, termios.TIOCSWINSZ, struct.pack("4H", size[1], size[0], 0, 0))
        self.before = self.settings()
        self._process = subprocess.Popen(
            [sys.executable, *words],
            stdin=self._its, stdout=self._its, stderr=self._its,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            cwd=folder, start_new_session=True,
        )  # fmt: skip

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
        os.close(self._its)

    def settings(self) -> object:
        """Return the terminal's modes for lines, echo and control keys."""
        return termios.tcgetattr(self._its)

    def type(self, text: str) -> None:
        """Press keys, all at once."""
        os.write(self._ours, text.encode())

    def click(self, x: int, y: int, button: int = 0) -> None:
        """Press and release a button of the mouse over a cell, counted from 0."""
        for letter in ("M", "m"):
            self.type(f"\x1b[<{button};{x + 1};{y + 1}{letter}")

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Read until ``condition`` holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self._read(0.1)
            if time.monotonic() > deadline:
                raise AssertionError("\n".join([f"still not so: {what}", *self.screen.lines]))

    def sees(self, text: str) -> tuple[int, int]:
        """Wait until the screen shows ``text``; return its column and line."""
        self.until(lambda: self.find(text), text)
        found = self.find(text)
        assert found is not None
        return found

    def again(self, act: Callable[[], None], text: str) -> None:
        """Repeat a harmless action until the screen shows ``text``."""
        due = 0.0

        def shown() -> object:
            nonlocal due
            if time.monotonic() > due:
                act()
                due = time.monotonic() + AGAIN_S
            return self.find(text)

        self.until(shown, text)

    def find(self, text: str) -> tuple[int, int] | None:
        """Return the column and line where the screen first shows ``text``."""
        for y, line in enumerate(self.screen.lines):
            if text in line:
                return line.index(text), y
        return None

    def ended(self) -> int:
        """Read until the program has ended; return its exit code."""
        self.until(lambda: self._process.poll() is not None, "the end")
        while self._read(0):
            pass
        return self._process.wait()

    def _read(self, wait_s: float) -> bool:
        """Apply the output that arrives within ``wait_s``; tell whether there was any."""
        there = bool(select.select([self._ours], [], [], wait_s)[0])
        if there:
            self.screen.write(os.read(self._ours, 65536))
        return there
