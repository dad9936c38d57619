"""A naive book of first-in-first-out queues, which shares no code with the exchange.

It knows limit, IOC, FOK, post-only and MARKET orders with self-trade prevention SKIP, amendments
and cancellations. What the rules refuse changes nothing.
Prices are ticks of a cent, quantities whole contracts.
"""

from dataclasses import dataclass, field, replace


@dataclass
class Queued:
    """An order in a queue."""

    name: str
    account: str
    side: str
    price: int
    left: int
    filled: int = 0
    post_only: bool = False


@dataclass
class Book:
    """The book of one market: a list in the order of arrival, and the fills so far."""

    queue: list[Queued] = field(default_factory=list)
    fills: list[tuple[str, str, int, int]] = field(default_factory=list)
    """Taker, maker, price, quantity."""

    def place(self, order: Queued, *, tif: str = "GTC", slippage: int | None = None) -> None:
        """Fill an order as far as possible, then rest it. A slippage makes it a MARKET order."""
        if slippage is not None:
            others = [other.price for other in self.queue if other.side != order.side]
            if not others:
                return
            if order.side == "BUY":
                order.price = min(min(others) + slippage, 99)
            else:
                order.price = max(max(others) - slippage, 1)
        met = self._crossing(order)
        if order.post_only and met:
            return
        if tif == "FOK" and order.left > sum(
            other.left for other in met if other.account != order.account
        ):
            return
        for maker in met:
            if maker.account == order.account:
                continue
            qty = min(maker.left, order.left)
            if not qty:
                break
            self.fills.append((order.name, maker.name, maker.price, qty))
            for one in (maker, order):
                one.left -= qty
                one.filled += qty
        self.queue = [one for one in self.queue if one.left]
        if order.left and tif == "GTC" and not self._crossing(order):
            self.queue.append(order)

    def amend(self, name: str, price: int, qty: int) -> None:
        """Make an order smaller in place, or remove it and place it anew."""
        order = self._of(name)
        left = qty - order.filled if order is not None else 0
        if order is None or left <= 0:
            return
        if price == order.price and left <= order.left:
            order.left = left
            return
        if order.post_only and self._crossing(replace(order, price=price)):
            return
        self.cancel(name)
        order.price, order.left = price, left
        self.place(order)

    def cancel(self, name: str) -> None:
        """Remove an order if it rests."""
        self.queue = [one for one in self.queue if one.name != name]

    def levels(self, side: str) -> dict[int, int]:
        """Return the quantity that rests at each price of a side."""
        found: dict[int, int] = {}
        for one in self.queue:
            if one.side == side:
                found[one.price] = found.get(one.price, 0) + one.left
        return found

    def _of(self, name: str) -> Queued | None:
        return next((one for one in self.queue if one.name == name), None)

    def _crossing(self, order: Queued) -> list[Queued]:
        """Return the orders that an order crosses, by price, then by arrival."""
        if order.side == "BUY":
            met = [one for one in self.queue if one.side == "SELL" and one.price <= order.price]
            return sorted(met, key=lambda one: one.price)
        met = [one for one in self.queue if one.side == "BUY" and one.price >= order.price]
        return sorted(met, key=lambda one: -one.price)
