"""Lines written past the compositor leave the terminal as Textual itself would."""

import random
import re
from types import SimpleNamespace
from typing import Self, cast

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from predmarket.tui.widgets.direct_paint import Direct
from predmarket.tui.widgets.ladder import Ladder
from tests.support.textual_internals import full_update
from tests.tui.books import sketch
from tests.tui.screens import stirred
from tests.tui.terminal import Screen

SIZES = [(100, 24), (90, 20)]


def test_without_what_is_private_to_textual_the_way_is_barred() -> None:
    """Without Textual's private names Textual draws everything, and nothing fails."""
    app = SimpleNamespace(screen=SimpleNamespace(_compositor=SimpleNamespace()))
    widget = cast("Widget", SimpleNamespace(app=app))
    assert Direct(widget).corner() is None


class Coloured(Screen):
    """A terminal that records its cells' colours, too."""

    _colours = ""

    def obey(self, code: re.Match[str]) -> None:
        if code["letter"] == "m":
            self._colours = code[0]
        super().obey(code)

    def put(self, char: str) -> None:
        x, y = self._x, self._y
        super().put(char)
        if char >= " " and y < len(self._cells) and x < len(self._cells[y]):
            self._cells[y][x] += self._colours


class Dialog(ModalScreen[None]):
    """A dialog that leaves a part of the screen below visible."""

    CSS = "Dialog { align: center middle; } Dialog Static { width: 12; height: 3; }"

    def compose(self) -> ComposeResult:
        yield Static("a dialog")


class Asking(Ladder):
    """A ladder that counts its requests for a redraw by Textual."""

    asked = 0

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        self.asked += 1
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class Drawn(App[None]):
    """A ladder in a box beside another widget, with margins, drawn to a terminal."""

    CSS = """
    Screen { layers: below above; }
    Ladder { border: round red; padding: 0 1; width: 1fr; }
    Horizontal { margin: 1 4; }
    #beside { width: 20; }
    #over { layer: above; width: 30; height: 3; offset: 4 6; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.ladder = Asking(sketch())
        self.terminal = Coloured(*SIZES[0])

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("beside", id="beside")
            yield self.ladder
        yield Static("over", id="over")

    @property
    def is_headless(self) -> bool:
        return False

    def attach(self, size: tuple[int, int]) -> None:
        """Write to an empty terminal of ``size`` from now on."""
        self.terminal = terminal = Coloured(*size)
        assert self._driver is not None
        self._driver.write = lambda data: terminal.write(data.encode())  # type: ignore[method-assign]
        self.refresh()

    def anew(self) -> list[str]:
        """Return the terminal's contents after a full redraw by Textual."""
        terminal = Coloured(*self.size)
        terminal.write(full_update(self.screen).encode())
        return terminal.lines


def change(app: Drawn, chance: random.Random) -> None:
    """Change and draw something that the ladder shows."""
    before = app.ladder.shown_lines
    while app.ladder.shown_lines == before:
        app.ladder.data = stirred(app.ladder.data, chance)
        app.ladder.tick()


async def settled(pilot: Pilot[None]) -> None:
    """Wait until Textual has drawn its pending updates."""
    for _ in range(3):
        await pilot.pause(1 / 60)


async def test_a_changed_line_goes_straight_to_the_terminal() -> None:
    """A changed line appears at once, without the compositor."""
    app, chance = Drawn(), random.Random(2)
    async with app.run_test(size=SIZES[0]) as pilot:
        app.attach(SIZES[0])
        await settled(pilot)
        for _ in range(40):
            before, asked = app.terminal.lines, app.ladder.asked
            change(app, chance)
            assert before != app.terminal.lines == app.anew()
            assert app.ladder.asked == asked


async def test_the_terminal_shows_what_textual_would_draw() -> None:
    """Both ways agree under widgets and dialogs, during held updates, hidden, and resized."""
    app, chance = Drawn(), random.Random(5)
    async with app.run_test(size=SIZES[0]) as pilot:
        app.attach(SIZES[0])
        over = app.query_one("#over")
        for step in range(32):
            match step % 8:
                case 0:
                    over.display = not over.display
                case 1:
                    app.ladder.offset = Offset(chance.randint(-3, 3), chance.randint(-3, 3))
                case 2:
                    app.ladder.offset = Offset(0, 0)
                case 3:
                    await app.push_screen(Dialog())
                case 4:
                    app.pop_screen()
                case 5:
                    size = SIZES[step // 8 % 2]
                    await pilot.resize_terminal(*size)
                    app.attach(size)
                case 6:
                    app.ladder.border_title = f"step {step}"
            change(app, chance)
            with app.batch_update():
                change(app, chance)
            await settled(pilot)
            change(app, chance)
            await settled(pilot)
            assert app.terminal.lines == app.anew(), f"after step {step}"
