"""The trading screen's keys, with their ids for remapping, and the keys in its footer."""

from textual.binding import Binding, BindingType

from predmarket.tui.screens.entry_keys import ENTRY

BINDINGS: list[BindingType] = [
    *ENTRY,
    Binding(
        "f2",
        "markets",
        "Markets",
        id="trading.markets",
        tooltip="Go to the markets, or back to the ladder.",
    ),
    Binding(
        "slash",
        "search",
        "Search",
        id="trading.search",
        key_display="/",
        tooltip="Search the markets.",
    ),
    Binding(
        "i", "interval", "Interval", id="trading.interval", tooltip="The chart's next interval."
    ),
    Binding(
        "k",
        "kind",
        "Candles or line",
        False,
        id="trading.kind",
        tooltip="Draw the chart as candles or as a line.",
    ),
    Binding(
        "t",
        "tab(1)",
        "Next tab",
        id="trading.tab",
        tooltip="Positions, open orders, fills, messages.",
    ),
    Binding(
        "p",
        "part",
        "Chart, tape, depth",
        False,
        id="trading.part",
        tooltip="Show the next of chart, tape and depth.",
    ),
    Binding(
        "f3",
        "fill",
        "Fill",
        False,
        id="pane.fill",
        tooltip="Let the pane with the keyboard fill the screen, or put all back.",
    ),
    Binding("h", "hide", "Hide", False, id="pane.hide", tooltip="Hide the pane with the keyboard."),
    Binding(
        "H",
        "standard",
        "All panes",
        False,
        id="pane.standard",
        tooltip="Show all panes in their usual sizes.",
    ),
    *(
        Binding(
            f"ctrl+{key}",
            f"grow({columns}, {rows})",
            f"Pane {what}",
            False,
            id=f"pane.{what}",
            tooltip=f"Make the pane with the keyboard {what}.",
        )
        for key, columns, rows, what in (
            ("right", 2, 0, "wider"),
            ("left", -2, 0, "narrower"),
            ("up", 0, 1, "taller"),
            ("down", 0, -1, "shorter"),
        )
    ),
    Binding(
        "e",
        "event",
        "Event",
        id="trading.event",
        tooltip="Show the event of the market, or of the one under the cursor, with all outcomes.",
    ),
    Binding("escape", "home", "Ladder", False, id="trading.home", tooltip="Back to the ladder."),
]

EVENT = "trading.event"
HINTS = (
    "app.arm", "app.help", "app.kill", "trading.order",
    "trading.markets", "trading.search", EVENT, "ladder.buy",
    "ladder.sell", "ladder.cancel", "table.amend", "table.cancel", "trading.tab",
    "trading.interval", "ladder.centre",
)  # fmt: skip
"""The most needed first; EVENT where the open market belongs to one."""
