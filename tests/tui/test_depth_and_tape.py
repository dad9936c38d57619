"""The depth and the tape: sums, lines, and the number of redraws."""

from collections import deque

import pytest
from textual.app import App, ComposeResult

from predmarket.enums import Side
from predmarket.tui.state.depth import DepthData, DepthView, plain_lines
from predmarket.tui.state.tape import Print, TapeData, clock_text, prints
from predmarket.tui.widgets import depth as drawing
from predmarket.tui.widgets import tape as paper
from predmarket.tui.widgets.depth import Depth, depth_lines
from predmarket.tui.widgets.tape import Tape, tape_lines
from tests.tui.books import sketch, wild
from tests.tui.golden import NamedPalette, expect, written

AT = 1_790_000_000_000_000


def book() -> DepthData:
    return DepthData(bids=sketch().bids, asks=sketch().asks)


def trade(price: int, qty: int, taker: Side, at: int = AT) -> Print:
    return Print(at, price, qty, taker, 1)


TRADES = (
    trade(6_100, 4_000, Side.BUY, AT),
    trade(6_000, 1_500, Side.SELL, AT - 2_000_000),
    trade(6_000, 500, Side.SELL, AT - 2_000_000),
    trade(5_900, 125, Side.SELL, AT - 2_000_000),
    trade(6_100, 100_000_000, Side.BUY, AT - 14_000_000),
    trade(6_100, 1, Side.BUY, AT - 15_000_000),
)


@pytest.mark.parametrize(("width", "height", "reach"), [(40, 8, 5_000), (60, 10, 1_000)])
def test_the_depth_looks_as_it_was_found_good(width: int, height: int, reach: int) -> None:
    """The depth equals its golden file: bids left, asks right, prices below."""
    lines = depth_lines(DepthView(book(), reach), width, height, None)
    strips = [drawing.paint(line, width, NamedPalette()) for line in lines]
    expect(f"depth-{width}x{height}", written(strips))


@pytest.mark.parametrize(("width", "head"), [(18, "1740 bids 555 asks"), (17, "1740          555")])
def test_the_sums_of_the_depth_never_run_together(width: int, head: str) -> None:
    """Without room the sums lose their words."""
    line = next(iter(depth_lines(DepthView(book(), 1_000), width, 8, None)))
    assert "".join(run.text for run in line) == head


@pytest.mark.parametrize("width", [20, 30, 48])
def test_the_tape_looks_as_it_was_found_good(width: int) -> None:
    """The tape equals its golden file; without room it drops count and time."""
    strips = [
        paper.paint(line, width, NamedPalette())
        for line in tape_lines(TapeData(trades=TRADES), width, 6)
    ]
    assert {sum(len(segment.text) for segment in strip) for strip in strips} == {width}
    expect(f"tape-{width}", written(strips))


def test_depth_sums_from_the_best_price_and_stays_beyond_the_last() -> None:
    """Depth at a price is the quantity that an order to that price would find."""
    view = DepthView(book(), 5_000)
    assert [view.to(Side.BUY, price) for price in (6_000, 5_950, 5_900, 5_000)] == [
        *(6_000, 6_000, 28_000, 174_000)
    ]
    assert [view.to(Side.SELL, price) for price in (6_000, 6_100, 9_900)] == [0, 4_000, 55_500]


@pytest.mark.parametrize("data", [DepthData(), DepthData(bids={5_000: 1}), DepthData(tick=1)])
@pytest.mark.parametrize("size", [(1, 1), (5, 2), (20, 3), (80, 20)])
def test_a_thin_book_fills_its_space_too(data: DepthData, size: tuple[int, int]) -> None:
    """With no level, one side or few cells the depth fills its whole size."""
    width, height = size
    lines = list(depth_lines(DepthView(data, 5_000), width, height, 0))
    assert len(lines) == height
    assert {drawing.paint(line, width, NamedPalette()).cell_length for line in lines} == {width}
    assert plain_lines(DepthView(data, 5_000), 4)


def test_depth_never_shrinks_away_from_the_middle() -> None:
    """Depth is monotone on both sides of a full book of any tick."""
    for tick in (1000, 100, 10, 1):
        data = wild(tick)
        cells = list(DepthView(DepthData(tick, data.bids, data.asks), 5_000).cells(77))
        bids = [cell.depth for cell in cells if cell.side is Side.BUY]
        asks = [cell.depth for cell in cells if cell.side is Side.SELL]
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        assert bids[0] == sum(data.bids.values())
        assert asks[-1] == sum(data.asks.values())


def test_what_one_order_took_at_one_price_is_one_print() -> None:
    """Trades of one time, side and price are one line; another price is another line."""
    assert [(each.qty, each.trades) for each in prints(TRADES, 9)] == [
        *((4_000, 1), (2_000, 2), (125, 1), (100_000_000, 1), (1, 1))
    ]
    assert [each.qty for each in prints(TRADES, 2)] == [4_000, 2_000]
    assert list(prints((), 5)) == []


def test_the_time_of_day_may_be_local() -> None:
    """The time of day is computed from µs since 1970 and the local offset."""
    assert clock_text(AT) == "14:13:20"
    assert clock_text(AT, 10 * 3600) == "00:13:20"
    assert clock_text(AT, -15 * 3600) == "23:13:20"


class Both(App[None]):
    """A depth above a tape."""

    def __init__(self, depth: Depth, tape: Tape) -> None:
        super().__init__()
        self.depth, self.tape = depth, tape

    def compose(self) -> ComposeResult:
        yield self.depth
        yield self.tape


async def test_they_draw_what_changed_and_nothing_else() -> None:
    """Unchanged data draws nothing; a trade shifts the tape once; z zooms in."""
    trades = deque(TRADES)
    app = Both(Depth(book()), Tape(TapeData(trades=trades)))
    async with app.run_test(size=(60, 20)) as pilot:
        app.depth.tick()
        app.tape.tick()
        await pilot.pause()
        before = app.depth.drawn, app.tape.drawn
        for _ in range(3):
            app.depth.tick()
            app.tape.tick()
            await pilot.pause()
        assert (app.depth.drawn, app.tape.drawn) == before
        trades.appendleft(trade(6_200, 100, Side.BUY, AT + 1_000_000))
        app.tape.tick()
        await pilot.pause()
        assert 0 < app.tape.drawn - before[1] <= 10
        assert app.tape.render_line(0).text.startswith("14:13:21  ▲ 0.62 ×")
        low = app.depth.render_line(9).text
        app.depth.focus()
        await pilot.press("z")
        assert app.depth.render_line(9).text != low


async def test_plain_they_speak() -> None:
    """Plain mode has one fact per line."""
    app = Both(Depth(book(), plain=True), Tape(TapeData(trades=TRADES), plain=True))
    async with app.run_test(size=(60, 20)):
        assert app.depth.render_line(0).text.rstrip() == "bids to 0.60: 60"
        assert app.depth.render_line(1).text.rstrip() == "asks to 0.61: 40"
        assert app.tape.render_line(1).text.rstrip() == "14:13:18 sell 20 at 0.60, 2 trades"
