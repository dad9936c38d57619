"""The stream position: how far the command stream is processed.

Each batch stores it in its transaction, so each command of the stream is executed exactly once,
under any leader. An exchange in one process has no stream and stays at the beginning.
"""

from typing import NamedTuple


class StreamPosition(NamedTuple):
    """A place in the command stream; a later one is the greater.

    ``epoch`` counts the streams (Redis may lose one). ``ms`` and ``seq`` are the id of an entry.
    ``taken`` is the number of that entry's commands that are processed.
    """

    epoch: int = 0
    ms: int = 0
    seq: int = 0
    taken: int = 0

    @classmethod
    def of(cls, epoch: int, place: str) -> "StreamPosition":
        """Read a position from its stored ``epoch`` and ``place``."""
        id, _, taken = place.partition("/")
        ms, _, seq = id.partition("-")
        return cls(epoch, int(ms), int(seq), int(taken))

    @property
    def place(self) -> str:
        """Return the stored form of everything but the epoch."""
        return f"{self.ms}-{self.seq}/{self.taken}"

    @property
    def entry(self) -> str:
        """Return the entry's id in the format of Redis."""
        return f"{self.ms}-{self.seq}"


BEGINNING = StreamPosition()
