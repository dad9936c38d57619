"""Executes a journal written by replay_campaign.py, and says which state it leads to.

As a program it is what each interpreter runs. It needs ``msgspec`` and nothing else:

    PYTHONPATH=. python3.13 -m tests.engine.replayed FILE

A file is a number of journals, each of an exchange of its own: a batch is its length in four bytes
and its entries as the exchange stores them; a length of 0 ends a journal.
"""

import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from predmarket.engine import Exchange
from predmarket.engine.snapshot import digest
from predmarket.server.core import journal


class Outcome(msgspec.Struct, frozen=True):
    """What a replay came to: how many commands, and one hash over the state after each journal and
    over all that happened."""

    python: str
    commands: int
    state: str


class Recorder:
    """Adds up the outcome of commands as they are executed."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._happened = msgspec.msgpack.Encoder()
        self.commands = 0

    def executed(self, reply: object, events: object) -> None:
        """Add what a command did."""
        self.commands += 1
        self._hash.update(self._happened.encode((reply, events)))

    def ended(self, exchange: Exchange) -> None:
        """Add the state after a journal."""
        self._hash.update(digest(exchange.state).encode())

    def outcome(self) -> Outcome:
        """Return the sum so far."""
        return Outcome(platform.python_version(), self.commands, self._hash.hexdigest())


def _batches(file: BinaryIO) -> Iterator[bytes]:
    """Yield the batches of a file; b"" ends a journal."""
    while head := file.read(4):
        yield file.read(int.from_bytes(head))


def replay(path: Path) -> Outcome:
    """Execute the journals of a file."""
    recorder, exchange = Recorder(), Exchange()
    with path.open("rb") as file:
        for batch in _batches(file):
            if not batch:
                recorder.ended(exchange)
                exchange = Exchange()
                continue
            for entry in journal.decode(batch):
                recorder.executed(*exchange.apply(entry.time, entry.command))
                exchange.take_changes()
    return recorder.outcome()


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(replay(Path(sys.argv[1]))).decode())
