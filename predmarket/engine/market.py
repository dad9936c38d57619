"""A market: its terms, where it stands in its lifecycle, and its totals.

Invariant: a final market never changes again. Source: docs/market_rules.md, Lifecycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from predmarket.engine.book import Book
from predmarket.engine.metadata import NO_METADATA, Metadata
from predmarket.engine.proposal import MarketProposal
from predmarket.enums import MarketStatus, Outcome
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty, Rate

if TYPE_CHECKING:
    from predmarket.engine.market_event import MarketEvent
    from predmarket.engine.position import Position

FINAL = frozenset({MarketStatus.RESOLVED, MarketStatus.VOIDED})

TRANSITIONS: dict[MarketStatus, frozenset[MarketStatus]] = {
    MarketStatus.DRAFT: frozenset({MarketStatus.OPEN}),
    MarketStatus.OPEN: frozenset({MarketStatus.HALTED, MarketStatus.CLOSED}),
    MarketStatus.HALTED: frozenset({MarketStatus.OPEN, MarketStatus.CLOSED}),
    MarketStatus.CLOSED: frozenset({MarketStatus.OPEN}),
    MarketStatus.RESOLVED: frozenset(),
    MarketStatus.VOIDED: frozenset(),
}
"""Statuses that an admin can set, by the present one. Resolving is a command of its own."""

PAYOUT: dict[Outcome, Price] = {Outcome.YES: PRICE_ONE, Outcome.NO: 0}


class Market:
    """One question with one book.

    In an ``event``, ``collateral`` and ``fees`` belong to the event, and ``open_interest`` is the
    sum of the long positions; otherwise it is the number of complete sets. ``label`` names the
    market within its event. ``group_id`` names the users that the market exists for, None for
    everybody (sight.py); in an event it is the event's.

    ``ending`` is the outcome of a resolution under way; ``positions`` are then those not settled
    yet. ``scheduled`` is the time of the timer that closes it, None while none is set. ``proposal``
    is a resolution of this market alone that is proposed.
    """

    __slots__ = (
        "book", "book_seq", "closes_at", "collateral", "created_at", "creator_id", "description",
        "ending", "event", "fees", "group_id", "id", "label", "last_price", "lock_rate",
        "maker_rate", "metadata", "open_interest", "outcome", "paid_accounts", "paid_total",
        "positions", "proposal", "question", "scheduled", "settlement_price", "slug", "status",
        "taker_rate", "tick", "total_no", "total_yes", "volume",
    )  # fmt: skip

    def __init__(
        self,
        id: int,
        slug: str,
        tick: Price,
        maker_rate: Rate = 0,
        taker_rate: Rate = 0,
        *,
        question: str = "",
        description: str = "",
        status: MarketStatus = MarketStatus.OPEN,
        closes_at: Micros | None = None,
        created_at: Micros = 0,
        creator_id: int = 0,
        event: MarketEvent | None = None,
        label: str | None = None,
        metadata: Metadata = NO_METADATA,
        group_id: int | None = None,
    ) -> None:
        self.id = id
        self.slug = slug
        self.event = event
        self.label = label
        self.metadata = metadata
        self.group_id = group_id
        self.question = question
        self.description = description
        self.status = status
        self.outcome: Outcome | None = None
        self.settlement_price: Price | None = None
        self.tick = tick
        self.maker_rate = maker_rate
        self.taker_rate = taker_rate
        self.lock_rate = max(maker_rate, taker_rate)
        self.closes_at = closes_at
        self.created_at = created_at
        self.creator_id = creator_id
        self.last_price: Price | None = None
        self.volume: Qty = 0
        self.open_interest: Qty = 0
        self.collateral: Money = 0
        self.fees: Money = 0
        self.total_yes: Qty = 0
        self.total_no: Qty = 0
        self.book = Book(tick)
        self.book_seq = 0
        self.positions: dict[int, Position] = {}
        self.ending: Outcome | None = None
        self.proposal: MarketProposal | None = None
        self.scheduled: Micros | None = None
        self.paid_accounts = 0
        self.paid_total: Money = 0

    @property
    def final(self) -> bool:
        """Tell whether no command may change this market any more."""
        return self.status in FINAL

    @property
    def proposed(self) -> bool:
        """Tell whether a resolution of it or of its event is proposed."""
        event = self.event
        return self.proposal is not None or (event is not None and event.proposal is not None)

    @property
    def event_id(self) -> int | None:
        """Return the id of its event, None without one."""
        return None if self.event is None else self.event.id

    def closes_on_time(self) -> bool:
        """Tell whether closesAt applies in the present status."""
        return self.status is MarketStatus.OPEN or self.status is MarketStatus.HALTED
