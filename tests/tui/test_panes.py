"""Panes: resized, hidden and maximised by key and mouse, with a stored layout."""

import asyncio
import json
import threading
from pathlib import Path

import pytest
from textual import events
from textual.geometry import Offset, Region

from predmarket.tui import layout
from predmarket.tui.screens.panes import PANES
from predmarket.tui.screens.trading import TradingScreen
from tests.tui.screens import Desktop, go_live, scripted
from tests.tui.script import market


def region(desktop: Desktop, pane: str) -> Region:
    """Return a pane's region, which is empty when hidden."""
    widget = desktop.app.screen.query_one(PANES[pane])
    within = (each for each in widget.ancestors_with_self if each is not desktop.app)
    return widget.region if all(each.display for each in within) else Region()


def regions(desktop: Desktop) -> dict[str, Region]:
    """Return each pane's region."""
    return {pane: region(desktop, pane) for pane in PANES}


def kept(folder: Path) -> dict[str, object]:
    """Return the stored layout, or an empty one without a file."""
    path = folder / layout.FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


async def drag(desktop: Desktop, start: Offset, end: Offset) -> None:
    """Press, move and release the left button."""
    pilot = desktop.pilot
    await pilot.mouse_down(offset=start)
    x, y = end
    move = events.MouseMove(None, x, y, 0, 0, 1, False, False, False, x, y)
    desktop.app.post_message(move)
    await pilot.pause()
    await pilot.mouse_up(offset=end)
    await pilot.pause()


async def test_keys_resize_hide_and_maximise(tmp_path: Path) -> None:
    """Keys change the focused pane but never hide the ladder; a new screen has the layout."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        usual = regions(desktop)

        await desktop.press("ctrl+right", "ctrl+right", "ctrl+down")
        wider, taller = usual["ladder"].width + 4, usual["lists"].height + 1
        await desktop.until(lambda: region(desktop, "ladder").width == wider, "wider")
        await desktop.until(lambda: region(desktop, "lists").height == taller, "shorter")
        now = regions(desktop)
        assert now["chart"].width == usual["chart"].width - 4

        await desktop.press("f3")
        await desktop.until(lambda: region(desktop, "ladder").width == 120, "maximised")
        assert not any(region(desktop, pane) for pane in PANES if pane != "ladder")
        await desktop.press("f3")
        await desktop.until(lambda: regions(desktop) == now, "back")

        await desktop.press("h")
        await desktop.sees("the ladder stays")
        desktop.app.screen.query_one("#positions").focus()
        await desktop.press("h")
        await desktop.sees("lists hidden; H shows all panes")
        await desktop.until(lambda: region(desktop, "ladder").height == 37, "hidden")
        assert not region(desktop, "lists")

    sizes = {"wide": {"ladder": wider}, "tall": {"lists": taller}}
    assert kept(tmp_path) == {"sizes": sizes, "hidden": ["lists"]}
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        await desktop.until(lambda: region(desktop, "ladder").width == wider, "as before")
        assert not region(desktop, "lists")
        await desktop.press("t")  # requests a list, so the lists are back
        await desktop.until(lambda: region(desktop, "lists").height == taller, "shown")
        await desktop.press("H")
        await desktop.until(lambda: regions(desktop) == usual, "as usual")
    assert kept(tmp_path) == {"sizes": {}, "hidden": []}


async def test_the_mouse_moves_the_lines_between_panes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dragging moves each seam; a double click on a title maximises, a second restores."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        before = regions(desktop)
        seam = Offset(before["markets"].right - 1, 10)
        await drag(desktop, seam, seam + Offset(4, 0))
        width = before["markets"].width + 4
        await desktop.until(lambda: region(desktop, "markets").width == width, "wider")

        seam = Offset(10, before["lists"].y - 1)
        await drag(desktop, seam, seam - Offset(0, 3))
        height = before["lists"].height + 3
        await desktop.until(lambda: region(desktop, "lists").height == height, "taller")

        flow = region(desktop, "flow")
        await drag(desktop, flow.offset + Offset(5, 0), flow.offset + Offset(5, 2))
        await desktop.until(lambda: region(desktop, "flow").height == flow.height - 2, "shorter")

        chart = region(desktop, "chart")
        monkeypatch.setattr(
            desktop.app, "CLICK_CHAIN_TIME_THRESHOLD", 60.0
        )  # on a busy machine too
        await desktop.pilot.click(offset=chart.offset + Offset(25, 0), times=2)
        await desktop.until(lambda: region(desktop, "chart").width == 120, "maximised")
        await desktop.pilot.click(offset=(60, 1), times=2)
        await desktop.until(lambda: region(desktop, "chart") == chart, "back")


@pytest.mark.parametrize("size", [(80, 24), (118, 36), (200, 60)])
async def test_whatever_is_wanted_every_pane_can_be_read(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    """Stored sizes of another terminal leave room for every pane."""
    names = ("narrow", "wide", "vast", "low", "tall", "high")
    wanted = {"markets": 900, "ladder": 900, "lists": 900, "flow": 900}
    text = json.dumps({"sizes": dict.fromkeys(names, wanted), "hidden": ["nothing"]})
    (tmp_path / layout.FILE).write_text(text, encoding="utf-8")
    async with scripted(tmp_path, size=size) as (desktop, script, _):
        await go_live(desktop, script)

        def readable() -> bool:
            places = [place for place in regions(desktop).values() if place]
            inside = all(Region(0, 0, *size).contains_region(place) for place in places)
            wide = all(place.width >= 20 for place in places)
            return inside and wide and region(desktop, "ladder").height >= 8

        await desktop.until(readable, "every pane readable")


async def test_the_markets_get_of_what_a_wider_terminal_has(tmp_path: Path) -> None:
    """A wider terminal widens the market list, so that a name fits beside its prices."""
    async with scripted(tmp_path, size=(160, 50)) as (desktop, script, _):
        await go_live(desktop, script)
        slug = "marathon-under-two-hours"
        found = market(1, slug, lastPrice="0.6000", bestBid="0.5900", bestAsk="0.6100")
        desktop.trader.state.markets.take([found])
        await desktop.until(lambda: "0.61" in desktop.text(), "prices")
        await desktop.sees(f" {slug} ")
        assert region(desktop, "markets").width == 52


async def test_a_layout_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """An unreadable layout gives a message and the default panes."""
    (tmp_path / layout.FILE).write_text("[1, 2", encoding="utf-8")
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        assert any("screen.json" in note.text for note in desktop.trader.state.journal.notes)
        assert isinstance(desktop.app.screen, TradingScreen)
    for damaged in (
        "{}",
        '{"sizes": {"wide": 3}, "hidden": [7]}',
        '{"sizes": {"wide": {"flow": true}}}',
    ):
        (tmp_path / layout.FILE).write_text(damaged, encoding="utf-8")
        assert layout.load(tmp_path, PANES) == (layout.Layout(), [])


async def test_the_end_waits_for_a_layout_that_is_being_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end waits for a layout's write, since its thread outlives a cancelled task."""
    begun, go_on, written = threading.Event(), threading.Event(), []

    def slowly(*_: object) -> None:
        begun.set()
        written.append(go_on.wait(10.0))

    monkeypatch.setattr(layout, "PAUSE_S", 0.0)
    monkeypatch.setattr(layout, "save", slowly)
    said: list[str] = []
    keeper = layout.Keeper(tmp_path, layout.Layout(), said.append)
    keeper.note()
    await asyncio.to_thread(begun.wait, 10.0)
    asyncio.get_running_loop().call_later(0.05, go_on.set)
    await keeper.end()
    assert (written, said) == ([True], [])
