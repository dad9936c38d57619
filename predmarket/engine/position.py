"""A user's shares: a position in each market, and a base for each event.

A user holds h(k) = base + d(k) shares of an outcome k; d(k) is the net position in its market, and
0 for NONE. So NO of one market, a share of every other outcome, is one number. A market without an
event is the smallest case: its base is the NO shares.

Close parts of orders reserve shares, which are not free then: a SELL reserves one outcome, a BUY
every other one. The free shares of k are the base, less the reserves of all BUYs, plus the
*free net* of its position.

Invariants:
- ``Holding.nets`` are the free nets of the positions in markets that are not struck, by market;
- after each command a holding has no free share of at least one outcome: free sets have merged.

Source: docs/market_rules.md, Positions, Events.
"""

from __future__ import annotations

from bisect import insort

from predmarket.units import PRICE_ONE, Money, Price, Qty


class Position:
    """One user's shares in one market.

    Without an event ``yes`` and ``no`` are counted apart. In an event one of them is 0: together
    they are the net position. ``reserved_*`` are the shares that back the close parts of resting
    orders, of SELLs and of BUYs. ``net_paid`` is the money paid in this market less the money
    received, fees included; a VOID gives it back. In an event it belongs to the ``holding``, which
    is None without an event.
    """

    __slots__ = (
        "cost_no", "cost_yes", "holding", "market_id", "net_paid", "no", "realized", "reserved_no",
        "reserved_yes", "user_id", "yes",
    )  # fmt: skip

    def __init__(self, user_id: int, market_id: int) -> None:
        self.user_id = user_id
        self.market_id = market_id
        self.yes: Qty = 0
        self.no: Qty = 0
        self.reserved_yes: Qty = 0
        self.reserved_no: Qty = 0
        self.cost_yes: Money = 0
        self.cost_no: Money = 0
        self.realized: Money = 0
        self.net_paid: Money = 0
        self.holding: Holding | None = None

    @property
    def free_net(self) -> Qty:
        """The net position, less the reserves of SELLs, plus those of BUYs in this market."""
        return self.yes - self.no - self.reserved_yes + self.reserved_no

    @property
    def event_id(self) -> int | None:
        """The id of its event, None without one."""
        return None if self.holding is None else self.holding.event_id

    def free_opposite(self, is_buy: bool) -> Qty:
        """Return the unreserved shares that an order can give in a market without an event."""
        return self.no - self.reserved_no if is_buy else self.yes - self.reserved_yes

    def reserve(self, is_buy: bool, qty: Qty) -> None:
        """Reserve ``qty`` of the shares that such an order gives, or release them if negative."""
        if self.holding is not None:
            self.holding.reserve(self, is_buy, qty)
        if is_buy:
            self.reserved_no += qty
        else:
            self.reserved_yes += qty

    def give_yes(self, qty: Qty, proceeds: Money) -> None:
        """Give YES shares for ``proceeds``; realize the difference to their cost."""
        removed = self.cost_yes * qty // self.yes
        self.yes -= qty
        self.cost_yes -= removed
        self.realized += proceeds - removed

    def give_no(self, qty: Qty, proceeds: Money) -> None:
        """Give NO shares for ``proceeds``; realize the difference to their cost."""
        removed = self.cost_no * qty // self.no
        self.no -= qty
        self.cost_no -= removed
        self.realized += proceeds - removed

    def free_pairs(self) -> Qty:
        """Return how many pairs of YES and NO are free in a market without an event."""
        free_yes = self.yes - self.reserved_yes
        free_no = self.no - self.reserved_no
        return free_yes if free_yes < free_no else free_no

    def end(self, price: Price) -> None:
        """Realize the remaining shares at ``price`` for YES; the position is flat then."""
        proceeds = self.yes * price + self.no * (PRICE_ONE - price)
        self.realized += proceeds - self.cost_yes - self.cost_no
        self.yes = self.no = 0
        self.cost_yes = self.cost_no = 0


