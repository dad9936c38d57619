"""The rows that readers see: markets, positions, trades and fills, as committed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from predmarket.engine.market import Market
from predmarket.enums import Liquidity, MarketStatus, Outcome, Side
from predmarket.units import Micros, Money, Price, Qty, Rate


class MarketRecord(msgspec.Struct, frozen=True, array_like=True):
    """One market as committed. Amounts are integers (units.py)."""

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

    @classmethod
    def of(cls, market: Market) -> MarketRecord:
        """Copy a market as it stands now."""
        return cls(*(getattr(market, field) for field in cls.__struct_fields__))


class PositionRecord(NamedTuple):
    """One user's shares of one market, and what they cost."""

    market_id: int
    yes: Qty
    no: Qty
    cost_yes: Money
    cost_no: Money
    realized: Money

    @property
    def cost(self) -> Money:
        """Return what all the shares cost."""
        return self.cost_yes + self.cost_no


class TradeRecord(NamedTuple):
    """A trade as stored, without who it was."""

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
