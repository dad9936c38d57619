"""The ladder's lines, as text and roles, at many widths and heights."""

from itertools import pairwise

import pytest
from textual.strip import Strip

from predmarket.tui.state.axis import Axis
from predmarket.tui.state.ladder import LadderData, LadderView
from predmarket.tui.state.ladder_text import beyond
from predmarket.tui.widgets.ladder_columns import ColumnKind, columns
from predmarket.tui.widgets.ladder_lines import RowLine
from predmarket.tui.widgets.ladder_page import Page, Pointer
from predmarket.tui.widgets.ladder_painter import Painter
from predmarket.units import PRICE_ONE
from tests.tui.books import sketch, thin, wild
from tests.tui.golden import NamedPalette, expect, written


def drawn(
    data: LadderData,
    width: int,
    height: int,
    *,
    cursor: int | None = None,
    pointer: tuple[int, int] | None = None,
    cumulative: bool = False,
    plain: bool = False,
) -> list[Strip]:
    """Return the ladder's strips, centred on the middle of its book."""
    axis = Axis(data.tick)
    view = LadderView(data, cumulative=cumulative)
    page = Page(width, height, axis, plain=plain)
    axis.rows = page.rows
    axis.centre(PRICE_ONE // 2 if view.middle is None else view.middle)
    spot = Pointer(*pointer) if pointer else None
    lines = page.lines(view, cursor, spot, focused=cursor is not None)
    painter = Painter(NamedPalette(), columns(width, data.tick), width, data.tick)
    return [painter.paint(line) for line in lines]


def stale() -> LadderData:
    data = sketch()
    data.live = False
    return data


@pytest.mark.parametrize(
    ("name", "strips"),
    [
        ("ladder-sketch-55x16", lambda: drawn(sketch(), 55, 16, cursor=5900)),
        ("ladder-hover-40x12", lambda: drawn(sketch(), 40, 12, pointer=(12, 6))),
        ("ladder-depth-72x14", lambda: drawn(sketch(), 72, 14, cumulative=True)),
        ("ladder-wild-72x20", lambda: drawn(wild(), 72, 20)),
        ("ladder-wild-fine-60x14", lambda: drawn(wild(1), 60, 14)),
        ("ladder-thin-60x16", lambda: drawn(thin(), 60, 16)),
        ("ladder-stale-55x12", lambda: drawn(stale(), 55, 12)),
        ("ladder-plain-60x24", lambda: drawn(sketch(), 60, 24, cursor=5900, plain=True)),
    ],
)
def test_lines_are_as_they_were_seen_and_found_good(name: str, strips) -> None:  # type: ignore[no-untyped-def]
    """Every line's text, roles and grounds equal the reviewed golden file."""
    expect(name, written(strips()))


@pytest.mark.parametrize("tick", [1000, 100, 10, 1])
def test_every_line_fills_its_width_exactly(tick: int) -> None:
    """Every line has the exact width, with any numbers, at any width."""
    data = wild(tick)
    for width in range(40, 121):
        for strip in drawn(data, width, 16, cursor=5000):
            assert sum(len(segment.text) for segment in strip) == width


@pytest.mark.parametrize("width", range(40, 121))
def test_columns_stand_side_by_side(width: int) -> None:
    """Columns neither overlap nor leave the widget, and both bars have one scale."""
    placed = columns(width, 100)
    for left, right in pairwise(placed):
        assert left.x + left.width == right.x
    assert placed[0].x == 0
    assert placed[-1].x + placed[-1].width == width
    widths = {column.kind: column.width for column in placed}
    assert abs(widths[ColumnKind.BID] - widths[ColumnKind.ASK]) <= (
        placed[-1].kind is ColumnKind.ASK
    )


def test_columns_give_way_in_order() -> None:
    """Volume is dropped first, then queue, then gain; own orders stay to 40 columns."""
    seen = [{column.kind for column in columns(width, 100)} for width in range(120, 31, -1)]
    order = []
    for wider, narrower in pairwise(seen):
        if wider != narrower:
            order.append(wider - narrower)
    assert order == [
        {ColumnKind.VOLUME},
        {ColumnKind.AHEAD_BID, ColumnKind.AHEAD_ASK},
        {ColumnKind.GAIN},
    ]


def test_numbers_end_in_the_same_cell_whatever_their_size() -> None:
    """A column's digits align for all sizes."""
    texts = [strip.text for strip in drawn(wild(), 72, 40)]
    bid = next(column for column in columns(72, 100) if column.kind is ColumnKind.BID)
    ends = {text[bid.x + bid.width - 2] for text in texts[3:-3]}
    assert ends <= set("0123456789kM ")
    assert any(end.isdigit() for end in ends)


def test_all_ninety_nine_prices_show_on_a_tall_screen() -> None:
    """A tall screen shows 0.99 to 0.01 without a mark for hidden prices."""
    texts = [strip.text for strip in drawn(sketch(), 60, 103)]
    at = texts[1].index("price")
    prices = [text[at + 1 :][:4] for text in texts[2:101]]
    assert prices == [f"0.{cents:02d}" for cents in range(99, 0, -1)]
    assert not any("┼" in text for text in texts)


@pytest.mark.parametrize("height", range(1, 40))
def test_a_page_has_as_many_lines_as_its_height(height: int) -> None:
    """A page fills its height, and shows a price from one line on."""
    strips = drawn(sketch(), 60, height)
    assert len(strips) == height
    assert any("0.60" in strip.text for strip in strips)


def test_what_lies_beyond_is_marked() -> None:
    """The rule marks hidden best prices and own orders at their side."""
    data = sketch()
    data.asks = {9800: 100}
    data.bids = {6000: 100, 5900: 100}
    axis = Axis(100, rows=6)
    axis.centre(3000)
    page = Page(60, 12, axis)
    axis.rows = page.rows
    lines = page.lines(LadderView(data), None, None, focused=False)
    assert lines[2] == ("▲ ask 0.98 · bid 0.60 · last 0.61 · mine 85", True)
    axis.centre(8000)
    lines = page.lines(LadderView(data), None, None, focused=False)
    assert lines[2] == ("▲ ask 0.98", True)
    assert lines[-2] == ("▼ bid 0.60 · last 0.61 · mine 85", False)


def test_only_what_is_out_of_sight_is_beyond() -> None:
    """The first and the last visible price are not marked."""
    axis = Axis(100, rows=11)
    axis.centre(5000)
    for ask, above in ((5500, ""), (5600, "▲ ask 0.56")):
        assert beyond(LadderView(LadderData(asks={ask: 1})), axis, above=True) == above
    for bid, below in ((4500, ""), (4400, "▼ bid 0.44")):
        assert beyond(LadderView(LadderData(bids={bid: 1})), axis, above=False) == below


def test_bars_are_proportional_to_size() -> None:
    """Bars are proportional to an eighth of a cell; the least size is still visible."""
    data = LadderData(bids={5000: 10_000, 4900: 5_000, 4800: 2_500, 4700: 1})
    axis = Axis(100, rows=20)
    axis.centre(4900)
    lines = Page(56, 24, axis).lines(LadderView(data), None, None, focused=False)
    bars = [line.bid_bar for line in lines if isinstance(line, RowLine) and line.row.bid]
    cells = next(column.width for column in columns(56, 100) if column.kind is ColumnKind.BID)
    assert bars == [cells * 8, cells * 4, cells * 2, 1]


@pytest.mark.parametrize("width", range(1, 40))
def test_a_sliver_is_filled_too(width: int) -> None:
    """Below 40 columns, too, every line has the exact width."""
    for data in (sketch(), wild(1), thin()):
        for strip in drawn(data, width, 14, cursor=5000, pointer=(0, 5)):
            assert strip.cell_length == width
            assert len(strip.text) == width
