"""Open orders that are tied to a connection, by connection and by gateway, or to an order group.

Invariant: all indexes hold the same orders in time priority, so they are cancelled in the same
order before and after a restart.
"""

from predmarket.engine.book import Order


class TiedOrders:
    """The orders of one connection, gateway or group, with their numbers by user and by market."""

    __slots__ = ("markets", "orders", "users")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.users: dict[int, int] = {}
        self.markets: dict[int, int] = {}

    def add(self, order: Order) -> None:
        """List an order behind all others."""
        self.orders[order.id] = order
        self.users[order.user_id] = self.users.get(order.user_id, 0) + 1
        self.markets[order.market_id] = self.markets.get(order.market_id, 0) + 1

    def remove(self, order: Order) -> None:
        """Drop an order."""
        del self.orders[order.id]
        _count_down(self.users, order.user_id)
        _count_down(self.markets, order.market_id)


class Ties:
    """All tied orders. A connection's name is its gateway's, a hyphen, and a number."""

    __slots__ = ("connections", "gateways")

    def __init__(self) -> None:
        self.connections: dict[str, TiedOrders] = {}
        self.gateways: dict[str, TiedOrders] = {}

    def add(self, order: Order, connection: str) -> None:
        """List an order behind all others."""
        for lists, name in self._places(connection):
            tied = lists.get(name)
            if tied is None:
                tied = lists[name] = TiedOrders()
            tied.add(order)

    def remove(self, order: Order, connection: str) -> None:
        """Drop an order."""
        for lists, name in self._places(connection):
            tied = lists[name]
            tied.remove(order)
            if not tied.orders:
                del lists[name]

    def of(self, gateway: str, connection: str | None) -> TiedOrders | None:
        """Return the orders tied to a connection or, without one, to a gateway; None if none is."""
        if connection is None:
            return self.gateways.get(gateway)
        return self.connections.get(connection)

    def _places(self, connection: str) -> tuple[tuple[dict[str, TiedOrders], str], ...]:
        gateway = connection.rpartition("-")[0]
        return (self.connections, connection), (self.gateways, gateway)


def _count_down(counts: dict[int, int], key: int) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
