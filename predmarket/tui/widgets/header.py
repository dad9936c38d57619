"""The header: the market, its prices, the status light, the user, and SAFE or ARM."""

from dataclasses import dataclass

from rich.cells import cell_len

from predmarket.tui.state import formatting
from predmarket.tui.state.connection_status import Light
from predmarket.tui.state.events import Event
from predmarket.tui.state.markets import Market
from predmarket.tui.widgets.panel import Line, Panel, Span, fit, join
from predmarket.units import Micros

_LAMP = {
    Light.LIVE: ("●", "gain"),
    Light.CONNECTING: ("◌", "warn"),
    Light.STALE: ("▲", "warn"),
    Light.LOST: ("✕", "loss"),
}
_MANY_WAIT = 100
"""Messages that wait; with more of them the lamp shows how many."""
_STATUS = {"OPEN": "gain", "HALTED": "warn", "CLOSED": "dim", "DRAFT": "dim"}


@dataclass(slots=True)
class HeaderData:
    """What the first line shows. ``age`` is that of the data, None before any came; ``unconfirmed``
    names a kill switch.
    """

    about: Market | Event | None = None
    now: Micros = 0
    light: Light = Light.CONNECTING
    age: Micros | None = None
    who: str = ""
    armed: bool = False
    unconfirmed: str = ""
    limits: str = ""
    waiting: int = 0


class Header(Panel):
    """Always one line; what matters least goes first when room lacks."""

    DEFAULT_CSS = """
    Header { height: 1; background: $panel; dock: top; }
    """

    def __init__(self, *, plain: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.data = HeaderData()
        self._plain = plain

    def stamp(self) -> object:
        data, about = self.data, self.data.about
        return (
            about and (about.title, about.status, about.outcome, about.proposal),
            self._closes(), self._lamp(), data.who, data.armed, data.unconfirmed, data.limits,
        )  # fmt: skip

    def lines(self, width: int, _height: int) -> list[Line]:
        data = self.data
        right = [self._lamp(), (Span(data.who, "dim"),), (self._arming(),)]
        if data.unconfirmed:
            right.insert(0, (Span(f" {data.unconfirmed} UNCONFIRMED ", "losstag"),))
        left: list[tuple[Span, ...]] = [(Span(" predmarket", "accent"),)]
        if data.about is not None:
            status, outcome = data.about.status, data.about.outcome
            left.append((Span(data.about.title, "strong"),))
            words = status if outcome is None else f"{status} {outcome}"
            left.append((Span(words, _STATUS.get(status, "accent")),))
            if data.about.proposal is not None:
                left.append((Span(f"{data.about.proposal.outcome} proposed", "warn"),))
        closes = (Span(self._closes(), "dim"),) if self._closes() else None
        if closes is not None:
            left.append(closes)
        limits = (Span(data.limits, "dim"),) if data.limits else None
        if limits is not None:
            left.append(limits)
        room = width - 1
        if _long(left) + _long(right) + 2 > room and limits is not None:
            left.remove(limits)
        if _long(left) + _long(right) + 2 > room and closes is not None:
            left.remove(closes)
        if _long(left) + _long(right) + 2 > room:
            right.remove((Span(data.who, "dim"),))
        if _long(left) + _long(right) + 2 > room:
            del left[0]
        if data.about is not None:
            over = _long(left) + _long(right) + 2 - room
            if over > 0:
                at = next(i for i, part in enumerate(left) if part[0].tone == "strong")
                text = left[at][0].text
                left[at] = (Span(fit(text, max(8, cell_len(text) - over)), "strong"),)
        if left[0][0].tone != "accent":
            left[0] = (Span(" " + left[0][0].text, left[0][0].tone),)
        start, end = join(left), join(right)
        gap = max(1, width - _length(start) - _length(end))
        return [Line((*start, Span(" " * gap), *end))]

    def _closes(self) -> str:
        about = self.data.about
        if about is None or about.final:
            return ""
        if about.proposal is not None:
            return f"happens {about.proposal.when(self.data.now)}"
        if about.closes_at is None:
            return ""
        return f"closes in {formatting.span(about.closes_at - self.data.now)}"

    def _lamp(self) -> tuple[Span, ...]:
        data = self.data
        sign, tone = _LAMP[data.light]
        words = str(data.light.value)
        if data.age is not None and data.light is not Light.CONNECTING:
            words += f" {fit(formatting.age(data.age), 4)}"
        if data.waiting > _MANY_WAIT:
            words += f", {data.waiting} behind"
        return (Span(words if self._plain else f"{sign} {words}", tone),)

    def _arming(self) -> Span:
        return Span(" ARM ", "losstag") if self.data.armed else Span(" SAFE ", "gaintag")


def _long(parts: list[tuple[Span, ...]]) -> int:
    return _length(join(parts))


def _length(spans: tuple[Span, ...]) -> int:
    return sum(cell_len(span.text) for span in spans)
