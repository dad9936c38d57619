"""The ladder's messages to the screen: actions to send, and held ones with the reason."""

from textual.message import Message

from predmarket.enums import Side
from predmarket.tui.state.ladder import Intent
from predmarket.units import Price


class LadderMessages:
    """The ladder's messages. Place and MoveOrders come in ARM alone."""

    class Place(Message, namespace="ladder"):
        """Send an order of the first (0) or second (1) size in ``market``."""

        def __init__(
            self, side: Side, price: Price, qty_index: int, market: int | None = None
        ) -> None:
            super().__init__()
            self.side = side
            self.price = price
            self.qty_index = qty_index
            self.market = market

    class CancelOrders(Message, namespace="ladder"):
        """Cancel these orders."""

        def __init__(self, ids: tuple[int, ...]) -> None:
            super().__init__()
            self.ids = ids

    class MoveOrders(Message, namespace="ladder"):
        """Amend these orders to another price."""

        def __init__(self, ids: tuple[int, ...], price: Price) -> None:
            super().__init__()
            self.ids = ids
            self.price = price

    class CancelSide(Message, namespace="ladder"):
        """Cancel every own order of a side of ``market``."""

        def __init__(self, side: Side, market: int | None = None) -> None:
            super().__init__()
            self.side = side
            self.market = market

    class SizeChosen(Message, namespace="ladder"):
        """The size at ``index`` is to be the first or second size."""

        def __init__(self, index: int, *, second: bool) -> None:
            super().__init__()
            self.index = index
            self.second = second

    class Held(Message, namespace="ladder"):
        """Nothing is sent: what was clicked had just changed."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Note(Message, namespace="ladder"):
        """Nothing is sent; ``intent`` is what SAFE kept back, None where it was refused."""

        def __init__(self, text: str, intent: Intent | None = None) -> None:
            super().__init__()
            self.text = text
            self.intent = intent
