"""An event: several markets of which at most one, or exactly one, resolves YES.

A complete set is one share of every outcome: of each market that is not struck, and of NONE unless
the event is exhaustive. It pays 1.00 whatever happens. Collateral, fees, the count of sets and the
outcome belong to the event, not to its markets.

Source: docs/market_rules.md, Events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from predmarket.engine.metadata import NO_METADATA, Metadata
from predmarket.engine.proposal import EventProposal
from predmarket.enums import EventOutcome, MarketStatus
from predmarket.units import Micros, Money, Price, Qty, Rate

if TYPE_CHECKING:
    from predmarket.engine.position import Holding

MOST_OPEN_FIRST = (
    MarketStatus.OPEN, MarketStatus.HALTED, MarketStatus.CLOSED, MarketStatus.DRAFT,
)  # fmt: skip
"""An event's status is the first of these that one of its markets has."""


class MarketEvent:
    """One question with several answers, each a market.

    ``outcomes`` counts the outcomes that can still happen, NONE among them. ``open_interest`` is
    the number of complete sets, ``total_base`` the sum of all bases. ``ending`` is the outcome of a
    resolution under way; ``holdings`` are then those not settled yet. ``proposal`` is a resolution
    of the event that is proposed.
    """

    __slots__ = (
        "closes_at", "collateral", "created_at", "creator_id", "description", "ending",
        "exhaustive", "fees", "group_id", "holdings", "id", "maker_rate", "market_ids", "metadata",
        "open_interest", "outcome", "outcomes", "paid_accounts", "paid_total", "proposal", "series",
        "slug", "taker_rate", "tick", "title", "total_base",
    )  # fmt: skip

    def __init__(
        self,
        id: int,
        slug: str,
        tick: Price,
        maker_rate: Rate = 0,
        taker_rate: Rate = 0,
        *,
        exhaustive: bool,
        title: str = "",
        description: str = "",
        closes_at: Micros | None = None,
        created_at: Micros = 0,
        creator_id: int = 0,
        metadata: Metadata = NO_METADATA,
        group_id: int | None = None,
        series: str | None = None,
    ) -> None:
        self.id = id
        self.slug = slug
        self.title = title
        self.description = description
        self.exhaustive = exhaustive
        self.tick = tick
        self.maker_rate = maker_rate
        self.taker_rate = taker_rate
        self.closes_at = closes_at
        self.created_at = created_at
        self.creator_id = creator_id
        self.metadata = metadata
        self.group_id = group_id
        self.series = slug if series is None else series
        self.outcome: EventOutcome | None = None
        self.ending: EventOutcome | None = None
        self.proposal: EventProposal | None = None
        self.market_ids: list[int] = []
        self.holdings: dict[int, Holding] = {}
        self.outcomes = 0 if exhaustive else 1
        self.open_interest: Qty = 0
        self.total_base: Qty = 0
        self.collateral: Money = 0
        self.fees: Money = 0
        self.paid_accounts = 0
        self.paid_total: Money = 0
