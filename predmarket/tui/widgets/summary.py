"""Lines that sum a screen up, above its lists."""

from predmarket.tui.widgets.panel import Line, Panel


class Summary(Panel):
    """Two lines, which the screen sets."""

    DEFAULT_CSS = "Summary { height: 2; padding: 0 1; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.parts: tuple[Line, ...] = ()

    def stamp(self) -> object:
        return self.parts

    def lines(self, _width: int, _height: int) -> list[Line]:
        return [*self.parts]
