"""Columns as arrays in PostgreSQL's binary form: a head, then each value behind its length.

This form costs less than text, for us to write and for the server to read. Source: array_send and
array_recv in PostgreSQL's documentation of types. The object ids are PostgreSQL's; they never
change.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cache

import psycopg

from predmarket.server.core.stores.rows import Value

_HEAD = struct.Struct(">5i")
"""Dimensions, whether there are nulls, the type's object id, the length, the first index."""
_LENGTH = struct.Struct(">i")
_INTEGER = struct.Struct(">iq")
_NULL = _LENGTH.pack(-1)
_BOOLEAN = {True: _LENGTH.pack(1) + b"\1", False: _LENGTH.pack(1) + b"\0"}
_PIECE = 256
"""Numbers packed at once; longer pieces are no faster."""
_BOOL_ID, _INT8_ID, _TEXT_ID = 16, 20, 25


def integers(column: Sequence[Value]) -> bytes:
    """Return a bigint[]. Raises psycopg.DataError for a number that is too large."""
    count, nulls = len(column), None in column
    try:
        if nulls:
            values = b"".join([_NULL if v is None else _INTEGER.pack(8, v) for v in column])
        else:
            values = _packed(column)
    except struct.error as error:
        raise psycopg.DataError(str(error)) from None
    return _HEAD.pack(1, int(nulls), _INT8_ID, count, 1) + values


def _packed(column: Sequence[Value]) -> bytes:
    count = len(column)
    if count > _PIECE:
        pieces = range(0, count, _PIECE)
        return b"".join([_packed(column[start : start + _PIECE]) for start in pieces])
    pairs: list[Value] = [8] * (2 * count)
    pairs[1::2] = column
    return _integers_of(count).pack(*pairs)


@cache  # of at most _PIECE lengths, some 3 MB in all
def _integers_of(count: int) -> struct.Struct:
    assert count <= _PIECE  # a struct takes memory for each of its fields
    return struct.Struct(">" + count * "iq")


def texts(column: Sequence[Value]) -> bytes:
    """Return a text[]. Raises psycopg.DataError for text with a NUL, and UnicodeError."""
    values = b"".join([_NULL if value is None else _text(value) for value in column])
    return _HEAD.pack(1, int(None in column), _TEXT_ID, len(column), 1) + values


def _text(value: Value) -> bytes:
    encoded = str(value).encode()
    if b"\0" in encoded:
        raise psycopg.DataError("text with a NUL")
    return _LENGTH.pack(len(encoded)) + encoded


class _Words(dict[Value, bytes]):
    """Encodes words of a short list, and remembers each encoding."""

    def __missing__(self, word: Value) -> bytes:
        self[word] = found = _NULL if word is None else _text(word)
        return found


_words = _Words()


def words(column: Sequence[Value]) -> bytes:
    """Return a text[] of words of a short list."""
    values = b"".join([_words[word] for word in column])
    return _HEAD.pack(1, int(None in column), _TEXT_ID, len(column), 1) + values


def booleans(column: Sequence[Value]) -> bytes:
    """Return a boolean[] without nulls."""
    values = b"".join([_BOOLEAN[bool(value)] for value in column])
    return _HEAD.pack(1, 0, _BOOL_ID, len(column), 1) + values


PACK: dict[str, Callable[[Sequence[Value]], bytes]] = {
    "i": integers,
    "w": words,
    "b": booleans,
    "t": texts,
}
"""The encoder for each kind of column (rows.Shape)."""
