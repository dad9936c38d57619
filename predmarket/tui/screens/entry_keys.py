"""The keys that enter orders on every screen with a ladder, with their ids for remapping."""

from textual.binding import Binding, BindingType

ENTRY: list[BindingType] = [
    *(
        Binding(
            str(n),
            f"size({n - 1})",
            f"Size {n}",
            False,
            id=f"trading.size-{n}",
            tooltip=f"Choose size {n}.",
        )
        for n in range(1, 6)
    ),
    Binding(
        "r",
        "swap",
        "Swap",
        False,
        id="trading.swap",
        tooltip="Swap the first and the second size.",
    ),
    Binding("o", "order", "Order", id="trading.order", tooltip="Enter an order in a form."),
    Binding(
        "m",
        "market_order",
        "Market order",
        False,
        id="trading.market-order",
        tooltip="Enter a market order; its preview comes first.",
    ),
    Binding(
        "g",
        "flatten(1)",
        "Flatten",
        False,
        id="trading.flatten",
        tooltip="End the position at market; its preview comes first.",
    ),
    Binding(
        "w",
        "flatten(2)",
        "Reverse",
        False,
        id="trading.reverse",
        tooltip="Turn the position round at market; its preview comes first.",
    ),
    Binding(
        "l",
        "limits",
        "Limits",
        False,
        id="trading.limits",
        tooltip="See and change your own limits.",
    ),
]