class Holding:
    """One user's part of an event, beside the positions in its markets.

    ``base`` counts the shares of NONE. In an exhaustive event NONE cannot happen, and ``base`` may
    be below 0. ``reserved`` is the reserve of all BUYs' close parts. ``market_ids`` are those of
    the positions, sorted. ``net_paid`` is as in a market without an event.
    """

    __slots__ = (
        "_least", "base", "event_id", "market_ids", "net_paid", "nets", "reserved", "user_id",
    )  # fmt: skip

    def __init__(self, user_id: int, event_id: int) -> None:
        self.user_id = user_id
        self.event_id = event_id
        self.base: Qty = 0
        self.reserved: Qty = 0
        self.nets: dict[int, Qty] = {}
        self.market_ids: list[int] = []
        self.net_paid: Money = 0
        self._least: Qty | None = None  # unknown until something needs it

    def join(self, position: Position, *, struck: bool = False) -> None:
        """Add a position, new or just loaded; ``struck`` tells that its outcome is struck."""
        position.holding = self
        insort(self.market_ids, position.market_id)
        if not struck:
            self.nets[position.market_id] = position.free_net
            self._least = None
            self.reserved += position.reserved_no

    def strike(self, position: Position) -> None:
        """Stop counting a position's outcome."""
        del self.nets[position.market_id]
        self._least = None

    def least_net(self) -> Qty:
        """Return the least free net of the positions, 0 without any."""
        least = self._least
        if least is None:
            least = self._least = min(self.nets.values(), default=0)
        return least

    def free_sets(self, outcomes: int) -> Qty:
        """Return how many complete sets are free: the free shares of the scarcest outcome."""
        least = self._least
        if least is None:
            least = self.least_net()
        if least > 0 and len(self.nets) < outcomes:
            least = 0  # an outcome without a position, or NONE
        return self.base - self.reserved + least

    def free_opposite(self, position: Position | None, is_buy: bool, outcomes: int) -> Qty:
        """Return the unreserved shares that an order can give in the market of ``position``.

        None stands for a market without a position. A SELL gives that outcome, a BUY every other
        one.
        """
        if not is_buy:
            net = 0 if position is None else position.free_net
            return self.base - self.reserved + net
        least, counted = self.least_net(), len(self.nets)
        if position is not None:
            counted -= 1
            if position.free_net == least:
                own = position.market_id
                others = [net for market_id, net in self.nets.items() if market_id != own]
                least = min(others, default=0)
        if least > 0 and counted < outcomes - 1:
            least = 0
        return self.base - self.reserved + least

    def reserve(self, position: Position, is_buy: bool, qty: Qty) -> None:
        """Reserve ``qty``. Call this before changing the position's own numbers."""
        if is_buy:
            self.reserved += qty
            self._move(position, qty)
        else:
            self._move(position, -qty)

    def fill(self, position: Position, is_buy: bool, closing: Qty, opening: Qty) -> Qty:
        """Book a fill. Call this before changing the position's own numbers.

        Returns the quantity that reduces the position.
        """
        if is_buy:
            self.base -= closing
            self.reserved -= closing
            self._move(position, opening)
            held = position.no
        else:
            self.base += opening
            self._move(position, -opening)
            held = position.yes
        qty = closing + opening
        return held if held < qty else qty

    def _move(self, position: Position, change: Qty) -> None:
        """Change one position's free net by ``change``."""
        if not change:
            return
        nets, market_id = self.nets, position.market_id
        before = nets[market_id]
        assert before == position.free_net, "the holding does not know the position's free net"
        after = nets[market_id] = before + change
        least = self._least
        if least is not None:
            if after <= least:
                self._least = after
            elif before == least:
                self._least = None

    def end(self) -> None:
        """Drop all shares after the payout."""
        self.base = 0
        self.nets.clear()
        self._least = None
