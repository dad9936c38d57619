"""The keys of the grid of outcomes. Each has an id for remapping, and a description."""

from textual.binding import Binding, BindingType

_PLACE = (
    ("b", "take('BUY', 0)", "Buy", "buy", "Buy at the best ask, as a limit order."),
    ("s", "take('SELL', 0)", "Sell", "sell", "Sell at the best bid, as a limit order."),
    ("B", "take('BUY', 1)", "Buy second size", "buy_second", "Buy the second size at the ask."),
    ("S", "take('SELL', 1)", "Sell second size", "sell_second", "Sell the second size at the bid."),
    ("j", "rest('BUY', 0)", "Join bids", "join_bid", "Buy at the best bid."),
    ("J", "rest('SELL', 0)", "Join asks", "join_ask", "Sell at the best ask."),
    ("n", "rest('BUY', 1)", "Better bid", "improve_bid", "Buy one tick above the best bid."),
    ("N", "rest('SELL', 1)", "Better ask", "improve_ask", "Sell one tick below the best ask."),
    ("x", "cancel", "Cancel", "cancel", "Cancel your orders in the outcome under the cursor."),
)
_SHOWN = {"buy", "sell", "cancel"}
BINDINGS: list[BindingType] = [
    Binding(key, action, text, name in _SHOWN, id=f"grid.{name}", tooltip=tooltip)
    for key, action, text, name, tooltip in _PLACE
]
