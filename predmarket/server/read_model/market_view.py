"""The gateway's market view: every market, event and order book as last committed, in memory.

Invariant: only committed batches change the view, in their order. So no reader sees a change that
might be undone.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator

from predmarket.engine.market import Market
from predmarket.engine.market_event import MOST_OPEN_FIRST, MarketEvent
from predmarket.engine.metadata import Metadata
from predmarket.enums import EventOutcome, MarketStatus, Side
from predmarket.server.read_model.announcements import Counts
from predmarket.server.read_model.changes import BookChange, Changes
from predmarket.server.read_model.listing import Kind, Listing
from predmarket.server.read_model.records import EventRecord, MarketRecord
from predmarket.units import Price, Qty


def is_id(ref: str) -> bool:
    """Tell whether a market or an event is named by its id: no slug is all digits."""
    return ref.isascii() and ref.isdigit() and len(ref) < 19


class BookView:
    """One committed order book: sizes by price, with their sequence number."""

    __slots__ = ("_best", "_best_at", "asks", "bids", "seq")

    def __init__(self) -> None:
        self.bids: dict[Price, Qty] = {}
        self.asks: dict[Price, Qty] = {}
        self.seq = 0
        self._best: tuple[Price | None, Price | None] = None, None
        self._best_at = -1

    def apply(self, change: BookChange) -> None:
        """Apply new sizes of some levels."""
        for levels, changed in ((self.bids, change.bids), (self.asks, change.asks)):
            for price, qty in changed:
                if qty:
                    levels[price] = qty
                else:
                    levels.pop(price, None)
        self.seq = change.seq

    @property
    def best_bid(self) -> Price | None:
        """Return the highest bid."""
        return self._top()[0]

    @property
    def best_ask(self) -> Price | None:
        """Return the lowest ask."""
        return self._top()[1]

    def _top(self) -> tuple[Price | None, Price | None]:
        """Return the best prices, computed once for each sequence: a book may have many levels."""
        if self._best_at != self.seq:
            self._best = max(self.bids, default=None), min(self.asks, default=None)
            self._best_at = self.seq
        return self._best

    def levels(self, side: Side, depth: int | None = None) -> list[tuple[Price, Qty]]:
        """Return the best ``depth`` levels of one side, best first."""
        if side is Side.BUY:
            return sorted(self.bids.items(), reverse=True)[:depth]
        return sorted(self.asks.items())[:depth]


class MarketView:
    """All markets with their books, and all events, by id and by slug.

    ``announced`` counts what the topic of all markets has told. ``hidden`` are the groups that
    markets belong to, each with the ids of its markets; ``regroups`` counts changes of a market's
    group. ``group_names`` are the names that were learned (gateway/broadcast/group_names.py).

    The ids stand in order in ``market_list`` and ``event_list``. ``question_list`` has the first
    market of each event, under the event's status, and each market without an event.
    """

    def __init__(self) -> None:
        self.announced = Counts(0, {})
        self.hidden: dict[int, set[int]] = {}
        self.regroups = 0
        self.group_names: dict[int, str] = {}
        self.market_list = Listing()
        self.event_list = Listing()
        self.question_list = Listing()
        self.creators = set[int]()
        """Everybody who made a market or an event."""
        self._ticker_seqs: dict[int, int] = {}
        self._records: dict[int, MarketRecord] = {}
        self._ids: dict[str, int] = {}
        self._books: dict[int, BookView] = {}
        self.events: dict[int, EventRecord] = {}
        self._event_ids: dict[str, int] = {}
        self._event_ticker_seqs: dict[int, int] = {}
        self._market_ids: dict[int, list[int]] = {}
        self._series: dict[str, list[int]] = {}

    def find(self, ref: str | int) -> MarketRecord | None:
        """Return the market with that id (also as digits) or slug."""
        if isinstance(ref, str):
            ref = int(ref) if is_id(ref) else self._ids.get(ref, 0)
        return self._records.get(ref)

    def market(self, market_id: int) -> MarketRecord:
        """Return a known market."""
        return self._records[market_id]

    def find_event(self, ref: str | int) -> EventRecord | None:
        """Return the event with that id (also as digits) or slug."""
        if isinstance(ref, str):
            ref = int(ref) if is_id(ref) else self._event_ids.get(ref, 0)
        return self.events.get(ref)

    def markets_of(self, event_id: int) -> list[MarketRecord]:
        """Return a known event's markets in the order of their ids, struck ones too."""
        return [self._records[market_id] for market_id in self._market_ids[event_id]]

    def metadata_of(self, market: MarketRecord) -> Metadata:
        """Return a market's metadata; where it has none of its own, that of its event."""
        event = None if market.event_id is None else self.events[market.event_id]
        return market.metadata if event is None else market.metadata.over(event.metadata)

    def events_in(self, series: str) -> Iterator[EventRecord]:
        """Yield the events of a series in the order of their ids."""
        return (self.events[event_id] for event_id in self._series.get(series, ()))

    def event_status(self, event_id: int) -> MarketStatus:
        """Return a known event's status: the most open one that a market of it has."""
        outcome = self.events[event_id].outcome
        if outcome is not None:
            void = outcome is EventOutcome.VOID
            return MarketStatus.VOIDED if void else MarketStatus.RESOLVED
        statuses = set[MarketStatus]()
        for market_id in self._market_ids[event_id]:
            statuses.add(self._records[market_id].status)
            if MOST_OPEN_FIRST[0] in statuses:  # as a rule after the first market
                break
        return next(status for status in MOST_OPEN_FIRST if status in statuses)

    def event_ticker_seq(self, event_id: int) -> int:
        """Return the number of the last change of a known event's markets."""
        return self._event_ticker_seqs[event_id]

    def book(self, market_id: int) -> BookView:
        """Return a known market's book."""
        return self._books[market_id]

    def ticker_seq(self, market_id: int) -> int:
        """Return the number of a known market's last change of prices or totals."""
        return self._ticker_seqs[market_id]

    def group_name(self, group_id: int | None) -> str | None:
        """Return a group's learned name, None without a group."""
        return None if group_id is None else self.group_names[group_id]

    def __iter__(self) -> Iterator[MarketRecord]:
        return iter(self._records.values())

    def apply(self, changes: Changes) -> None:
        """Take over what a committed batch changed."""
        moved = set[int]()
        for event in changes.events:
            self._put_event(event.record, event.ticker_seq)
            if event.record.outcome is not None:
                moved.add(event.record.id)
        for market in changes.markets:
            if self._put(market.record) and market.record.event_id is not None:
                moved.add(market.record.event_id)
            self._ticker_seqs[market.record.id] = market.ticker_seq
        self._list_events(moved)
        if changes.markets_seq or changes.group_seqs:
            self.announced = Counts(changes.markets_seq, changes.group_seqs)
        for book in changes.books:
            self._books[book.market_id].apply(book)

    def _put(self, record: MarketRecord) -> bool:
        """Take over a market; tell whether it is new or has another status or group."""
        known = self._records.get(record.id)
        if record.group_id is not None or (known is not None and known.group_id is not None):
            self._hide(record, None if known is None else known.group_id)
        self._records[record.id] = record
        kind = Kind(record.status, record.group_id)
        if known is not None and kind == (known.status, known.group_id):
            return False
        if known is None:
            self._ids[record.slug] = record.id
            self.creators.add(record.creator_id)
            self._books[record.id] = BookView()
            if record.event_id is not None:
                insort(self._market_ids[record.event_id], record.id)
        self.market_list.put(record.id, kind)
        if record.event_id is None:
            self.question_list.put(record.id, kind)
        return True

    def _list_events(self, ids: Iterable[int]) -> None:
        """List some events under their present status."""
        for id in ids:
            kind = Kind(self.event_status(id), self.events[id].group_id)
            self.event_list.put(id, kind)
            self.question_list.put(self._market_ids[id][0], kind)

    def _hide(self, record: MarketRecord, before: int | None) -> None:
        """Note a market's group in place of the one before."""
        if record.id in self._records and before != record.group_id:
            self.regroups += 1
        if before is not None and before != record.group_id:
            self.hidden[before].discard(record.id)
            if not self.hidden[before]:
                del self.hidden[before]
        if record.group_id is not None:
            self.hidden.setdefault(record.group_id, set()).add(record.id)

    def _put_event(self, record: EventRecord, ticker_seq: int) -> None:
        self._put_in_series(record)
        self.events[record.id] = record
        self._event_ids[record.slug] = record.id
        self.creators.add(record.creator_id)
        self._event_ticker_seqs[record.id] = ticker_seq
        self._market_ids.setdefault(record.id, [])

    def _put_in_series(self, record: EventRecord) -> None:
        """List an event under its series, and no longer under another one."""
        known, series = self.events.get(record.id), record.series or record.slug
        if known is not None:
            before = known.series or known.slug
            if before == series:
                return
            self._series[before].remove(record.id)
            if not self._series[before]:
                del self._series[before]
        insort(self._series.setdefault(series, []), record.id)

    def restore(
        self,
        markets: Iterable[tuple[MarketRecord, int, BookView]],
        events: Iterable[tuple[EventRecord, int]],
        announced: Counts,
    ) -> None:
        """Forget everything and hold these: each market with its ticker's number and its book, each
        event with its tickers' number."""
        self.reload((), (), announced)
        for event, ticker_seq in events:
            self._put_event(event, ticker_seq)
        for record, ticker_seq, book in markets:
            self._put(record)
            self._ticker_seqs[record.id] = ticker_seq
            self._books[record.id] = book
        self._list_events(self.events)

    def reload(
        self,
        markets: Iterable[tuple[Market, int]],
        events: Iterable[tuple[MarketEvent, int]],
        announced: Counts = Counts(0, {}),  # noqa: B008 -- it does not change
    ) -> None:
        """Forget everything and copy a state just loaded from the database.

        Each market comes with its ticker's number, each event with its tickers' number.
        """
        self.announced = announced
        self.hidden.clear()
        self._ticker_seqs.clear()
        self._records.clear()
        self._ids.clear()
        self._books.clear()
        self.events.clear()
        self._event_ids.clear()
        self._event_ticker_seqs.clear()
        self._market_ids.clear()
        self._series.clear()
        self.market_list, self.event_list, self.question_list = Listing(), Listing(), Listing()
        for event, ticker_seq in events:
            self._put_event(EventRecord.of(event), ticker_seq)
        for market, ticker_seq in markets:
            self._put(MarketRecord.of(market))
            book = self._books[market.id]
            self._ticker_seqs[market.id] = ticker_seq
            book.seq = market.book_seq
            book.bids = {level.price: level.qty for level in market.book.bids}
            book.asks = {level.price: level.qty for level in market.book.asks}
        self._list_events(self.events)
