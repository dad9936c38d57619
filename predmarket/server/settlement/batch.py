"""A batch from its first command to its seal.

Invariant: a sealed batch shares nothing with the engine; the next one may be decided while it
commits.
"""

import asyncio
from dataclasses import dataclass, field

from predmarket.engine import Exchange
from predmarket.engine.commands import Command
from predmarket.engine.events import BookDelta, Event, MarketChanged
from predmarket.server.bus import BusError, BusReply
from predmarket.server.changes import Changes, encode
from predmarket.server.settlement import journal
from predmarket.server.settlement.journal import Entry
from predmarket.server.settlement.position import Position
from predmarket.server.settlement.rows import History, state_rows
from predmarket.server.settlement.store import CoreRow, Counters, Settlement
from predmarket.server.settlement.telling import Telling
from predmarket.server.view import MarketView
from predmarket.units import Micros


@dataclass(slots=True, eq=False)
class Waiting:
    """A command that somebody waits for. From ``expires_at`` on, in elapsed
    time (clock.py), nobody does any more.

    ``id`` is its own for ever, ``number`` its place among this core's commands.
    ``held``: a resolution that was carried out in part and is answered after its last step;
    ``recorded``: that first part is committed. ``position``: with it everything in the command
    stream up to here is dealt with; None where there is no stream.
    """

    id: str
    number: int
    command: Command
    expires_at: Micros
    reply: asyncio.Future[BusReply]
    position: Position | None = None
    held: bool = False
    recorded: bool = False

    def answer(self, reply: BusReply) -> None:
        """Give the reply, if anybody still waits."""
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: BusError) -> None:
        """Say that there will be no reply, if anybody still waits."""
        if not self.reply.done():
            self.reply.set_exception(error)


@dataclass(slots=True, eq=False)
class Batch:
    """The commands decided since the last seal, their answers and their effects.

    ``held`` are resolutions begun here; ``stepped`` tells that a step of one was taken here;
    ``announced`` are markets whose status or details changed. ``position`` is how far it brings the
    core in the command stream, None when no further. Sealed, ``changes`` is what it tells the
    world, and ``encoded`` the same as bytes; None when it has nothing to commit.
    """

    first_seq: int
    history: History
    entries: list[Entry] = field(default_factory=list)
    answers: list[tuple[Waiting, BusReply]] = field(default_factory=list)
    held: list[Waiting] = field(default_factory=list)
    deltas: list[BookDelta] = field(default_factory=list)
    announced: set[int] = field(default_factory=set)
    position: Position | None = None
    changes: Changes | None = None
    encoded: bytes = b""
    stepped: bool = False

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to commit and nobody to answer."""
        return not (self.entries or self.answers or self.position)

    @property
    def rows(self) -> int:
        """Return about how many rows the batch will write."""
        h = self.history
        return 2 * len(self.entries) + len(h.order_events) + len(h.ledger) + 2 * len(h.trades)

    def add(
        self, exchange: Exchange, now: Micros, id: str, command: Command, events: list[Event]
    ) -> None:
        """Record a command that the exchange has just carried out."""
        seq = self.first_seq + len(self.entries)
        self.entries.append(Entry(now, id, command))
        self.history.add(seq, now, command, events, exchange.state.ledger)
        for event in events:
            if type(event) is BookDelta:
                self.deltas.append(event)
            elif type(event) is MarketChanged:
                self.announced.add(event.market_id)

    def waiters(self) -> list[Waiting]:
        """Return everybody who waits for this batch, each once."""
        return list(dict.fromkeys([*(waiting for waiting, _ in self.answers), *self.held]))

    def seal(self, exchange: Exchange, before: CoreRow) -> Settlement:
        """Copy everything the batch changed; ``before`` is the core row it builds on."""
        state = exchange.state
        dirty = exchange.take_changes()
        entries = journal.encode(self.entries)
        number = before.last_batch + 1
        telling = Telling(state, dirty, before.counters.markets_seq)
        self.changes = telling.tell(number, self.history, self.deltas, self.announced)
        core = CoreRow(
            before.epoch,
            number,
            before.last_seq + len(self.entries),
            state.now,
            journal.chain(before.last_hash, number, self.first_seq, entries),
            Counters(
                state.last_order_id,
                state.last_trade_id,
                state.last_market_id,
                state.last_transfer_id,
                state.last_rank,
                self.history.last_ledger_id,
                state.ledger.fees,
                state.ledger.net_deposits,
                telling.markets_seq,
            ),
            self.position or before.position,
        )
        self.encoded = encode(self.changes)
        return Settlement(
            core,
            self.first_seq,
            journal.RULES,
            entries,
            state_rows(dirty),
            self.history,
            self.encoded,
        )

    def publish(self, view: MarketView) -> None:
        """Let the view hold the batch. Call it after the commit and before any answer."""
        if self.changes is not None:
            view.apply(self.changes)

    def answer(self) -> None:
        """Answer those who wait. Call it after the commit."""
        for waiting in self.held:
            waiting.recorded = True
        for waiting, reply in self.answers:
            waiting.answer(reply)
