"""Whole sets of an event that are worth buying or selling at once, and what is left over of some
that were traded in part. No I/O.

A set is one share of every market of an event. It pays 1.00 if the event is exhaustive, and at most
1.00 if not: so sets are bought in exhaustive events alone, and sold in all. A position in a market
is a number of shares, negative for NO; positions are even when they are the same in every market.

Source: docs/market_rules.md, Events, Fees.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from predmarket.bots.exposure import fee
from predmarket.enums import Side
from predmarket.units import PRICE_ONE, QTY_ONE, Money, Price, Qty, Rate

Level: TypeAlias = tuple[Price, Qty]
"""The best price of a side, and the size there."""

_QUARTER = 4
"""A contract's fee is largest at 0.50: a quarter of the rate."""


@dataclass(frozen=True, slots=True)
class Best:
    """A market's best levels, None for an empty side."""

    bid: Level | None
    ask: Level | None

    def against(self, side: Side) -> Level | None:
        """Return the level that an order of ``side`` takes."""
        return self.ask if side is Side.BUY else self.bid


@dataclass(frozen=True, slots=True)
class Leg:
    """Take one market's best level, immediately."""

    market_id: int
    side: Side
    price: Price
    qty: Qty


def sets(
    best: Mapping[int, Best],
    rate: Rate,
    *,
    exhaustive: bool,
    at_most: Qty,
    cash: Money | None = None,
) -> list[Leg]:
    """Return the legs of as many sets as are worth trading at the best prices, fees at ``rate``
    counted; none if they would earn nothing. ``cash`` bounds them, if given. The leg with the least
    to take comes first.
    """
    for side in (Side.BUY, Side.SELL) if exhaustive else (Side.SELL,):
        levels = {id: level for id, one in best.items() if (level := one.against(side))}
        if len(levels) < max(2, len(best)):
            continue
        qty = min(at_most, *(size for _, size in levels.values()))
        if cash is not None:
            qty = min(qty, cash // _largest_lock(len(levels), rate))
        thinnest = sorted(levels, key=lambda id: levels[id][1])
        legs = [Leg(id, side, levels[id][0], qty) for id in thinnest]
        if qty >= QTY_ONE and profit(legs, rate) > 0:
            return legs
    return []


def profit(legs: Sequence[Leg], rate: Rate) -> Money:
    """Return what sets earn for certain when all of their legs are filled whole."""
    sides = {leg.side for leg in legs}
    assert len(sides) == 1, "the legs of sets are on one side"
    paid_out = legs[0].qty * PRICE_ONE
    return cash_flow(legs, rate) + (paid_out if Side.BUY in sides else -paid_out)


def cash_flow(legs: Iterable[Leg], rate: Rate) -> Money:
    """Return what legs bring in cash less what they cost, fees included, when filled whole."""
    return sum(
        (-1 if leg.side is Side.BUY else 1) * leg.price * leg.qty - fee(rate, leg.qty, leg.price)
        for leg in legs
    )


def _largest_lock(legs: int, rate: Rate) -> Money:
    """Return no less than what the exchange locks at any time for one unit of sets."""
    return PRICE_ONE + legs * -(-rate // _QUARTER)


def evening(held: Mapping[int, Qty], best: Mapping[int, Best], rate: Rate) -> list[Leg]:
    """Return the legs that make positions even, as far as the best levels go; none if they are.

    There are two ways: sell what one holds beyond the smallest position, or buy what one lacks to
    the largest and so have more sets. The better one is taken, the one that can be gone to its end
    before one that cannot.
    """
    lowest, highest = min(held.values()), max(held.values())
    if lowest == highest:
        return []
    more_sets = (highest - lowest) * PRICE_ONE
    sells = {id: (Side.SELL, qty - lowest) for id, qty in held.items() if qty > lowest}
    buys = {id: (Side.BUY, highest - qty) for id, qty in held.items() if qty < highest}
    ways = []
    for ends_with, wanted in ((0, sells), (more_sets, buys)):
        legs = []
        for id, (side, qty) in wanted.items():
            level = best[id].against(side) if id in best else None
            if level is not None:
                legs.append(Leg(id, side, level[0], qty))
        ways.append((len(legs) == len(wanted), ends_with + cash_flow(legs, rate), legs))
    _, _, legs = max(ways, key=lambda way: way[:2])
    found = []
    for leg in legs:
        level = best[leg.market_id].against(leg.side)
        assert level is not None, "it was found above"
        found.append(Leg(leg.market_id, leg.side, leg.price, min(leg.qty, level[1])))
    return found
