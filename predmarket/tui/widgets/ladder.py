"""The price ladder: the book at fixed prices, traded on with the mouse or a keyboard cursor.

The axis moves only when the trader moves it. It is centred once, when the book arrives; with an
empty book it is centred on 0.50, so that the first order moves no price. tick() compares the screen
with the data and repaints the lines that differ; nothing else repaints, for any number of changes.
Placing is only described in SAFE; in ARM it becomes a message. Cancelling always becomes a message.
A click is held if its target moved less than 200 ms ago (state/click_guard.py).
"""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.strip import Strip

from predmarket.enums import Side
from predmarket.tui.state.axis import Axis
from predmarket.tui.state.click_guard import ClickGuard, Hand
from predmarket.tui.state.formatting import price_text
from predmarket.tui.state.ladder import (
    Cancel,
    CancelAll,
    Intent,
    LadderData,
    LadderView,
    Move,
    Place,
    Row,
)
from predmarket.tui.state.ladder_text import describe
from predmarket.tui.widgets import ladder_style as look
from predmarket.tui.widgets.ladder_columns import columns
from predmarket.tui.widgets.ladder_keys import BINDINGS
from predmarket.tui.widgets.ladder_lines import Line, RowLine
from predmarket.tui.widgets.ladder_messages import LadderMessages
from predmarket.tui.widgets.ladder_page import Page, Pointer, Spot
from predmarket.tui.widgets.ladder_painter import Painter
from predmarket.tui.widgets.ladder_rows import RowLines
from predmarket.tui.widgets.line_widget import LineWidget, fit_to_be_shown
from predmarket.tui.widgets.palette import Palette
from predmarket.units import PRICE_ONE, Price

LEFT, RIGHT = 1, 3
NOTE_SECONDS = 2.0
"""How long the hint gives way to what was not sent and why."""


