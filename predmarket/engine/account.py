"""One user's cash, and the open orders that lock it."""

from predmarket.engine.book import Order
from predmarket.engine.own_orders import OwnOrders
from predmarket.units import Micros, Money


class Account:
    """One user's cash, open orders by id (``orders``), and time of the dead-man switch.

    ``own`` lists the resting orders by market and side; it is None until something needs it.
    ``*_seq`` number the user's changes, by topic. The change feed sets them, the store ``version``.
    """

    __slots__ = (
        "available", "balance_seq", "deadman_at", "fill_seq", "holding_seq", "locked",
        "order_group_seq", "order_seq", "orders", "own", "position_seq", "user_id", "version",
    )  # fmt: skip

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.available: Money = 0
        self.locked: Money = 0
        self.deadman_at: Micros | None = None
        self.orders: dict[int, Order] = {}
        self.own: OwnOrders | None = None
        self.order_seq = 0
        self.fill_seq = 0
        self.balance_seq = 0
        self.position_seq = 0
        self.holding_seq = 0
        self.order_group_seq = 0
        self.version = 0
