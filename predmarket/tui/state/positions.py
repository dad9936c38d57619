"""Positions and their present value.

The exchange sends the shares, their average price and the profit at its own mark. The cost follows
from these and does not depend on prices. The shown profit is recomputed from the live mark.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from predmarket.client import response_types
from predmarket.tui.state import parse
from predmarket.units import MONEY_ONE, PRICE_ONE, QTY_ONE, Money, Qty

PAID_WITHIN_MS = 2_000
"""How long before a market's end is announced the position in it may have been paid."""


@dataclass(slots=True)
class Position:
    """Shares of one market. ``average`` is the YES price in money a contract; None when flat."""

    market: int
    slug: str
    yes: Qty
    no: Qty
    average: Money | None
    cost_yes: Money
    cost_no: Money
    realized: Money

    @property
    def flat(self) -> bool:
        """Tell whether there are no shares."""
        return not self.yes and not self.no

    @property
    def cost(self) -> Money:
        """Return the cost of the shares."""
        return self.cost_yes + self.cost_no

    @property
    def if_yes(self) -> Money:
        """Return the profit if the market resolves YES."""
        return self.yes * PRICE_ONE - self.cost

    @property
    def if_no(self) -> Money:
        """Return the profit if the market resolves NO."""
        return self.no * PRICE_ONE - self.cost

    def value(self, doubled_mark: int | None) -> Money:
        """Return the value at the doubled mark; without a mark, the cost."""
        if doubled_mark is None:
            return self.cost
        return (self.yes * doubled_mark + self.no * (2 * PRICE_ONE - doubled_mark)) // 2

    def unrealized(self, doubled_mark: int | None) -> Money:
        """Return the profit at the mark."""
        return self.value(doubled_mark) - self.cost


class Positions:
    """Positions by market."""

    def __init__(self) -> None:
        self._held: dict[int, Position] = {}
        self._last: dict[int, Position] = {}
        """The last position in each market whose end was not announced yet. It is gone by then,
        since it was paid."""
        self._flat_at: dict[int, int] = {}
        """When each of these ended, in the exchange's time."""
        self.version = 0

    def __iter__(self) -> Iterator[Position]:
        return iter(self._held.values())

    def get(self, market: int | None) -> Position | None:
        """Return the position in a market."""
        return None if market is None else self._held.get(market)

    def held(self) -> list[Position]:
        """Return the positions that are not flat, by market name."""
        return sorted((each for each in self if not each.flat), key=lambda each: each.slug)

    def load(self, positions: Iterable[response_types.Position]) -> None:
        """Load all positions at once."""
        self._held = {each["marketId"]: of_wire(each) for each in positions}
        self._last = {each.market: each for each in self if not each.flat}
        self.version += 1

    def take(self, position: response_types.Position, ts: int) -> None:
        """Apply one position, which is that at ``ts``."""
        before = self._held.get(position["marketId"])
        now = self._held[position["marketId"]] = of_wire(position)
        if not now.flat:
            self._last[now.market] = now
            self._flat_at.pop(now.market, None)
        elif before is not None and not before.flat:
            self._flat_at[now.market] = ts
        self.version += 1

    def last_held(self, market: int, ts: int) -> Position | None:
        """Return the position in a market that ended at ``ts``, None without one: a position that
        was closed before was not paid."""
        ended = self._flat_at.get(market, ts) >= ts - PAID_WITHIN_MS
        return self._last.get(market) if ended else None

    def settled(self, market: int) -> None:
        """Note that the end of a market was announced."""
        self._last.pop(market, None)
        self._flat_at.pop(market, None)


def of_wire(position: response_types.Position) -> Position:
    """Return a position as the wire has it."""
    yes, no = parse.qty(position["qtyLong"]), parse.qty(position["qtyShort"])
    spelled = position["avgPrice"]
    average = None if spelled is None else parse.money(spelled)
    cost = _cost(position, yes, no)
    if average is None:
        cost_yes = cost_no = 0
    elif not no:
        cost_yes, cost_no = cost, 0
    elif not yes:
        cost_yes, cost_no = 0, cost
    elif yes >= no:  # the average is the larger side's
        cost_yes = average * yes // QTY_ONE
        cost_no = cost - cost_yes
    else:
        cost_no = (MONEY_ONE - average) * no // QTY_ONE
        cost_yes = cost - cost_no
    return Position(
        position["marketId"],
        position["marketSlug"],
        yes,
        no,
        average,
        cost_yes,
        cost_no,
        parse.money(position["realizedPnl"]),
    )


def _cost(position: response_types.Position, yes: Qty, no: Qty) -> Money:
    """Return what both sides together cost: their value at the exchange's mark less the profit."""
    mark_price = position["markPrice"]
    if mark_price is None:
        # valued at cost: then the average alone tells, and of the smaller side nothing is known
        average = parse.money(position["avgPrice"] or "0")
        return (average * yes + (MONEY_ONE - average) * no) // QTY_ONE
    mark = parse.money(mark_price)
    value = (mark * yes + (MONEY_ONE - mark) * no) // QTY_ONE
    return value - parse.money(position["unrealizedPnl"])
