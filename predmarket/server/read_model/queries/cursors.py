"""Cursors: the id after which the next page of a list begins, newest or oldest first."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid
from predmarket.units import MAX_DEPOSITS, Money

T = TypeVar("T")

LARGEST_ID = 2**63 - 1
_BYTES = 8


class StatementPlace(NamedTuple):
    """Where a page of the statement begins: below an id, with the cash that was there by then."""

    before: int
    balance: Money


def encode_cursor(last_id: int) -> str:
    """Return the cursor of the page after the row ``last_id``."""
    return _encode(last_id)


def decode_cursor(cursor: str | None) -> int:
    """Return the id below which a page begins; without a cursor, the maximum. Raises Invalid."""
    return LARGEST_ID if cursor is None else _decode(cursor, 1)[0]


def encode_place(user_id: int, place: StatementPlace) -> str:
    """Return the cursor of a page of a user's statement.

    No account's balance is out of bounds, but a balance from a forged cursor may be.
    """
    balance = max(-MAX_DEPOSITS, min(place.balance, MAX_DEPOSITS))
    return _encode(place.before, user_id, balance)


def decode_place(user_id: int, cursor: str | None) -> StatementPlace | None:
    """Return where a page of a user's statement begins; None: at the newest. Raises Invalid.

    Every balance that an account could have is accepted, even one below zero after a VOID. A user
    who forges a cursor sees wrong balances, and nobody else does. A balance out of bounds is
    refused, because the page could not count from it.
    """
    if cursor is None:
        return None
    before, owner, balance = _decode(cursor, 3)
    if owner != user_id:
        raise Invalid(Problem("cursor", "is of another user's list"))
    if abs(balance) > MAX_DEPOSITS:
        raise Invalid(Problem("cursor", "is not a cursor that a list returned"))
    return StatementPlace(before, balance)


def _encode(*numbers: int) -> str:
    raw = b"".join(number.to_bytes(_BYTES, signed=True) for number in numbers)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(cursor: str, count: int) -> list[int]:
    """Return the numbers in a cursor, the first an id. Raises Invalid."""
    with_padding = cursor + "=" * (-len(cursor) % 4)
    try:
        raw = base64.b64decode(with_padding.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    places = range(0, len(raw), _BYTES)
    numbers = [int.from_bytes(raw[place : place + _BYTES], signed=True) for place in places]
    if len(raw) != count * _BYTES or numbers[0] < 0:
        raise Invalid(Problem("cursor", "is not a cursor that a list returned"))
    return numbers


def page(
    rows: Sequence[T], limit: int, id_of: Callable[[T], int]
) -> tuple[Sequence[T], str | None]:
    """Return a page and its next cursor, of up to ``limit + 1`` rows read."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode_cursor(id_of(rows[limit - 1]))
