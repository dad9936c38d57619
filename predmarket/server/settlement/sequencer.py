"""The sequencer: gives each command its number and its time and lets the engine carry it out.

Holds the engine's state and the forming batch. Synchronous: between two calls nothing changes. A
new one is made from what is committed at start and after each recovery.

Invariants:
- times never go backwards, and before a command everything due at or before its time is applied;
- a batch is bounded by its commands and by the rows it will write.

Source: ARCHITECTURE, The path of an order.
"""

from collections import deque
from collections.abc import Collection

from predmarket.engine import Exchange
from predmarket.engine.commands import Command, Disconnect, ResolveMarket
from predmarket.engine.replies import MarketDone, Reply, Resolved
from predmarket.engine.state import State
from predmarket.server.clock import Clock
from predmarket.server.settlement.batch import Batch, Waiting
from predmarket.server.settlement.position import Position
from predmarket.server.settlement.repeats import Repeats
from predmarket.server.settlement.rows import History
from predmarket.server.settlement.store import CoreRow, Settlement
from predmarket.units import Micros

MAX_BATCH = 500
_ROWS_PER_COMMAND = 10


class CoreDefect(Exception):
    """The core's own command (a timer, a step) cannot be carried out; a person has to look."""


class CommandDefect(Exception):
    """A command broke the engine. ``id`` names it; the state is worthless."""

    def __init__(self, id: str, reason: str) -> None:
        super().__init__(reason)
        self.id = id


class Sequencer:
    """The engine on its way: ``core`` is the row as of the last sealed batch.

    ``dead`` are connections that ended with the process before; their orders are cancelled first.
    """

    def __init__(
        self,
        state: State,
        core: CoreRow,
        repeats: Repeats,
        clock: Clock,
        max_batch: int = MAX_BATCH,
        dead: Collection[str] = (),
    ) -> None:
        self.exchange = Exchange(state)
        self.core = core
        self.batch = self._next_batch()
        self.resolving: dict[int, Waiting] = {}
        self._orphaned = deque(
            sorted(
                {
                    (order.user_id, order.connection)
                    for order in (state.orders.values() if dead else ())
                    if order.connection is not None and order.connection in dead
                }
            )
        )
        self._repeats = repeats
        self._clock = clock
        self._max_batch = max_batch
        self._max_rows = max_batch * _ROWS_PER_COMMAND

    @property
    def room(self) -> int:
        """Return how many more commands the forming batch takes."""
        return self._max_batch - len(self.batch.entries)

    @property
    def full(self) -> bool:
        """Tell whether the forming batch takes nothing more."""
        batch = self.batch
        return (
            self.room <= 0
            or len(batch.answers) >= 2 * self._max_batch
            or batch.rows >= self._max_rows
        )

    @property
    def own_work(self) -> bool:
        """Tell whether a timer has run out, a step of a closing or resolution is due, or a dead
        connection left orders."""
        if self._orphaned:
            return True
        if not self.batch.stepped and self.exchange.state.unfinished:
            return True
        return self.exchange.due(self._clock.now()) is not None

    def next_due_in(self) -> float | None:
        """Return the seconds until the next timer, or None."""
        due = self.exchange.next_due()
        return None if due is None else self._clock.seconds_until(due)

    def carry_out(self, group: list[Waiting]) -> deque[Waiting]:
        """Carry out a group, and before each command what fell due; return what found no room.

        Raises CommandDefect or CoreDefect; the state is worthless then.
        """
        left = deque(group)
        while True:
            now = max(self._clock.now(), self.exchange.state.now)
            if not self._apply_due(now) or not left:
                break
            self._carry_out_one(now, left.popleft())
        self._take_step()
        if len(left) < len(group):
            self.advance(group[-len(left) - 1].position)
        return left

    def advance(self, position: Position | None) -> None:
        """Take note that the command stream is dealt with up to here, once this is committed.

        A command that runs again after a repair may stand before what is committed already.
        """
        if position is not None and position > (self.batch.position or self.core.position):
            self.batch.position = position

    def _carry_out_one(self, now: Micros, waiting: Waiting) -> None:
        batch, command = self.batch, waiting.command
        known = self._repeats.answer(command)
        if known is not None:
            batch.answers.append((waiting, known))
            return
        reply = self._apply(now, waiting.id, command)
        self._repeats.decided(waiting, reply)
        if isinstance(reply, MarketDone) and isinstance(command, ResolveMarket):
            waiting.held = True
            self.resolving[reply.market_id] = waiting
            batch.held.append(waiting)
        else:
            batch.answers.append((waiting, reply))

    def _apply(self, now: Micros, id: str, command: Command) -> Reply:
        try:
            reply, events = self.exchange.apply(now, command)
        except Exception as error:  # a broken invariant, or any other defect: the state is lost
            if not id:  # it comes up again after every recovery
                raise CoreDefect(f"{type(command).__name__}: {error!r}") from error
            raise CommandDefect(id, repr(error)) from error
        self.batch.add(self.exchange, now, id, command, events)
        return reply

    def _apply_due(self, now: Micros) -> bool:
        """Apply everything due at or before ``now``; False when the batch is full."""
        while (due := self.exchange.due(now)) is not None:
            if self.full:
                return False
            self._apply(due[0], "", due[1])
        while self._orphaned:
            if self.full:
                return False
            user_id, connection = self._orphaned.popleft()
            self._apply(now, "", Disconnect(connection.rpartition("-")[0], connection, user_id))
        return not self.full

    def _take_step(self) -> None:
        """Take one step of a closing or resolution a batch, so that other markets go on."""
        step = self.exchange.unfinished()
        if step is None or self.batch.stepped:
            return
        self.batch.stepped = True
        reply = self._apply(self.exchange.state.now, "", step)
        if isinstance(reply, Resolved) and reply.market_id in self.resolving:
            self.batch.answers.append((self.resolving.pop(reply.market_id), reply))

    def resume(self, waiting: Waiting) -> None:
        """Let a resolution whose first step is committed wait on, or answer it if it is over."""
        assert isinstance(waiting.command, ResolveMarket)  # nothing else is held
        market = self.exchange.state.markets[waiting.command.market_id]
        if market.final:
            waiting.answer(Resolved(market.id, market.paid_accounts, market.paid_total))
        else:
            waiting.recorded = True
            self.resolving[market.id] = waiting

    def seal(self) -> tuple[Batch, Settlement | None]:
        """Take the forming batch and begin a new one. None: it has answers, nothing to commit."""
        batch, settlement = self.batch, None
        if batch.entries or batch.position is not None:
            settlement = batch.seal(self.exchange, self.core)
            self.core = settlement.core
        self.batch = self._next_batch()
        return batch, settlement

    def _next_batch(self) -> Batch:
        return Batch(self.core.last_seq + 1, History(self.core.counters.last_ledger_id))
