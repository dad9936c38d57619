"""The local book agrees with the simplest one: a dictionary per side, sorted on demand."""

from hypothesis import given
from hypothesis import strategies as st

from predmarket import units
from predmarket.client import LocalBook
from predmarket.client.response_types import BookLevels

PRICES = st.integers(1, 9_999).map(units.format_price)
SIZES = st.one_of(st.just("0.00"), st.integers(0, 10**8).map(units.format_qty))
LEVELS = st.lists(st.tuples(PRICES, SIZES).map(list), max_size=8)
FEW = st.lists(st.tuples(st.sampled_from(["0.1", "0.2000", "0.3"]), SIZES).map(list), max_size=4)
CHANGES = st.lists(st.tuples(st.one_of(LEVELS, FEW), st.one_of(LEVELS, FEW)), max_size=12)


def levels(bids: list[list[str]], asks: list[list[str]]) -> BookLevels:
    """Return levels in the format of the wire."""
    return {"marketId": 7, "bids": bids, "asks": asks}


def plain(changes: list[list[list[str]]], *, best_high: bool) -> list[list[str]]:
    """Return a side after ``changes``."""
    side: dict[str, str] = {}
    for change in changes:
        for price, size in change:
            side[units.format_price(units.parse_price(price))] = size
    standing = sorted(price for price, size in side.items() if size != "0.00")
    return [[price, side[price]] for price in (standing[::-1] if best_high else standing)]


@given(CHANGES)
def test_any_changes(changes: list[tuple[list[list[str]], list[list[str]]]]) -> None:
    """After any changes both books have the same levels, best first."""
    book = LocalBook()
    book.load(levels([], []), 0)
    for number, (bids, asks) in enumerate(changes):
        book.change(levels(bids, asks), number, number + 1)
    expected = {
        "marketId": 7,
        "bids": plain([bids for bids, _ in changes], best_high=True),
        "asks": plain([asks for _, asks in changes], best_high=False),
        "seq": len(changes),
    }
    assert expected == book.wire()
    for side in (book.bids, book.asks):
        listed = list(side)
        assert (len(side), side.best) == (len(listed), listed[0] if listed else None)
        assert all(side[price] == size for price, size in listed)


def test_a_snapshot_replaces_everything() -> None:
    """A snapshot replaces the book and makes it fresh; levels are whole units."""
    book = LocalBook()
    assert (book.stale, book.seq, book.market_id, book.bids.best) == (True, None, None, None)
    book.load(levels([["0.5", "1"], ["0.4", "2"]], [["0.6", "3"]]), 4)
    book.load(levels([["0.55", "1.25"]], []), 9)
    assert (book.stale, book.seq, book.market_id) == (False, 9, 7)
    assert (list(book.bids), book.bids[5_500], book.bids[5_000]) == ([(5_500, 125)], 125, 0)
    assert not book.asks
    book.load(levels([["0.5", "1"], ["0.4", "2"]], []), 10)
    assert book.wire(1)["bids"] == [["0.5000", "1.00"]]
