"""A batch, from its first command to its seal.

Invariant: a sealed batch shares nothing with the engine, so the next batch may be decided while it
commits.
"""

from dataclasses import dataclass, field, replace

from predmarket.engine import Exchange, steps
from predmarket.engine.commands import Command
from predmarket.engine.events import (
    BookDelta,
    Event,
    EventChanged,
    MarketChanged,
    Match,
    OrderGroupChanged,
)
from predmarket.engine.market import Market
from predmarket.server.core import journal
from predmarket.server.core.bus import BusReply
from predmarket.server.core.change_feed import ChangeFeed
from predmarket.server.core.journal import Entry
from predmarket.server.core.pending_command import PendingCommand
from predmarket.server.core.stores.base import BatchRecord, CoreRow, Counters
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.state_rows import state_rows
from predmarket.server.core.stores.store_numbers import StoreNumbers
from predmarket.server.core.stream_position import StreamPosition
from predmarket.server.read_model.changes import Changes, encode
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.quotes import MINUTE, QuoteChange, Quotes
from predmarket.units import Micros

ROWS_PER_STEP = 20_000
"""Maximum rows that one command, or one step of a command, writes."""


@dataclass(slots=True, eq=False)
class Batch:
    """The commands decided since the last seal, with their replies and effects.

    ``decided`` are the commands that were executed in this batch, whole or in part. ``answers`` are
    repeats: their reply was known, and they wrote nothing. ``stepped`` tells whether the batch took
    a step. ``matches`` are the trades with their times. ``announced`` are the markets and
    ``announced_events`` the events whose status or details changed, ``order_groups`` what happened
    to groups. ``quotes`` are by market and minute. ``position`` is the position in the command
    stream that the batch reaches, None if it stays. After the seal ``changes`` are the batch's
    changes for readers and ``encoded`` the same as bytes; None if there is nothing to commit.
    """

    first_seq: int
    history: HistoryRows
    entries: list[Entry] = field(default_factory=list)
    decided: list[PendingCommand] = field(default_factory=list)
    answers: list[tuple[PendingCommand, BusReply]] = field(default_factory=list)
    deltas: list[BookDelta] = field(default_factory=list)
    matches: list[tuple[Micros, Match]] = field(default_factory=list)
    announced: set[int] = field(default_factory=set)
    announced_events: set[int] = field(default_factory=set)
    order_groups: list[OrderGroupChanged] = field(default_factory=list)
    quotes: dict[tuple[int, Micros], Quotes] = field(default_factory=dict)
    position: StreamPosition | None = None
    changes: Changes | None = None
    encoded: bytes = b""
    stepped: bool = False
    rows: int = 0

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to commit and nobody to answer."""
        return not (self.entries or self.answers or self.position)

    def add(
        self, exchange: Exchange, now: Micros, id: str, command: Command, events: list[Event]
    ) -> None:
        """Record a command that the exchange has just executed."""
        seq = self.first_seq + len(self.entries)
        self.entries.append(Entry(now, id, command))
        self.history.add(seq, command, events, exchange.state)
        before, self.rows = self.rows, self._count(exchange)
        assert self.rows - before <= ROWS_PER_STEP, f"{self.rows - before} rows in one step"
        happens_at = exchange.state.happens_at
        quoted = set[int]()
        for event in events:
            if type(event) is BookDelta:
                self.deltas.append(event)
                quoted.add(event.market_id)
            elif type(event) is Match:
                self.matches.append((happens_at, event))
            elif type(event) is MarketChanged:
                self._announce(exchange, event)
                quoted.add(event.market_id)
            elif type(event) is EventChanged:
                self.announced_events.add(event.event_id)
            elif type(event) is OrderGroupChanged:
                self.order_groups.append(event)
        for market_id in quoted:
            self._quote(exchange.state.markets[market_id], now // MINUTE * MINUTE)

    def _quote(self, market: Market, minute: Micros) -> None:
        """Record a market's quotes after a command."""
        before = self.quotes.get((market.id, minute))
        quotes = Quotes.of(market) if before is None else before.after(market)
        self.quotes[market.id, minute] = quotes

    def _announce(self, exchange: Exchange, changed: MarketChanged) -> None:
        self.announced.add(changed.market_id)
        event_id = exchange.state.markets[changed.market_id].event_id
        if event_id is not None and changed.new_status:
            self.announced_events.add(event_id)

    def _count(self, exchange: Exchange) -> int:
        """Return at most how many rows the batch has so far: history, state, and its own two."""
        state = exchange.state
        return (
            2
            + len(self.history)
            + 2 * len(state.dirty_orders)  # and its account's row, for the topic's counter
            + 2 * len(state.dirty_markets)  # and its event's, if it has one
            + len(state.ledger.dirty_events)
            + len(state.ledger.dirty_holdings)
            + 2 * len(state.dirty_order_groups)  # and its account's, as of an order
            + len(state.ledger.dirty_accounts)
            + len(state.ledger.dirty_positions)
        )

    def pending(self) -> list[PendingCommand]:
        """Return the commands that wait for this batch, each once."""
        return list(dict.fromkeys([*self.decided, *(pending for pending, _ in self.answers)]))

    def seal(self, exchange: Exchange, numbers: StoreNumbers, before: CoreRow) -> BatchRecord:
        """Copy everything that the batch changed, and count it.

        ``before`` is the core row that the batch builds on.
        """
        state = exchange.state
        dirty = exchange.take_changes()
        entries = journal.encode(self.entries)
        number = before.last_batch + 1
        feed = ChangeFeed(state, dirty, numbers, before.counters.markets_seq, before.group_seqs)
        self.changes = feed.number(
            number,
            self.matches,
            self.deltas,
            self.announced,
            self.announced_events,
            self.order_groups,
            [QuoteChange(*key, quotes) for key, quotes in self.quotes.items()],
        )
        core = CoreRow(
            before.epoch,
            number,
            before.last_seq + len(self.entries),
            state.now,
            journal.chain(before.last_hash, number, self.first_seq, entries),
            Counters(
                last_order_id=state.last_order_id,
                last_trade_id=state.last_trade_id,
                last_market_id=state.last_market_id,
                last_transfer_id=state.last_transfer_id,
                last_rank=state.last_rank,
                last_ledger_id=self.history.last_ledger_id,
                fees=state.ledger.fees,
                net_deposits=state.ledger.net_deposits,
                markets_seq=feed.markets_seq,
            ),
            self.position or before.position,
            steps.encode(state.unfinished),
            group_seqs=feed.group_seqs,
        )
        self.encoded = encode(self.changes)
        written = replace(dirty, accounts=feed.accounts, market_events=feed.events)
        rows = state_rows(written, numbers, feed.order_seqs)
        numbers.versions.forget(state, written)
        return BatchRecord(
            core,
            self.first_seq,
            journal.RULES,
            entries,
            rows,
            self.history,
            self.encoded,
        )

    def publish(self, view: MarketView) -> None:
        """Apply the batch to the market view. Call it after the commit and before any answer."""
        if self.changes is not None:
            view.apply(self.changes)

    def answer(self) -> None:
        """Answer the finished commands. Call it after the commit."""
        for pending in self.decided:
            pending.committed()
        for pending, reply in self.answers:
            pending.answer(reply)
