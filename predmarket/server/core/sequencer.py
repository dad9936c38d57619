"""The sequencer: gives each command its number and its time, and lets the engine execute it.

It holds the engine's state and the forming batch. It is synchronous: between two calls nothing
changes. A start and each repair make a new sequencer from the committed state.

Invariants:
- times never go backwards, and everything due at or before a command's time is applied before it;
- while a command runs in steps, whatever waits for its key (engine/waits.py) is not applied;
- a batch takes at most one step, so that other markets go on; at least every second batch takes
  one;
- a batch has a bound on its commands, and one on its rows: ten for each command it may hold, and
  those of one step.
"""

from collections import deque
from collections.abc import Collection

from predmarket.engine import Exchange
from predmarket.engine.commands import Command, Disconnect
from predmarket.engine.replies import OrderDone, Reply
from predmarket.engine.steps import Key
from predmarket.server.clock import Clock
from predmarket.server.core.batch import ROWS_PER_STEP, Batch
from predmarket.server.core.bus import BusReply, RepeatedOrder
from predmarket.server.core.idempotency import IdempotencyIndex
from predmarket.server.core.pending_command import PendingCommand, unfinished, whole
from predmarket.server.core.quote_rows import QuoteRows
from predmarket.server.core.stores.base import BatchRecord, CoreRow
from predmarket.server.core.stores.history_rows import HistoryRows
from predmarket.server.core.stores.store_numbers import StoredState
from predmarket.server.core.stream_position import StreamPosition
from predmarket.units import Micros

MAX_BATCH = 500
_ROWS_PER_COMMAND = 10


class CoreDefect(Exception):
    """The core's own command (a timer, a step) cannot be executed; a person has to look."""


