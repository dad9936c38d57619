"""One user's cash, and the open orders that lock it."""

from predmarket.engine.book import Order
from predmarket.engine.own_orders import OwnOrders
from predmarket.units import Micros, Money


class Account:
    """One user's cash, open orders by id (``orders``), and time of the dead-man switch.

    ``own`` lists the resting orders by market and side; it is None until something needs it.
    """

    __slots__ = ("available", "deadman_at", "locked", "orders", "own", "user_id")

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.available: Money = 0
        self.locked: Money = 0
        self.deadman_at: Micros | None = None
        self.orders: dict[int, Order] = {}
        self.own: OwnOrders | None = None
