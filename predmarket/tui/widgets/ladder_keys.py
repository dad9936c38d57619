"""The ladder's keys. Each has an id for remapping, and a description."""

from textual.binding import Binding, BindingType

BINDINGS: list[BindingType] = [
    Binding("up", "move(-1)", "Up", id="ladder.up", show=False, tooltip="The price above."),
    Binding("down", "move(1)", "Down", id="ladder.down", show=False, tooltip="The price below."),
    Binding(
        "pageup", "move(-10)", "Ten up", id="ladder.page_up", show=False, tooltip="Ten prices up."
    ),
    Binding(
        "pagedown",
        "move(10)",
        "Ten down",
        id="ladder.page_down",
        show=False,
        tooltip="Ten prices down.",
    ),
    Binding("b", "place('BUY', 0)", "Buy", id="ladder.buy", tooltip="Buy at the cursor."),
    Binding("s", "place('SELL', 0)", "Sell", id="ladder.sell", tooltip="Sell at the cursor."),
    Binding(
        "B",
        "place('BUY', 1)",
        "Buy second size",
        id="ladder.buy_second",
        show=False,
        tooltip="Buy the second size at the cursor.",
    ),
    Binding(
        "S",
        "place('SELL', 1)",
        "Sell second size",
        id="ladder.sell_second",
        show=False,
        tooltip="Sell the second size at the cursor.",
    ),
    Binding("x", "cancel", "Cancel", id="ladder.cancel", tooltip="Cancel own at the cursor."),
    Binding(
        "j",
        "touch('BUY', 0)",
        "Join bids",
        id="ladder.join_bid",
        show=False,
        tooltip="Buy at the best bid.",
    ),
    Binding(
        "J",
        "touch('SELL', 0)",
        "Join asks",
        id="ladder.join_ask",
        show=False,
        tooltip="Sell at the best ask.",
    ),
    Binding(
        "n",
        "touch('BUY', 1)",
        "Better bid",
        id="ladder.improve_bid",
        show=False,
        tooltip="Buy one tick above the best bid.",
    ),
    Binding(
        "N",
        "touch('SELL', 1)",
        "Better ask",
        id="ladder.improve_ask",
        show=False,
        tooltip="Sell one tick below the best ask.",
    ),
    Binding(
        "shift+up",
        "shift(1)",
        "Own up",
        id="ladder.own_up",
        show=False,
        tooltip="Move own orders at the cursor up.",
    ),
    Binding(
        "shift+down",
        "shift(-1)",
        "Own down",
        id="ladder.own_down",
        show=False,
        tooltip="Move own orders at the cursor down.",
    ),
    Binding("c", "cumulative", "Depth", id="ladder.cumulative", tooltip="Sizes summed up."),
    Binding("space", "centre", "Centre", id="ladder.centre", tooltip="Centre on the spread."),
]
