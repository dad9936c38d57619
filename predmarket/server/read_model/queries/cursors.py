"""Cursors: the id after which the next page of a list begins, newest or oldest first."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid

T = TypeVar("T")

LARGEST_ID = 2**63 - 1
_BYTES = 8


def encode_cursor(last_id: int) -> str:
    """Return the cursor of the page after the row ``last_id``."""
    return base64.urlsafe_b64encode(last_id.to_bytes(_BYTES)).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int:
    """Return the id below which a page begins; without a cursor, the maximum. Raises Invalid."""
    if cursor is None:
        return LARGEST_ID
    with_padding = cursor + "=" * (-len(cursor) % 4)
    try:
        raw = base64.b64decode(with_padding.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    id = int.from_bytes(raw)
    if len(raw) != _BYTES or id > LARGEST_ID:
        raise Invalid(Problem("cursor", "is not a cursor that a list returned"))
    return id


def page(
    rows: Sequence[T], limit: int, id_of: Callable[[T], int]
) -> tuple[Sequence[T], str | None]:
    """Return a page and its next cursor, of up to ``limit + 1`` rows read."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(id_of(rows[limit - 1]))
