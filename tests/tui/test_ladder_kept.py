"""The ladder's cached lines equal a fresh drawing."""

import random
from dataclasses import replace

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widget import Widget

from predmarket.tui.state.axis import Axis
from predmarket.tui.state.ladder import LadderView
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.ladder_columns import ColumnKind, columns
from predmarket.tui.widgets.ladder_page import Page, Pointer
from predmarket.tui.widgets.ladder_painter import Painter
from predmarket.tui.widgets.ladder_rows import RowLines
from tests.tui.books import sketch
from tests.tui.golden import NamedPalette, written
from tests.tui.screens import stirred

WIDTH, HEIGHT = 110, 24


def test_kept_rows_and_cells_are_as_made_anew() -> None:
    """Cached lines equal fresh ones through 600 changes of rows, bars, marks and cells."""
    chance = random.Random(11)
    data, kept = sketch(), RowLines()
    axis = Axis(100)
    axis.rows = Page(WIDTH, HEIGHT, axis).rows
    axis.centre(6_000)
    placed = columns(WIDTH, 100)
    assert {column.kind for column in placed} == {*ColumnKind}
    painter = Painter(NamedPalette(), placed, WIDTH, 100)
    cumulative, cursor, pointer = False, None, None
    for step in range(600):
        data = stirred(data, chance)
        if not data.bids:
            data = replace(data, bids=sketch().bids)
        match step % 7:
            case 0:
                axis.scroll(chance.randint(-2, 2))
            case 1:
                cursor = chance.choice((None, 6_000, 6_100))
            case 2:
                pointer = Pointer(chance.randint(0, WIDTH - 1), chance.randint(0, HEIGHT - 1))
            case 3:
                cumulative = chance.random() < 0.3
        view = LadderView(data, cumulative=cumulative)
        lines, fresh = (
            Page(WIDTH, HEIGHT, axis, kept=each).lines(view, cursor, pointer, focused=True)
            for each in (kept, RowLines())
        )
        assert lines == fresh
        anew = Painter(NamedPalette(), placed, WIDTH, 100)
        assert written(map(painter.paint, lines)) == written(map(anew.paint, lines))


async def test_what_goes_to_the_screen_is_what_textual_would_put_there() -> None:
    """Border, title and lines equal Textual's after changes, focus and another theme."""

    class Boxed(App[None]):
        CSS = "Ladder { border: round red; padding: 0 1; } Ladder:focus { border: round blue; }"

        def compose(self) -> ComposeResult:
            yield Ladder(sketch())

    chance = random.Random(3)
    app = Boxed()
    async with app.run_test(size=(90, HEIGHT)) as pilot:
        ladder = app.query_one(Ladder)
        ladder.border_title = "Ladder"
        for step in range(12):
            ladder.data = stirred(ladder.data, chance)
            if step == 3:
                ladder.focus()
            if step == 6:
                app.theme = "textual-light"
            if step == 9:
                ladder.border_title = "another"
            ladder.tick()
            await pilot.pause()
            whole = ladder.outer_size.region
            ours = ladder.render_lines(whole)
            ladder.refresh()  # Textual caches nothing of it
            textuals = Widget.render_lines(ladder, whole)
            assert [[*strip.simplify()] for strip in ours] == [
                [*strip.simplify()] for strip in textuals
            ]
            part = Region(3, 2, 40, 5)
            assert [strip.text for strip in ladder.render_lines(part)] == [
                strip.text[3:43] for strip in ours[2:7]
            ]
