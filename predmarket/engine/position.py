"""What a user holds: a position in each market, and a base for each event.

An outcome k of an event is held h(k) = base + d(k) times, d(k) being the net position in its
market and nothing for NONE. So NO of one market, a share of every other outcome, is one number.
A market without an event is the smallest case: its base is the NO shares.

Shares that close parts of orders reserve are not free: a SELL reserves one outcome, a BUY every
other one. What is free of k is the base less all that BUYs reserve, plus the *free net* of its
position.

Invariants:
- ``Holding.nets`` are the free nets of the positions in markets that are not struck, sorted;
- after each command the least free outcome of an event is not free at all: the rest has merged.

Source: MARKET_RULES, Positions, Events.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from predmarket.units import PRICE_ONE, Money, Price, Qty


class Position:
    """One user's shares in one market.

    Without an event ``yes`` and ``no`` are counted apart. In an event one of them is 0: together
    they are the net position. ``reserved_*`` are the shares that back close parts of resting
    orders, of a SELL and of a BUY. ``net_paid`` is what the user paid in this market less what came
    back, fees included: what a VOID undoes. In an event the ``holding`` keeps it, None without.
    """

    __slots__ = (
        "cost_no", "cost_yes", "holding", "market_id", "net_paid", "no", "realized", "reserved_no",
        "reserved_yes", "user_id", "version", "yes",
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
        self.version = 0

    @property
    def free_net(self) -> Qty:
        """The net position less what SELLs reserve, plus what BUYs reserve elsewhere."""
        return self.yes - self.no - self.reserved_yes + self.reserved_no

    @property
    def event_id(self) -> int | None:
        """The id of the event that it is a part of, None without one."""
        return None if self.holding is None else self.holding.event_id

    def free_opposite(self, is_buy: bool) -> Qty:
        """Return the unreserved shares that an order gives in a market without an event."""
        return self.no - self.reserved_no if is_buy else self.yes - self.reserved_yes

    def reserve(self, is_buy: bool, qty: Qty) -> None:
        """Reserve ``qty`` (release, when negative) of the shares such an order gives."""
        if self.holding is not None:
            self.holding.reserve(self, is_buy, qty)
        if is_buy:
            self.reserved_no += qty
        else:
            self.reserved_yes += qty

    def give_yes(self, qty: Qty, proceeds: Money) -> None:
        """Part with YES shares for ``proceeds``, realizing the difference to their cost."""
        removed = self.cost_yes * qty // self.yes
        self.yes -= qty
        self.cost_yes -= removed
        self.realized += proceeds - removed

    def give_no(self, qty: Qty, proceeds: Money) -> None:
        """Part with NO shares for ``proceeds``, realizing the difference to their cost."""
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
        """Realize what is left at ``price`` for YES, and be flat."""
        proceeds = self.yes * price + self.no * (PRICE_ONE - price)
        self.realized += proceeds - self.cost_yes - self.cost_no
        self.yes = self.no = 0
        self.cost_yes = self.cost_no = 0


class Holding:
    """What one user holds in one event, beside the positions in its markets.

    ``base`` is what is held of NONE; in an exhaustive event NONE cannot happen, and it may be below
    0. ``reserved`` is what the close parts of all BUYs reserve. ``market_ids`` are those of the
    positions, sorted. ``net_paid`` is as in a market without an event.
    """

    __slots__ = (
        "base", "event_id", "market_ids", "net_paid", "nets", "reserved", "user_id", "version",
    )  # fmt: skip

    def __init__(self, user_id: int, event_id: int) -> None:
        self.user_id = user_id
        self.event_id = event_id
        self.base: Qty = 0
        self.reserved: Qty = 0
        self.nets: list[Qty] = []
        self.market_ids: list[int] = []
        self.net_paid: Money = 0
        self.version = 0

    def join(self, position: Position, *, struck: bool = False) -> None:
        """Take in a position, a new one or one just loaded; ``struck``: its outcome is."""
        position.holding = self
        insort(self.market_ids, position.market_id)
        if not struck:
            insort(self.nets, position.free_net)
            self.reserved += position.reserved_no

    def strike(self, position: Position) -> None:
        """Let a position's outcome count no more."""
        del self.nets[bisect_left(self.nets, position.free_net)]

    def free_sets(self, outcomes: int) -> Qty:
        """Return how many complete sets are free: as many as of the least free of the outcomes."""
        nets = self.nets
        least = nets[0] if nets else 0
        if least > 0 and len(nets) < outcomes:
            least = 0  # an outcome without a position, or NONE
        return self.base - self.reserved + least

    def free_opposite(self, position: Position | None, is_buy: bool, outcomes: int) -> Qty:
        """Return the unreserved shares that an order gives in the market of ``position``.

        None stands for a market without a position. A SELL gives that outcome, a BUY as many of
        every other one.
        """
        net = 0 if position is None else position.free_net
        if not is_buy:
            return self.base - self.reserved + net
        nets = self.nets
        others = outcomes - 1
        if position is None:
            least = nets[0] if nets else 0
            counted = len(nets)
        else:
            counted = len(nets) - 1
            first = 1 if nets[0] == net else 0
            least = nets[first] if counted else 0
        if least > 0 and counted < others:
            least = 0
        return self.base - self.reserved + least

    def reserve(self, position: Position, is_buy: bool, qty: Qty) -> None:
        """Reserve ``qty``; the position's own numbers are still as before."""
        if is_buy:
            self.reserved += qty
            self._move(position.free_net, qty)
        else:
            self._move(position.free_net, -qty)

    def fill(self, position: Position, is_buy: bool, closing: Qty, opening: Qty) -> Qty:
        """Book a fill; the position's own numbers are still as before.

        Returns how much of it reduces the position.
        """
        if is_buy:
            self.base -= closing
            self.reserved -= closing
            self._move(position.free_net, opening)
            held = position.no
        else:
            self.base += opening
            self._move(position.free_net, -opening)
            held = position.yes
        qty = closing + opening
        return held if held < qty else qty

    def _move(self, net: Qty, change: Qty) -> None:
        """Let one position's free net be ``net + change``."""
        if change:
            nets = self.nets
            place = bisect_left(nets, net)
            assert nets[place] == net, "the holding does not know the position's free net"
            del nets[place]
            insort(nets, net + change)

    def end(self) -> None:
        """Hold nothing any more."""
        self.base = 0
        self.nets.clear()
