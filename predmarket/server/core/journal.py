"""The journal: every command that was carried out, batch by batch, each batch chained by hash.

Invariant: the journal alone rebuilds the whole state (audit.py proves it), so an entry holds all
that the engine is given: number (by place), time and command. The command's id, given by whoever
sent it, tells after a failure which commands were committed.
"""

import hashlib

import msgspec

from predmarket.engine.commands import Command
from predmarket.units import Micros

RULES = "2"
"""The version of MARKET_RULES that the engine implements; replay refuses any other."""

GENESIS = bytes(32)
"""What the first batch is chained to."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One command as carried out at ``time``; ``id`` is empty for those the core gave itself."""

    time: Micros
    id: str
    command: Command


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Entry])


def encode(entries: list[Entry]) -> bytes:
    """Return a batch's entries as they are stored."""
    return _encoder.encode(entries)


def decode(data: bytes) -> list[Entry]:
    """Return a stored batch's entries. Raises msgspec.DecodeError for damaged data."""
    return _decoder.decode(data)


def chain(previous: bytes, batch: int, first_seq: int, entries: bytes) -> bytes:
    """Return the hash of a batch: it covers the batch before, both numbers and all entries."""
    head = b"%d %d %s\n" % (batch, first_seq, RULES.encode())
    return hashlib.sha256(previous + head + entries).digest()
