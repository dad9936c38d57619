"""The ladder draws changed lines once a frame, and nothing else."""

from textual.app import App, ComposeResult

from predmarket.enums import Side
from predmarket.tui.state.ladder import OwnOrder
from predmarket.tui.widgets.ladder import Ladder
from tests.tui.books import sketch, wild

SIZE = (80, 103)


class Alone(App[None]):
    def __init__(self, ladder: Ladder) -> None:
        super().__init__()
        self.ladder = ladder

    def compose(self) -> ComposeResult:
        yield self.ladder


async def test_a_burst_draws_each_changed_line_once_a_frame() -> None:
    """10 000 changes at ten prices in 20 frames draw at most ten lines and the foot in each."""
    data = wild()
    data.asks, bids = {}, dict(data.bids)
    data.bids = bids
    bids[100] = 100_000_000  # keeps the scale of the bars
    ladder = Ladder(data)
    async with Alone(ladder).run_test(size=SIZE) as pilot:
        await pilot.pause()
        before = ladder.drawn
        for frame in range(20):
            for change in range(500):
                bids[4_000 + change % 10 * 100] = 1_000 * (1 + (frame * 500 + change) % 977)
            assert ladder.drawn <= before + frame * 11, "drew between two frames"
            ladder.tick()
            await pilot.pause()
        assert 0 < ladder.drawn - before <= 20 * 11


async def test_a_still_book_draws_nothing() -> None:
    """Frames without a change draw no line."""
    ladder = Ladder(sketch())
    async with Alone(ladder).run_test(size=SIZE) as pilot:
        ladder.tick()
        await pilot.pause()
        before = ladder.drawn
        for _ in range(5):
            ladder.tick()
            await pilot.pause()
        assert ladder.drawn == before


async def test_an_own_order_draws_its_line_and_the_totals() -> None:
    """An own order draws two of 103 lines."""
    data = sketch()
    ladder = Ladder(data)
    async with Alone(ladder).run_test(size=SIZE) as pilot:
        ladder.tick()
        await pilot.pause()
        before = ladder.drawn
        data.own = [*data.own, OwnOrder(7, Side.BUY, 5_500, 100, 0)]
        ladder.tick()
        await pilot.pause()
        assert ladder.drawn - before == 2


async def test_a_new_theme_repaints_every_line() -> None:
    """A new theme invalidates every cached line."""
    ladder = Ladder(sketch())
    app = Alone(ladder)
    async with app.run_test(size=SIZE) as pilot:
        ladder.tick()
        await pilot.pause()
        dark = ladder.render_line(42)
        app.theme = "textual-light"
        await pilot.pause()
        await pilot.pause()
        light = ladder.render_line(42)
        assert dark.text == light.text
        assert [segment.style for segment in dark] != [segment.style for segment in light]
        assert light == ladder.render_line(42)


async def test_another_tick_is_another_axis() -> None:
    """A finer tick recentres the ladder and removes the cursor."""
    ladder = Ladder(sketch())
    async with Alone(ladder).run_test(size=(72, 24)) as pilot:
        ladder.tick()
        ladder.move_cursor(0)
        ladder.data = wild(10)
        ladder.tick()
        await pilot.pause()
        texts = [ladder.render_line(y).text for y in range(24)]
        assert any("0.500 │" in text for text in texts)
        assert not any("▸" in text for text in texts)


async def test_a_press_marks_no_text() -> None:
    """A press does not select text, which would repaint the whole widget."""
    ladder = Ladder(sketch())
    async with Alone(ladder).run_test(size=SIZE):
        assert not ladder.allow_select
