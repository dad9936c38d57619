"""How far the command stream is dealt with: what a core that takes over has to know of it.

Stored with every batch, in its transaction: so each command of the stream is carried out exactly
once, whoever leads. An exchange in one process has no stream and stays at the beginning.
"""

from typing import NamedTuple


class StreamPosition(NamedTuple):
    """A place in the command stream; a later one is the greater.

    ``epoch`` counts the streams (Redis may lose one), ``ms`` and ``seq`` are the id of an entry,
    ``taken`` how many of that entry's commands are dealt with.
    """

    epoch: int = 0
    ms: int = 0
    seq: int = 0
    taken: int = 0

    @classmethod
    def of(cls, epoch: int, place: str) -> "StreamPosition":
        """Read what ``epoch`` and ``place`` were stored as."""
        id, _, taken = place.partition("/")
        ms, _, seq = id.partition("-")
        return cls(epoch, int(ms), int(seq), int(taken))

    @property
    def place(self) -> str:
        """Return all but the epoch, as it is stored."""
        return f"{self.ms}-{self.seq}/{self.taken}"

    @property
    def entry(self) -> str:
        """Return the entry's id, as Redis spells it."""
        return f"{self.ms}-{self.seq}"


BEGINNING = StreamPosition()
