"""The records of the reference exchange: orders, holdings, positions, markets, events.

Only facts are kept. Whatever follows from facts (locked cash, reserved shares, the book, open
interest) is worked out anew by ledger.py each time somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Command = Mapping[str, Any]
Notice = tuple[str | int, ...]
"""One thing that happened, as it is told."""

OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}
# A BUY closes NO shares, a SELL closes YES shares (docs/market_rules.md, Collateral).
CLOSES = {"BUY": "NO", "SELL": "YES"}
FINAL = ("RESOLVED", "VOIDED")
NONE = 0
"""The outcome that no market stands for; every other outcome is known by its market's id."""


@dataclass(eq=False)
class Order:
    """One order. Prices in 1/10 000, quantities in 1/100, fees in money units, times in µs."""

    id: int
    user: int
    market: int
    side: str
    type: str
    tif: str
    stp: str
    post_only: bool
    reduce_only: bool
    expires_at: int | None
    price: int | None
    """As asked for; None for a MARKET order."""
    limit: int
    """The worst price it may execute at: its price, or its collar price."""
    qty: int
    filled: int = 0
    close_left: int = 0
    """What it may still fill by giving shares reserved for it."""
    open_left: int = 0
    """What it may still fill by paying cash locked for it."""
    exact_fee: Fraction = Fraction(0)
    fees_paid: int = 0
    connection: str | None = None
    """What it ends with: a gateway's name, a hyphen, a number."""
    group: int | None = None
    """The order group it belongs to."""
    arrival: int = 0
    """Time priority: the smaller came first. Moving to the back means a new number."""
    status: str = "OPEN"
    reason: str | None = None

    @property
    def left(self) -> int:
        """The quantity not filled yet."""
        return self.qty - self.filled


@dataclass(frozen=True)
class Proposal:
    """A resolution that is proposed; ``at`` is when it happens, unless two admins have to agree."""

    resolution: Command
    actor: int
    at: int | None
    by_two: bool


@dataclass(eq=False)
class Group:
    """An order group. Its limit is in 1/100 of a contract."""

    id: int
    user: int
    limit: int
    status: str = "ACTIVE"
    fills: list[tuple[int, int]] = field(default_factory=list)
    """(stamp, quantity) of each fill of its orders since it was made or reset."""

    def filled_within(self, span: int, now: int) -> int:
        """Return what was filled less than a span of time before now."""
        return sum(qty for stamp, qty in self.fills if now - stamp < span)


@dataclass
class Holding:
    """Shares of one kind as a position shows them, and the money they cost."""

    count: int = 0
    cost: int = 0

    def add(self, count: int, cost: int) -> None:
        """Take shares in."""
        self.count += count
        self.cost += cost

    def remove(self, count: int) -> int:
        """Give shares away and return the removed cost (docs/market_rules.md, Positions)."""
        assert 0 <= count <= self.count, "gave away shares nobody held"
        removed = self.cost * count // self.count if self.count else 0
        self.count -= count
        self.cost -= removed
        return removed


@dataclass
class Position:
    """One user's position in one market, as shown. Money in 1/1 000 000.

    In a market without event yes and no are the shares held. In an event they follow what was
    bought less what was sold here, so one of them is always empty; the shares held are the event's.
    """

    yes: Holding = field(default_factory=Holding)
    no: Holding = field(default_factory=Holding)
    realized: int = 0
    bought: int = 0
    sold: int = 0

    def holding(self, share: str) -> Holding:
        """Return the YES or the NO shares."""
        return {"YES": self.yes, "NO": self.no}[share]


@dataclass(eq=False)
class Event:
    """Markets of which at most one (exhaustive: exactly one) resolves YES.

    A market without event has an event of its own here, with id None: it has the outcomes YES,
    known by the market's id, and NO, which is NONE (docs/market_rules.md, Events).
    """

    id: int | None
    exhaustive: bool = False
    markets: list[int] = field(default_factory=list)
    """All of them, in the order in which they came."""
    struck: list[int] = field(default_factory=list)
    """Markets that were resolved NO alone."""
    outcome: str | None = None
    shares: dict[int, dict[int, int]] = field(default_factory=dict)
    """{user: {outcome: how many shares of it}}."""
    received: dict[int, int] = field(default_factory=dict)
    """{user: cash received less cash paid here, fees included}; what a VOID undoes."""
    tick: int = 0
    maker_rate: int = 0
    taker_rate: int = 0
    closes_at: int | None = None

    @property
    def outcomes(self) -> list[int]:
        """Everything that may still happen: markets not struck, and NONE unless exhaustive."""
        left = [market for market in self.markets if market not in self.struck]
        return left if self.exhaustive else [*left, NONE]

    def given_by_closing(self, side: str, market: int) -> list[int]:
        """Return the outcomes of which a close part gives one share each.

        A SELL gives YES: one share of the market's outcome. A BUY gives NO: one share of every
        other outcome.
        """
        if side == "SELL":
            return [market]
        return [outcome for outcome in self.outcomes if outcome != market]

    def shares_of(self, user: int) -> dict[int, int]:
        """Return the user's shares of every outcome."""
        return self.shares.setdefault(user, dict.fromkeys(self.outcomes, 0))


@dataclass(eq=False)
class Market:
    """One market. Tick in price units, rates in 1/10 000, closes_at in µs."""

    id: int
    event: Event
    tick: int
    maker_rate: int
    taker_rate: int
    closes_at: int | None
    status: str
    last_price: int | None = None
    volume: int = 0
    fees: int = 0

    @property
    def stands_alone(self) -> bool:
        """Whether it is a market without event."""
        return self.event.id is None

    @property
    def larger_rate(self) -> int:
        """The rate a fee lock must be enough for."""
        return max(self.maker_rate, self.taker_rate)