class Ladder(LadderMessages, LineWidget[Line], can_focus=True):
    """Draws ``data``; whoever owns it changes it and calls tick() once a frame."""

    DEFAULT_CSS = look.CSS
    COMPONENT_CLASSES: ClassVar[set[str]] = {look.PREFIX + role for role in look.ROLES}
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(
        self,
        data: LadderData | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        plain: bool = False,
        id: str | None = None,  # the name that every widget has for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.data = data or LadderData()
        self.plain = plain
        self._clock = clock
        self._axis = Axis(self.data.tick)
        self._guard = ClickGuard(clock)
        self._hand = Hand()
        self._cumulative = False
        self._of = (self.data.market, self.data.tick)
        self._centred = False
        """Whether it stands where it stays, since the book came or the trader moved it."""
        self._placed = False
        """Whether it stands on a price that was known before the book came."""
        self.cursor: Price | None = None
        """The price under the keyboard's cursor."""
        self._said = ("", -NOTE_SECONDS)
        self._watched: Row | None = None
        self._pointer: Pointer | None = None
        self._pressed: tuple[Spot, str | None] | None = None
        self._painter: Painter | None = None
        self._kept = RowLines()

    # what the screen calls

    def wanted(self, size: Size) -> Sequence[Line]:
        view = self._view()
        self._follow(view)
        self._watch_cursor(view)
        said, since = self._said
        note = said if self._clock() - since < NOTE_SECONDS else ""
        page = Page(*size, self._axis, plain=self.plain, kept=self._kept)
        return page.lines(view, self.cursor, self._pointer, focused=self.has_focus, note=note)

    def changed(self, before: Line, after: Line) -> None:
        if isinstance(before, RowLine) and isinstance(after, RowLine):
            was, now = before.row, after.row
            if was is not now and was.price == now.price:
                self._guard.row_changed(was, now)

    def _watch_cursor(self, view: LadderView) -> None:
        """Note what changed at the cursor, where it has no line of its own too."""
        before, self._watched = self._watched, None
        if self.cursor is not None:
            self._watched = view.row(self.cursor)
            if before is not None and before.price == self.cursor and before != self._watched:
                self._guard.row_changed(before, self._watched)

    def recentre(self) -> None:
        """Bring the middle of the book into the middle of the window."""
        self._centred = True
        middle = self._view().middle
        if self._axis.centre(PRICE_ONE // 2 if middle is None else middle):
            self._guard.axis_moved()
        self.tick()

    def toggle_cumulative(self) -> None:
        """Show all that rests up to each price, or what rests at it."""
        self._cumulative = not self._cumulative
        self.tick()

    def move_cursor(self, rows: int) -> None:
        """Move the keyboard cursor down the prices, up if negative; the window follows."""
        view, axis = self._view(), self._axis
        self._centred = True
        if self.cursor is None:
            start = view.middle or PRICE_ONE // 2
            row = axis.row(start)
            self.cursor = start if row is not None else axis.price(axis.shown // 2)
        else:
            price = self.cursor - rows * axis.tick
            self.cursor = max(axis.tick, min(price, PRICE_ONE - axis.tick))
        if axis.reveal(self.cursor):
            self._guard.axis_moved()
        self.tick()

    def place_at_cursor(self, side: Side, qty_index: int = 0) -> None:
        """Do what a click on the cursor's size of ``side`` does."""
        price = self._cursor_in_sight()
        if price is not None:
            self._attempt(side, price, Place(side, price, qty_index), own=False)

    def cancel_at_cursor(self) -> None:
        """Do what a click on one's own orders at the cursor does."""
        price = self._cursor_in_sight()
        if price is None:
            return
        view = self._view()
        intents = [intent for side in Side if (intent := view.cancel(side, price))]
        for intent in intents:
            self._attempt(intent.side, price, intent, own=True)
        if not intents:
            self._say(self.Note("no order of yours there"))

    def _cursor_in_sight(self) -> Price | None:
        """Return the cursor's price; where it could not be seen, show it and return None."""
        cursor = self.cursor
        if cursor is None:
            self.move_cursor(0)
            at = price_text(self.cursor or 0, self._axis.tick)
            self._say(self.Held(f"no price was chosen: the cursor is at {at} now"))
            return None
        if self._axis.row(cursor) is None:
            self.move_cursor(0)
            self._say(self.Held("the cursor was out of sight"))
            return None
        return cursor

    # keys

    def on_key(self, event: events.Key) -> None:
        self._hand.pressed(event.key, event.time)  # its action comes later

    def action_move(self, rows: int) -> None:
        self.move_cursor(rows)

    def action_place(self, side: str, qty_index: int) -> None:
        why = self._hand.reason()
        if why is None:
            self.place_at_cursor(Side(side), qty_index)
        else:
            self._say(self.Held(why))

    def action_touch(self, side: str, better: int) -> None:
        """Place an order at a side's best price, improved by ``better`` ticks, where it rests."""
        price, why = self._view().touch(Side(side), better), self._hand.reason()
        if why is not None:
            self._say(self.Held(why))
        elif price is None:
            self._say(self.Note(f"there is no price for a {side} there that would rest"))
        else:
            self._attempt(Side(side), price, Place(Side(side), price, 0), own=False)

    def action_shift(self, ticks: int) -> None:
        """Move one's own orders at the cursor by ``ticks``; the cursor moves along."""
        price = self._cursor_in_sight()
        if price is None:
            return
        to, view = price + ticks * self._axis.tick, self._view()
        moves = [move for side in Side if (move := view.move(side, price, to))]
        for move in moves:
            self._attempt(move.side, price, move, own=True)
        if moves:
            self.move_cursor(-ticks)
        else:
            self._say(self.Note("no order of yours to move there"))

    def action_cancel(self) -> None:
        self.cancel_at_cursor()

    def action_cumulative(self) -> None:
        self.toggle_cumulative()

    def action_centre(self) -> None:
        self.recentre()

    # pointer

    def on_mouse_move(self, event: events.MouseMove) -> None:
        offset = event.get_content_offset(self)
        self._pointer = None if offset is None else Pointer(offset.x, offset.y)

    def on_leave(self) -> None:
        self._pointer = None

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(3, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-3, event)

    def _scroll(self, rows: int, event: events.MouseEvent) -> None:
        if self._axis.scroll(rows):
            self._centred = True
            self._guard.axis_moved()
            event.stop()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember what the button went down on: a click means that, or nothing."""
        spot = self._spot(event)
        if spot is None:
            self._pressed = None
            return
        self.tick()
        why = None
        if spot.price is not None and spot.kind.side is not None:
            why = self.reason(spot.kind.side, spot.price, own=spot.kind.own, pointer=True)
        self._pressed = (spot, why)

    def on_click(self, event: events.Click) -> None:
        pressed, self._pressed = self._pressed, None
        spot = self._spot(event)
        if spot is None or event.button not in {LEFT, RIGHT} or pressed is None:
            return
        event.stop()
        self.tick()
        aimed, why = pressed
        side, own = spot.kind.side, spot.kind.own
        if aimed != spot:
            if (aimed.kind, aimed.y) == (spot.kind, spot.y):
                self._say(self.Held("the prices moved under the click"))
            elif own and side and aimed.kind is spot.kind and aimed.price and spot.price:
                move = self._view().move(side, aimed.price, spot.price)
                self._attempt(side, aimed.price, move, own=True, pointer=True, why=why)
        elif spot.size is not None:
            self.post_message(self.SizeChosen(spot.size, second=event.button == RIGHT))
        elif spot.price is None:
            if side is not None:
                self._act(CancelAll(side))
        elif side is None:
            self.cursor = spot.price
            self.tick()
        else:
            place = Place(side, spot.price, int(event.button == RIGHT))
            intent = self._view().cancel(side, spot.price) if own else place
            self._attempt(side, spot.price, intent, own=own, pointer=True, why=why)

    def _attempt(
        self,
        side: Side,
        price: Price,
        intent: Intent | None,
        *,
        own: bool,
        pointer: bool = False,
        why: str | None = None,
    ) -> None:
        """Act, unless what the trader aimed at has just changed; ``why`` says it had before."""
        why = why or self.reason(side, price, own=own, pointer=pointer)
        if why is not None:
            self._say(self.Held(why))
        elif intent is not None:
            self._act(intent)

    def reason(self, side: Side, price: Price, *, own: bool, pointer: bool) -> str | None:
        """Return why a click or a key there would be held, None if it would act."""
        self.tick()  # what has changed since the last frame moved under the click too
        return self._guard.reason(side, price, own=own, pointer=pointer)

    def _act(self, intent: Intent) -> None:
        """Send what is wanted, or say why not."""
        view, data = self._view(), self.data
        what = describe(intent, view)
        match intent:
            case Cancel(ids=ids):
                self.post_message(self.CancelOrders(ids))
            case CancelAll(side) if data.live and not view.ids(side):
                self._say(self.Note(f"no {side} order of yours"))
            case CancelAll(side):
                self.post_message(self.CancelSide(side, data.market))
            case _ if not data.live:
                self._say(self.Note(f"no live data, not sent: {what}"))
            case _ if data.halted:
                self._say(self.Note(f"{data.halted}, not sent: {what}"))
            case _ if not data.armed:
                self._say(self.Note(f"SAFE, would send: {what}", intent))
            case Move(_, _, ids, to):
                self.post_message(self.MoveOrders(ids, to))
            case Place(side, price, index):
                self.post_message(self.Place(side, price, index, data.market))

    def _say(self, message: LadderMessages.Held | LadderMessages.Note) -> None:
        """Tell the screen, and show it where the trader looks."""
        text = f"held: {message.reason}" if isinstance(message, self.Held) else message.text
        self._said = (text, self._clock())
        self.post_message(message)
        self.tick()

    # drawing

    def on_resize(self) -> None:
        self._axis.resize(self._page().rows)
        self._guard.axis_moved()

    def forget(self) -> None:
        self._painter = None

    def paint(self, line: Line) -> Strip:
        return self._paint().paint(line)

    def painted(self, line: Line) -> Strip:
        return fit_to_be_shown(self.paint(line))  # its rows never move; their cells are kept

    def _paint(self) -> Painter:
        if self._painter is None:
            width = self.size.width
            tick = self._axis.tick
            palette = Palette(self, look.PREFIX)
            self._painter = Painter(palette, columns(width, tick), width, tick)
        return self._painter

    def _view(self) -> LadderView:
        return LadderView(self.data, cumulative=self._cumulative)

    def _page(self) -> Page:
        return Page(self.size.width, self.size.height, self._axis, plain=self.plain)

    def _follow(self, view: LadderView) -> None:
        """Take up another market or tick; centre once, when the book has come."""
        data = self.data
        if self._of != (data.market, data.tick):
            self._of = (data.market, data.tick)
            self._axis = Axis(data.tick, self._axis.rows, self._axis.top)
            self._axis.rows = self._page().rows
            self.cursor, self._pressed, self._watched = None, None, None
            self._centred = self._placed = False
            self._guard.axis_moved()
            self.repaint()
        if not self._centred and (data.live or not self._placed):
            middle = view.middle
            self._centred, self._placed = data.live, middle is not None
            if self._axis.centre(PRICE_ONE // 2 if middle is None else middle):
                self._guard.axis_moved()

    def _spot(self, event: events.MouseEvent) -> Spot | None:
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        return self._page().spot(Pointer(offset.x, offset.y), self.data.sizes)
