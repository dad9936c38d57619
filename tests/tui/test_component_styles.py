"""Cached component styles equal the styles that Textual computes."""

from typing import Any, ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import DataTable, Input

from predmarket.tui.widgets.component_styles import CachingStylesheet
from predmarket.tui.widgets.ladder import Ladder


class Box(Widget, can_focus=True):
    """A widget whose component rules each depend on another condition."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"box--{n}" for n in range(1, 7)}
    DEFAULT_CSS = """
    Box {
        .box--1 { color: $primary; }
        &:focus .box--2 { color: red; }
        &.-on .box--3 { color: red; }
    }
    """


class Shown(App[None]):
    """Two boxes in different places, and widgets of the program."""

    AUTO_FOCUS = None
    CSS = """
    #inner .box--4 { color: red; }
    .-wide Box .box--5 { color: red; }
    Vertical:disabled Box .box--6 { color: red; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.stylesheet = CachingStylesheet(variables=self.get_css_variables())

    def compose(self) -> ComposeResult:
        with Vertical(id="inner"):
            yield Box()
        yield Box(id="second")
        yield Input()
        yield Ladder()


Styles = dict[DOMNode, dict[str, dict[str, object]]]


def kept(app: App[None]) -> Styles:
    """Return the cached rules of all components on the screen."""
    return {
        node: {name: dict(node.get_component_styles(name).get_rules()) for name in components(node)}
        for node in app.screen.walk_children(Widget, with_self=True)
    }


def components(widget: Widget) -> set[str]:
    """Return the component classes of a widget."""
    return {
        name for kind in type(widget).__mro__ for name in vars(kind).get("COMPONENT_CLASSES", ())
    }


def made_anew(app: App[None]) -> Styles:
    """Return the rules that Textual computes for them now."""
    textuals = app.stylesheet.copy()
    textuals.reparse()
    textuals.update(app.screen)
    return kept(app)


async def test_every_change_that_a_rule_asks_for() -> None:
    """Changes of focus, classes, ancestors, theme and widget type take effect at once."""
    app = Shown()
    async with app.run_test() as pilot:
        boxes = [*app.query(Box)]
        seen = [kept(app)]

        async def look() -> None:
            await pilot.pause()
            seen.append(kept(app))
            assert seen[-1] == made_anew(app)
            assert {box: seen[-1][box] for box in boxes} not in [
                {box: before[box] for box in boxes} for before in seen[:-1]
            ]

        assert seen[0] == made_anew(app)
        assert seen[0][boxes[0]] != seen[0][boxes[1]]
        boxes[0].focus()
        await look()
        boxes[1].add_class("-on")
        await look()
        app.screen.add_class("-wide")
        await look()
        app.query_one(Vertical).disabled = True
        await look()
        app.theme = "textual-light"
        await look()
        await app.mount(DataTable())  # the rules change from here on
        await pilot.pause()
        assert kept(app) == made_anew(app)


async def test_what_has_not_changed_is_not_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes without component rules, and a full redraw, recompute nothing."""
    app = Shown()
    made: list[DOMNode] = []
    own = Stylesheet.apply

    def counted(self: Stylesheet, node: DOMNode, **more: Any) -> None:  # noqa: ANN401
        if not isinstance(node, Widget):  # the placeholder of a component during its computation
            made.append(node)
        own(self, node, **more)

    async with app.run_test() as pilot:
        monkeypatch.setattr(Stylesheet, "apply", counted)
        app.screen.add_class("-unnamed")
        app.stylesheet.update(app.screen)
        await pilot.pause()
        assert made == []
