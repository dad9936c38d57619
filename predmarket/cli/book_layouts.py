"""Layouts of an order book."""

from collections.abc import Sequence

from predmarket import units
from predmarket.cli.grid import Grid
from predmarket.client.response_types import Book

LEVEL_FIELDS = ("side", "price", "qty")


def levels(book: Book) -> list[dict[str, object]]:
    """Return the book's levels, one a row, bids first, the best first on each side."""
    sides = (("BID", book["bids"]), ("ASK", book["asks"]))
    return [
        {"side": side, "price": price, "qty": qty} for side, rows in sides for price, qty in rows
    ]


def ladder(book: Book) -> Grid:
    """Return the book as a ladder: prices falling down the middle, bids left, asks right, each
    with the sum from the best price to there.
    """
    asks = [("", "", price, qty, total) for price, qty, total in _summed(book["asks"])]
    bids = [(total, qty, price, "", "") for price, qty, total in _summed(book["bids"])]
    return Grid(
        ("SUM", "BID", "PRICE", "ASK", "SUM"),
        (True,) * 5,
        [*reversed(asks), *bids],
        ("SUM", "SUM"),
    )


def _summed(side: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    total = 0
    rows = []
    for price, qty in side:
        total += units.parse(qty, units.QTY_DECIMALS)
        rows.append((price, qty, units.format_qty(total)))
    return rows
