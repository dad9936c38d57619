"""The rows that readers see: markets, events, positions, trades and fills, as committed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.metadata import NO_METADATA, Metadata
from predmarket.engine.proposal import EventProposal, MarketProposal
from predmarket.enums import EventOutcome, Liquidity, MarketStatus, Outcome, Side
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty, Rate


class MarketRecord(msgspec.Struct, frozen=True, array_like=True):
    """A committed market. Amounts are integers (units.py). With a ``group_id`` it exists for the
    members of that group alone (gateway/sight.py)."""

    id: int
    slug: str
    question: str
    description: str
    status: MarketStatus
    outcome: Outcome | None
    settlement_price: Price | None
    tick: Price
    maker_rate: Rate
    taker_rate: Rate
    closes_at: Micros | None
    created_at: Micros
    creator_id: int
    last_price: Price | None
    volume: Qty
    open_interest: Qty
    event_id: int | None = None
    label: str | None = None
    metadata: Metadata = NO_METADATA
    proposal: MarketProposal | None = None
    group_id: int | None = None

    @property
    def unit(self) -> int:
        """Return what a user is flat in or not: the market, or minus the id of its event."""
        return self.id if self.event_id is None else -self.event_id

    @classmethod
    def of(cls, market: Market) -> MarketRecord:
        """Copy a market's present state."""
        return cls(*(getattr(market, field) for field in cls.__struct_fields__))


class EventRecord(msgspec.Struct, frozen=True, array_like=True):
    """One event as committed. Its status and its winner are read from its markets, and its
    ``group_id`` is theirs."""

    id: int
    slug: str
    title: str
    description: str
    exhaustive: bool
    outcome: EventOutcome | None
    tick: Price
    maker_rate: Rate
    taker_rate: Rate
    closes_at: Micros | None
    created_at: Micros
    creator_id: int
    open_interest: Qty
    metadata: Metadata = NO_METADATA
    proposal: EventProposal | None = None
    group_id: int | None = None
    series: str = ""

    @property
    def unit(self) -> int:
        """Return its markets' unit."""
        return -self.id

    @classmethod
    def of(cls, event: MarketEvent) -> EventRecord:
        """Copy an event as it stands now."""
        return cls(*(getattr(event, field) for field in cls.__struct_fields__))


_TAGS = msgspec.json.Decoder(tuple[str, ...])


def stored_metadata(category: str | None, tags: str | None, source: str | None) -> Metadata:
    """Return the metadata that a row of markets or events holds."""
    if category is None and tags is None and source is None:
        return NO_METADATA
    return Metadata(category, _TAGS.decode(tags or "[]"), source)


class HoldingRecord(NamedTuple):
    """One user's part of an event: a base, and the net positions that are not 0.

    The user holds base + net shares of an outcome, and base shares of NONE and of an outcome
    without a net.
    """

    event_id: int
    base: Qty
    nets: tuple[tuple[int, Qty], ...]

    @property
    def returned(self) -> Money:
        """Return what merging has paid out ahead of what the positions show."""
        short = -sum([net for _, net in self.nets if net < 0])
        return (short - self.base) * PRICE_ONE

    @property
    def none(self) -> Money:
        """Return what is paid if NONE happens, or a market in which there is no net position."""
        return self.base * PRICE_ONE

    def payoff(self, market_id: int) -> Money:
        """Return what is paid if a market wins."""
        return (self.base + dict(self.nets).get(market_id, 0)) * PRICE_ONE


class PositionRecord(NamedTuple):
    """One user's shares of one market, and their cost."""

    market_id: int
    yes: Qty
    no: Qty
    cost_yes: Money
    cost_no: Money
    realized: Money

    @property
    def cost(self) -> Money:
        """Return the cost of all shares."""
        return self.cost_yes + self.cost_no


class TradeRecord(NamedTuple):
    """A stored trade, without its users."""

    id: int
    market_id: int
    buy_order_id: int
    sell_order_id: int
    price: Price
    qty: Qty
    taker_side: Side
    created_at: Micros


class UserFill(NamedTuple):
    """One user's half of a trade."""

    trade_id: int
    order_id: int
    market_id: int
    side: Side
    price: Price
    qty: Qty
    fee: Money
    liquidity: Liquidity
    created_at: Micros
