"""The actions of keys and mouse on the panes of the trading screen."""

from textual import events

from predmarket.tui.screens.base import DeskScreen
from predmarket.tui.screens.panes import Panes
from predmarket.tui.state.journal import Weight

_LEFT = 1


class PaneActions(DeskScreen[None]):
    """A screen of ``panes``; the trading screen is one."""

    panes: Panes

    def action_home(self) -> None:
        """Go back to where the screen begins."""

    def action_fill(self) -> None:
        """Let the pane with the keyboard fill the screen, or put all back."""
        pane = self._pane()
        if pane is not None:
            self.panes.fill(None if self.panes.filling else pane)

    def action_hide(self) -> None:
        """Hide the pane with the keyboard."""
        pane = self._pane()
        if pane == "ladder":
            self._say("the ladder stays; Tab goes to the other panes")
        elif pane is not None:
            self.panes.hide(pane)
            key = self.trading.key_of("pane.standard")
            self.action_home()
            self._say(f"{pane} hidden; {key} shows all panes")

    def action_standard(self) -> None:
        """Show all panes in their usual sizes."""
        self.panes.standard()

    def action_grow(self, columns: int, rows: int) -> None:
        """Make the pane with the keyboard larger or smaller."""
        pane = self._pane()
        if pane is not None and not self.panes.grow(pane, columns, rows):
            self._say(f"{pane} has one width: the screen's")

    def _pane(self) -> str | None:
        if self.trading.plain:
            self._say("plain mode shows one part at a time")
            return None
        return self.panes.focused()

    def _say(self, text: str) -> None:
        self.trader.say(text, Weight.WARNING)

    # the pointer

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the line between two panes."""
        if event.button == _LEFT and not self.trading.plain:
            self.panes.take_hold(event.screen_offset)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the line that was taken hold of."""
        if event.button == _LEFT:
            self.panes.drag(event.screen_offset)
        else:
            self.panes.let_go()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the line be where it is."""
        self.panes.let_go()

    def on_click(self, event: events.Click) -> None:
        """A double click on a pane's title lets it fill the screen, or puts all back."""
        if event.chain != 2 or "@click" in event.style.meta:
            return
        pane = self.panes.titled(event.screen_offset)
        if pane is not None and not self.trading.plain and not self.panes.dragged:
            self.panes.fill(None if self.panes.filling else pane)

    def on_resize(self) -> None:
        """Fit the panes to another terminal, once its class of sizes is known."""
        self.call_after_refresh(self._refit)

    def _refit(self) -> None:
        if self.is_attached:
            self.panes.apply()