class CommandDefect(Exception):
    """A command broke the engine. ``id`` names the command; the state is worthless."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(reason)
        self.id = id


class Sequencer:
    """The engine with the forming batch; ``core`` is the row as of the last sealed batch.

    ``disconnected`` are connections that ended with the former process; their orders are cancelled
    first. ``quote_rows`` has the quotes that are not written yet. ``stepping`` are the commands
    that have steps left, ``waiting`` the commands that wait for them, both by key.
    """

    def __init__(
        self,
        stored: StoredState,
        core: CoreRow,
        repeats: IdempotencyIndex,
        clock: Clock,
        max_batch: int = MAX_BATCH,
        disconnected: Collection[str] = (),
        quote_rows: QuoteRows | None = None,
    ) -> None:
        state = stored.state
        self.stored = stored
        self.exchange = Exchange(state)
        self.core = core
        self.batch = self._next_batch()
        self.stepping: dict[Key, list[PendingCommand]] = {}
        self.waiting: dict[Key, deque[PendingCommand]] = {}
        self._owes_step = False
        self._orphaned = deque(
            sorted(
                {
                    (order.user_id, order.connection)
                    for order in (state.orders.values() if disconnected else ())
                    if order.connection is not None and order.connection in disconnected
                }
            )
        )
        self._quote_rows = quote_rows or QuoteRows()
        self._repeats = repeats
        self._clock = clock
        self._max_batch = max_batch
        self._max_rows = max_batch * _ROWS_PER_COMMAND

    @property
    def capacity_left(self) -> int:
        """Return how many more commands the forming batch can take."""
        return self._max_batch - len(self.batch.entries)

    @property
    def batch_full(self) -> bool:
        """Tell whether the forming batch can take nothing more."""
        return (
            self.capacity_left <= 0 or self._has_many_answers or self.batch.rows >= self._max_rows
        )

    @property
    def _has_many_answers(self) -> bool:
        return len(self.batch.answers) >= 2 * self._max_batch

    @property
    def waits(self) -> int:
        """Return how many commands wait for a command in steps."""
        return sum(len(waiting) for waiting in self.waiting.values())

    @property
    def own_work(self) -> bool:
        """Tell whether a timer or a step is due, or a dead connection left orders."""
        if self._orphaned:
            return True
        if not self.batch.stepped and self.exchange.next_step() is not None:
            return True
        now = self._clock.now()
        return not self.exchange.pass_over(now) or self.exchange.due(now) is not None

    def next_due_in(self) -> float | None:
        """Return the seconds until the next timer, or None."""
        due = self.exchange.next_due()
        return None if due is None else self._clock.seconds_until(due)

    def execute(
        self, group: list[PendingCommand]
    ) -> tuple[deque[PendingCommand], list[PendingCommand]]:
        """Execute a group of commands, and before each one everything that fell due.

        Returns the commands that found no room, and those that waited for a command whose last step
        was taken. Raises CommandDefect or CoreDefect; then the state is worthless.
        """
        left = deque(group)
        released = self._take_step() if self._owes_step else []
        while True:
            now = max(self._clock.now(), self.exchange.state.now)
            if not self._apply_due(now) or not left:
                break
            self._carry_out_one(now, left.popleft())
        if not self.batch_full:
            released += self._take_step()
        for pending in left:
            pending.wait(None)
        if len(left) < len(group):
            self.advance(group[-len(left) - 1].position)
        return left, released

    def advance(self, position: StreamPosition | None) -> None:
        """Record the stream position that the forming batch reaches.

        A command that runs again after a repair may stand before the committed position.
        """
        if position is not None and position > (self.batch.position or self.core.position):
            self.batch.position = position

    def _carry_out_one(self, now: Micros, pending: PendingCommand) -> None:
        batch, command = self.batch, pending.command
        key = self.waits_for(pending)
        if key is not None:
            self.set_aside(pending, key)
            return
        known = self._repeats.answer(command)
        if known is not None:
            pending.decide(known)
            batch.answers.append((pending, known))
            return
        reply = self._apply(now, pending.id, command)
        self._repeats.decided(pending, reply)
        self._decided(pending, reply)

    def _decided(self, pending: PendingCommand, reply: Reply) -> None:
        pending.decide(reply)
        self.batch.decided.append(pending)
        key = unfinished(reply)
        if key is not None:
            self.stepping.setdefault(key, []).append(pending)

    def waits_for(self, pending: PendingCommand) -> Key | None:
        """Return the key that a command has to wait for, None when it may be applied now.

        It is the key that holds the command's market or account, or the key that the preceding
        command of the same request waits for or holds.
        """
        before = pending.follows
        if before is not None and not before.over:
            key = before.unfinished or before.waits_for
            if key is not None:
                return key
        return self.exchange.waits_for(pending.command)

    def set_aside(self, pending: PendingCommand, key: Key) -> None:
        """Let a command wait until a key is released."""
        pending.wait(key)
        self.waiting.setdefault(key, deque()).append(pending)

    def _apply(self, now: Micros, id: str, command: Command, *, own: bool = False) -> Reply:
        try:
            reply, events = self.exchange.apply(now, command)
            self.batch.add(self.exchange, now, id, command, events)
        except Exception as error:  # a broken invariant or another defect makes the state worthless
            if own or not id:  # it would come again after every repair
                raise CoreDefect(f"{type(command).__name__}: {error!r}") from error
            raise CommandDefect(id, repr(error)) from error
        return reply

    def _apply_due(self, now: Micros) -> bool:
        """Apply everything due at or before ``now``.

        False: the batch is full, or many stale timers were passed over, and the rest comes next.
        """
        while True:
            if not self.exchange.pass_over(now):
                return False
            due = self.exchange.due(now)
            if due is None:
                break
            if self.batch_full:
                return False
            self._apply(due[0], "", due[1])
        while self._orphaned:
            if self.batch_full:
                return False
            user_id, connection = self._orphaned.popleft()
            self._apply(now, "", Disconnect(connection.rpartition("-")[0], connection, user_id))
        return not self.batch_full

    def _take_step(self) -> list[PendingCommand]:
        """Take the next step, one in a batch; after a last step return the commands that waited."""
        step = self.exchange.next_step()
        if step is None or self.batch.stepped:
            return []
        self.batch.stepped = True
        self._owes_step = False
        steppers = self.stepping.pop(step.key, [])
        steppers = [pending for pending in steppers if not pending.over]
        id = steppers[0].entry_id if steppers else ""
        reply = self._apply(self.exchange.state.now, id, step, own=True)
        for pending in steppers:
            self._decided(pending, reply)
        if step.key in self.exchange.state.unfinished:
            return []
        return list(self.waiting.pop(step.key, ()))

    def resume(self, pending: PendingCommand) -> None:
        """Continue a command that has committed steps; answer it if none is left."""
        key = pending.unfinished
        assert key is not None  # else it was answered
        if key in self.exchange.state.unfinished:
            self.stepping.setdefault(key, []).append(pending)
        else:
            pending.answer(_reply_without_last_step(pending))

    def take_batch(self) -> tuple[Batch, BatchRecord | None]:
        """Take the forming batch and begin a new one. None: there is nothing to commit."""
        batch, record = self.batch, None
        assert batch.rows <= self._max_rows + ROWS_PER_STEP, f"{batch.rows} rows in one batch"
        self._owes_step = not batch.stepped and bool(self.exchange.state.unfinished)
        for pending in batch.pending():
            pending.commit()
        if batch.entries or batch.position is not None:
            record = batch.seal(self.exchange, self.stored.numbers, self.core)
            self.core = record.core
            assert batch.changes is not None  # sealed
            self._quote_rows.follow(batch.changes, record.history)
        self.batch = self._next_batch()
        return batch, record

    def _next_batch(self) -> Batch:
        return Batch(self.core.last_seq + 1, HistoryRows(self.core.counters.last_ledger_id))


def _reply_without_last_step(pending: PendingCommand) -> BusReply:
    """Return the reply to a command whose last step is committed, but whose reply is unknown.

    Another core took the step, or the outcome of this core's commit was unknown.
    """
    last = pending.parts[-1].reply
    if isinstance(last, OrderDone):
        return RepeatedOrder(last.order.id)
    return whole(pending.parts)
