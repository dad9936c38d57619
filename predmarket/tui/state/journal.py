"""The screen's journal: the newest lines on past events, each with its weight."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from predmarket.units import Micros

KEPT = 500


class Weight(Enum):
    """The importance of a line."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the log."""

    at: Micros
    text: str
    weight: Weight


class Journal:
    """The last notes, newest first."""

    def __init__(self) -> None:
        self.notes: deque[Note] = deque(maxlen=KEPT)
        self.version = 0

    def add(self, at: Micros, text: str, weight: Weight = Weight.PLAIN) -> None:
        """Add a line."""
        self.notes.appendleft(Note(at, text, weight))
        self.version += 1
