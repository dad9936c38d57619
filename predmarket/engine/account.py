"""One user's cash, and the open orders that lock it."""

from predmarket.engine.book import Order
from predmarket.engine.own_orders import OwnOrders
from predmarket.units import Micros, Money


class Account:
    """One user's cash; ``orders`` are the open ones by id, ``deadman_at`` the armed switch.

    ``own`` lists the resting ones by market and side; it is None until it is first asked for.
    ``*_seq`` count the changes that the user was told of, by topic; like ``version`` they are the
    store's.
    """

    __slots__ = (
        "available", "balance_seq", "deadman_at", "fill_seq", "holding_seq", "locked", "order_seq",
        "orders", "own", "position_seq", "user_id", "version",
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
        self.version = 0
