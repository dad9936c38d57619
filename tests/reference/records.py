"""What the reference exchange remembers: orders, holdings, positions, markets.

Only facts are kept. Whatever follows from facts (locked cash, reserved shares, the book, open
interest) is worked out anew by ledger.py each time somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Command = Mapping[str, Any]
Event = tuple[str | int, ...]

OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}
# A BUY closes NO shares, a SELL closes YES shares (MARKET_RULES, Collateral).
CLOSES = {"BUY": "NO", "SELL": "YES"}
FINAL = ("RESOLVED", "VOIDED")


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
    arrival: int = 0
    """Time priority: the smaller came first. Moving to the back means a new number."""
    status: str = "OPEN"
    reason: str | None = None

    @property
    def left(self) -> int:
        """The quantity not filled yet."""
        return self.qty - self.filled


@dataclass
class Holding:
    """Shares of one kind, and the money they cost."""

    count: int = 0
    cost: int = 0

    def add(self, count: int, cost: int) -> None:
        """Take shares in."""
        self.count += count
        self.cost += cost

    def remove(self, count: int) -> int:
        """Give shares away and return the cost removed: cost × q // n (MARKET_RULES, Positions)."""
        assert 0 <= count <= self.count, "gave away shares nobody held"
        removed = self.cost * count // self.count if self.count else 0
        self.count -= count
        self.cost -= removed
        return removed


@dataclass
class Position:
    """One user in one market. Money in 1/1 000 000."""

    yes: Holding = field(default_factory=Holding)
    no: Holding = field(default_factory=Holding)
    realized: int = 0
    received: int = 0
    """Cash received in this market less cash paid, fees included; what a VOID undoes."""

    def holding(self, share: str) -> Holding:
        """Return the YES or the NO shares."""
        return {"YES": self.yes, "NO": self.no}[share]


@dataclass
class Market:
    """One market. Tick in price units, rates in 1/10 000, closes_at in µs."""

    id: int
    tick: int
    maker_rate: int
    taker_rate: int
    closes_at: int | None
    status: str
    last_price: int | None = None
    volume: int = 0
    fees: int = 0

    @property
    def larger_rate(self) -> int:
        """The rate a fee lock must be enough for."""
        return max(self.maker_rate, self.taker_rate)
