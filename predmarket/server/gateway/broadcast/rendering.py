"""Renders changes as messages for a topic's subscribers: one message a change, rendered once."""

from typing import NamedTuple, TypeAlias

from predmarket.contracts.realtime import BookLevels, EventTickers, Ticker
from predmarket.server.gateway import event_presenters, group_presenters, presenters
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.topics import Topic
from predmarket.server.read_model.changes import (
    BalanceChange,
    BookChange,
    EventChange,
    FillChange,
    HoldingChange,
    MarketChange,
    OrderChange,
    OrderGroupChange,
    PositionChange,
    TradeChange,
)
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import Price, Qty


class TickersChange(NamedTuple):
    """The markets of an event whose prices or totals a batch changed."""

    event_id: int
    seq: int
    market_ids: tuple[int, ...]


class Announcement(NamedTuple):
    """A market or an event as announced to one audience, with its number there."""

    seq: int
    change: MarketChange | EventChange

    @property
    def creator_id(self) -> int:
        """Return its creator."""
        return self.change.record.creator_id


Change: TypeAlias = (
    Announcement
    | MarketChange
    | TickersChange
    | BookChange
    | TradeChange
    | OrderChange
    | FillChange
    | BalanceChange
    | PositionChange
    | HoldingChange
    | OrderGroupChange
)


class Message(NamedTuple):
    """A topic's message in its frame; ``merges`` is its data for merging with a later one."""

    seq: int
    last_seq: int
    frame: bytes
    merges: BookChange | Ticker | EventTickers | None = None


def book_levels(
    market_id: int, bids: list[tuple[Price, Qty]], asks: list[tuple[Price, Qty]]
) -> BookLevels:
    """Return levels of a book; sizes are absolute, and 0.00 removes a level."""
    return BookLevels(market_id, presenters.levels(bids), presenters.levels(asks))


def seq_of(change: Change) -> int:
    """Return a change's number on its topic."""
    return change.ticker_seq if isinstance(change, MarketChange) else change.seq


def last_seq_of(change: Change) -> int:
    """Return the number before a change's first on its topic."""
    return change.last_seq if isinstance(change, BookChange) else seq_of(change) - 1


class Renderer:
    """Renders changes as JSON messages; the view has the markets' names and prices."""

    def __init__(self, view: MarketView) -> None:
        self._view = view

    def of(
        self,
        topic: Topic,
        change: Change,
        creator: str | None = None,
        last_seq: int | None = None,
    ) -> Message:
        """Return a change's message on one of its topics.

        ``creator`` is the name of the market's creator. ``last_seq`` is given if the message covers
        more than this change.
        """
        merges: BookChange | Ticker | EventTickers | None = None
        type, data = self._data(change, creator)
        if isinstance(change, BookChange):
            merges = change
        elif isinstance(data, Ticker | EventTickers):
            merges = data
        seq = seq_of(change)
        if last_seq is None:
            last_seq = last_seq_of(change)
        frame = frames.message(type, data, topic=topic.name, seq=seq, last_seq=last_seq)
        return Message(seq, last_seq, frame, merges)

    def _data(self, change: Change, creator: str | None) -> tuple[str, object]:
        view = self._view
        match change:
            case BookChange():
                data = book_levels(change.market_id, change.bids, change.asks)
                return "orderbook.delta", data
            case MarketChange():
                return "ticker", presenters.ticker(change.record, view.book(change.record.id))
            case Announcement():
                record = change.change.record
                if isinstance(record, MarketRecord):
                    return "market", presenters.market(record, view, creator)
                return "event", event_presenters.summary(record, view, creator, drafts=False)
            case TickersChange():
                records = [one for id in change.market_ids if (one := view.find(id)) is not None]
                return "event.tickers", EventTickers(event_presenters.tickers(records, view))
            case TradeChange():
                return "trade", presenters.trade(change.trade)
            case OrderChange():
                return "order", presenters.order_state(change.order, view)
            case FillChange():
                return "fill", presenters.user_fill(change.fill, view)
            case BalanceChange():
                return "balance", presenters.balance(change.available, change.locked)
            case PositionChange():
                return "position", presenters.position(change.position, view)
            case HoldingChange():
                return "eventPosition", event_presenters.holding(change.holding, view)
            case OrderGroupChange():
                return "orderGroup", group_presenters.update(change)
