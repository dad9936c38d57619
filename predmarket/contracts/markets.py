"""Markets, order books, trades and candles in the API."""

from enum import StrEnum
from typing import ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from predmarket.contracts.amounts import Rate, Share, Tick, Time
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import (
    Category,
    Description,
    GroupName,
    Note,
    Question,
    Slug,
    Source,
    SpanOfTime,
    Tags,
    repeated_tag,
)
from predmarket.enums import MarketStatus, Outcome, Side
from predmarket.units import Micros


def tag_problems(tags: list[str] | UnsetType | None) -> list[Problem]:
    """Return the problem of tags of which two are equal but for their case."""
    again = repeated_tag(tags) if isinstance(tags, list) else None
    return [] if again is None else [Problem("tags", f"holds {again} more than once")]


class CreateMarketRequest(Request, frozen=True):
    """POST /v1/markets."""

    slug: Slug
    question: Question
    description: Description | None = None
    tick_size: Tick | None = None
    maker_fee_rate: Rate | None = None
    taker_fee_rate: Rate | None = None
    closes_at: Time | None = None
    status: Literal["DRAFT", "OPEN"] | None = None
    category: Category | None = None
    tags: Tags | None = None
    source: Source | None = None
    group: GroupName | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: no tag is given twice."""
        return tag_problems(self.tags)


class UpdateMarketRequest(Request, frozen=True):
    """PATCH /v1/markets/{market}; null removes closesAt, category, tags, source or group."""

    status: MarketStatus | None = None
    closes_at: Time | UnsetType | None = UNSET
    question: Question | None = None
    description: Description | None = None
    category: Category | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    source: Source | UnsetType | None = UNSET
    group: GroupName | UnsetType | None = UNSET

    def problems(self) -> list[Problem]:
        """Return the problems: no tag is given twice."""
        return tag_problems(self.tags)


class ResolutionRequest(Request, frozen=True, kw_only=True):
    """The fields of every resolution; with ``after`` or ``effectiveAt`` it is only proposed."""

    note: Note | None = None
    source: Source | None = None
    after: SpanOfTime | None = None
    effective_at: Time | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: a proposal is made after a span, or at a time."""
        if self.after is None or self.effective_at is None:
            return []
        return [Problem("effectiveAt", "does not go with after")]


class ResolveMarketRequest(ResolutionRequest, frozen=True):
    """POST /v1/markets/{market}/resolve."""

    outcome: Outcome
    settlement_price: Share | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: SCALAR and a settlement price go together."""
        problems = super().problems()
        if (self.outcome is Outcome.SCALAR) is (self.settlement_price is not None):
            return problems
        if self.settlement_price is None:
            return [Problem("settlementPrice", "is required with SCALAR"), *problems]
        return [Problem("settlementPrice", "goes only with SCALAR"), *problems]


class Creator(msgspec.Struct, frozen=True, rename="camel"):
    """The user who created a market."""

    id: int
    full_name: str | None


class Proposal(msgspec.Struct, frozen=True, rename="camel"):
    """A proposed resolution: nothing is paid before it is made.

    It is made by itself at ``effective_at``, or earlier if an admin confirms it. Where two admins
    resolve (RESOLVE_BY_TWO), it waits for one who did not propose it, and ``effective_at`` may be
    null or pass.
    """

    outcome: Outcome
    settlement_price: str | None
    note: str | None
    source: str | None
    actor_id: int
    effective_at: str | None


class ConfirmProposalRequest(Request, frozen=True):
    """POST /v1/markets/{market}/proposal/confirm: the proposal that is meant, as it was shown."""

    holds_objects: ClassVar[bool] = True

    proposal: Proposal | None = None


class Market(msgspec.Struct, frozen=True, rename="camel"):
    """A market's present state. Without an event ``event_id`` to ``label`` are null.

    In an event ``open_interest`` is the sum of all long positions; where the market has no
    category, tags or source of its own, they are the event's. ``proposal`` is the proposed
    resolution of the market or of its event, null without one. A market with a ``group`` exists for
    the members of that group alone.
    """

    id: int
    slug: str
    question: str
    description: str
    status: MarketStatus
    outcome: Outcome | None
    settlement_price: str | None
    tick_size: str
    maker_fee_rate: str
    taker_fee_rate: str
    closes_at: str | None
    created_at: str
    creator: Creator
    last_price: str | None
    best_bid: str | None
    best_ask: str | None
    volume: str
    open_interest: str
    event_id: int | None = None
    event_slug: str | None = None
    label: str | None = None
    category: str | None = None
    tags: list[str] = []
    source: str | None = None
    proposal: Proposal | None = None
    group: str | None = None


class MarketList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of markets; ``total`` counts all that match."""

    items: list[Market]
    total: int
    next_cursor: str | None = None


class Payouts(msgspec.Struct, frozen=True, rename="camel"):
    """The payouts of a resolution: how many accounts, and how much."""

    accounts: int
    total: str


class Resolution(msgspec.Struct, frozen=True, rename="camel"):
    """A market that ended, or of which a resolution is proposed.

    ``payouts`` is null for a proposal, and while the payment of a large market goes on.
    """

    market: Market
    payouts: Payouts | None


class OrderBook(msgspec.Struct, frozen=True, rename="camel"):
    """Levels as [price, qty], the best first; ``seq`` is the number of the last change in them."""

    market_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    seq: int


class Trade(msgspec.Struct, frozen=True, rename="camel"):
    """One execution."""

    id: int
    buy_order_id: int
    sell_order_id: int
    market_id: int
    price: str
    qty: str
    taker_side: Side
    created_at: str


class TradePage(msgspec.Struct, frozen=True, rename="camel"):
    """Trades, newest first."""

    items: list[Trade]
    next_cursor: str | None


class Interval(StrEnum):
    """The length of a candle."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"

    @property
    def micros(self) -> Micros:
        """Return the length in microseconds."""
        return _MINUTES[self] * 60_000_000


_MINUTES = {
    Interval.MINUTE: 1,
    Interval.FIVE_MINUTES: 5,
    Interval.QUARTER: 15,
    Interval.HOUR: 60,
    Interval.DAY: 1_440,
}


class Candle(msgspec.Struct, frozen=True, rename="camel"):
    """One interval from ``start``: the prices, contracts and number of its trades."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int


class CandleList(msgspec.Struct, frozen=True, rename="camel"):
    """Candles, oldest first."""

    items: list[Candle]
    next_cursor: str | None = None
