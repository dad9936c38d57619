"""The keys of the event view, and the keys in its footer."""

from textual.binding import Binding, BindingType

from predmarket.tui.screens.entry_keys import ENTRY

BINDINGS: list[BindingType] = [
    *ENTRY,
    Binding(
        "X",
        "kill_event",
        "CANCEL EVENT",
        id="event.kill",
        priority=True,
        tooltip="Cancel all orders in all markets of this event, at once.",
    ),
    Binding(
        "p",
        "pin",
        "Ladder",
        id="event.ladder",
        tooltip="Put the outcome under the cursor into the next ladder.",
    ),
    Binding("escape", "app.pop_screen", "Back", id="event.back", tooltip="Back to trading."),
]
KILL = "event.kill"
HINTS = (
    "app.arm", "event.kill", "app.kill", "app.help", "event.back", "trading.order", "grid.buy",
    "grid.sell", "grid.cancel", "event.ladder", "ladder.buy", "ladder.sell", "ladder.cancel",
    "table.amend", "table.cancel", "ladder.centre",
)  # fmt: skip
"""The most needed first."""
