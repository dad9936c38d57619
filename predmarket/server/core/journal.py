"""The journal: every executed command, batch by batch, each batch chained by hash.

Invariant: the journal alone rebuilds the whole state (audit.py proves it). So an entry holds every
input of the engine: the number (by place), the time and the command. The sender gives the command
its id, which tells after a failure which commands were committed.
"""

import hashlib

import msgspec

from predmarket.engine.commands import Command
from predmarket.units import Micros

RULES = "2"
"""The version of the market rules (docs/market_rules.md). Replay refuses any other version."""

GENESIS = bytes(32)
"""The hash that the first batch is chained to."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One command executed at ``time``; the core's own commands have an empty ``id``."""

    time: Micros
    id: str
    command: Command


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Entry])


def encode(entries: list[Entry]) -> bytes:
    """Encode a batch's entries for storage."""
    return _encoder.encode(entries)


def decode(data: bytes) -> list[Entry]:
    """Decode a stored batch's entries. Raises msgspec.DecodeError for damaged data."""
    return _decoder.decode(data)


def chain(previous: bytes, batch: int, first_seq: int, entries: bytes) -> bytes:
    """Return a batch's hash; it covers the former batch's hash, both numbers, all entries."""
    head = b"%d %d %s\n" % (batch, first_seq, RULES.encode())
    return hashlib.sha256(previous + head + entries).digest()
