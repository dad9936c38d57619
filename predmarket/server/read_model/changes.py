"""The changes of one committed batch, for market views and subscribers.

The core makes them when it seals a batch. It numbers each topic's changes and stores them in the
outbox, in the batch's transaction. After the commit every gateway gets them, for its market view
and its subscribers. Amounts are integers (units.py). Changes without a subscriber are never
rendered.

Numbers (``seq``) count a topic's changes from 1 without a gap, and are kept in the rows they belong
to (accounts, markets, events, core_state). A batch makes one change of each balance, position,
holding, ticker and order that it touched, and of the tickers of each event, however often; a book
counts its level changes, an order group what happened to it.
"""

import msgspec

from predmarket.engine.order_group import OrderGroupRecord
from predmarket.engine.replies import OrderRecord
from predmarket.enums import OrderGroupChange as WhatHappened
from predmarket.server.read_model.quotes import QuoteChange
from predmarket.server.read_model.records import (
    EventRecord,
    HoldingRecord,
    MarketRecord,
    PositionRecord,
    TradeRecord,
    UserFill,
)
from predmarket.units import Micros, Money, Price, Qty


class _Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class MarketChange(_Change, frozen=True):
    """A market's record. ``announced`` is its number among the announcements to everybody, or to
    its group (announcements.py); None if only prices and totals moved, or for a draft, which is not
    announced."""

    record: MarketRecord
    ticker_seq: int
    announced: int | None


class EventChange(_Change, frozen=True):
    """An event's record. ``ticker_seq`` counts the batches that touched it or a market of it;
    ``announced`` as of a market."""

    record: EventRecord
    ticker_seq: int
    announced: int | None


class BookChange(_Change, frozen=True):
    """Levels of a book with their new sizes, 0 for none. Covers the changes after ``last_seq``."""

    market_id: int
    last_seq: int
    seq: int
    bids: list[tuple[Price, Qty]]
    asks: list[tuple[Price, Qty]]


class TradeChange(_Change, frozen=True):
    """A trade on its market's tape."""

    seq: int
    trade: TradeRecord


class OrderChange(_Change, frozen=True):
    """A user's order after the batch."""

    seq: int
    order: OrderRecord


class FillChange(_Change, frozen=True):
    """One of a user's executions."""

    user_id: int
    seq: int
    fill: UserFill


class BalanceChange(_Change, frozen=True):
    """A user's cash."""

    user_id: int
    seq: int
    available: Money
    locked: Money


class PositionChange(_Change, frozen=True):
    """A user's shares of one market."""

    user_id: int
    seq: int
    position: PositionRecord


class HoldingChange(_Change, frozen=True):
    """A change of a user's part of an event."""

    user_id: int
    seq: int
    holding: HoldingRecord


class OrderGroupChange(_Change, frozen=True):
    """What happened to a user's order group, and how it stood then."""

    seq: int
    group: OrderGroupRecord
    change: WhatHappened


class Changes(_Change, frozen=True):
    """All changes of a batch; ``at`` is the time of its last command.

    A batch with announcements has the counts after it: ``markets_seq`` of those to everybody, and
    ``group_seqs`` of those to each group.
    """

    batch: int
    at: Micros
    markets: list[MarketChange] = []
    books: list[BookChange] = []
    trades: list[TradeChange] = []
    orders: list[OrderChange] = []
    fills: list[FillChange] = []
    balances: list[BalanceChange] = []
    positions: list[PositionChange] = []
    events: list[EventChange] = []
    holdings: list[HoldingChange] = []
    order_groups: list[OrderGroupChange] = []
    markets_seq: int = 0
    group_seqs: dict[int, int] = {}
    quotes: list[QuoteChange] = []


def encode(changes: Changes) -> bytes:
    """Encode changes for the outbox."""
    return _encoder.encode(changes)


def decode(stored: bytes) -> Changes:
    """Decode changes from the outbox."""
    return _decoder.decode(stored)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Changes)
