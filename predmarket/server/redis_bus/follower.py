"""The follower: applies committed batches to a gateway's view, then gives the waiting replies.

Invariants:
- batches are applied in the order of their numbers, each once; a missing batch is read from the
  outbox, and if the outbox has dropped it, the whole view is read again;
- a reply is given when the view holds its batch, so an answered client sees the batch here;
- the view comes first, then the replies, then the subscribers.

Redis may lose everything at any time. After each failure the streams are read from their beginning,
and known entries are skipped. While Redis is unavailable the follower polls the outbox.
"""

import asyncio
import logging
from contextlib import suppress

import msgspec

from predmarket.server.core.known_batch import KnownBatch, behind
from predmarket.server.core.stores.base import OUTBOX_BATCHES
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.read_model import changes as changed
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis.client import FAILURES, Pause
from predmarket.server.redis_bus import messages, view_loader
from predmarket.server.redis_bus.connection import BusConnection, Entry
from predmarket.server.redis_bus.core_status import KnownCoreStatus
from predmarket.server.redis_bus.messages import Answers
from predmarket.server.redis_bus.sender import Sender
from predmarket.server.storage.database import UNAVAILABLE, Database

log = logging.getLogger(__name__)

BLOCK_MS = 500
CATCH_UP_S = 1.0
"""A request waits at most this long until the view holds the committed batches."""
_ENTRIES = 100
_TRIES = 2
"""How often a batch is looked for that the database does not have."""


class Follower:
    """Follows the core's streams. ``batch`` is the last one in the view."""

    def __init__(
        self, gateway: str, connection: BusConnection, db: Database, view: MarketView, hub: Hub,
        core: KnownCoreStatus,
        sender: Sender,
    ) -> None:  # fmt: skip
        self.connection = connection
        self._gateway = gateway
        self._db = db
        self._view = view
        self._hub = hub
        self._core = core
        self._sender = sender
        self.held: dict[int, list[Answers]] = {}
        """The replies that wait until the view holds their batch."""
        self._awaited: list[tuple[int, asyncio.Future[None]]] = []
        self._round: asyncio.Task[None] | None = None
        self._next_round: asyncio.Task[None] | None = None
        self.batch = 0

    async def start(self) -> None:
        """Read the view, and the outbox for clients that resume from another gateway.

        Raises the errors of an unavailable database.
        """
        self.batch = await view_loader.load(self._db, self._view)
        recent: list[Changes] = []
        for stored in await view_loader.outbox(self._db, 0, OUTBOX_BATCHES):
            with suppress(msgspec.MsgspecError):  # another version's batch: it is not needed
                changes = changed.decode(stored)
                if changes.batch <= self.batch:
                    recent.append(changes)
        self._hub.reloaded(recent)

    async def run(self) -> None:
        """Follow for ever."""
        pause = Pause()
        while True:
            try:
                await self._follow(pause)
            except FAILURES as error:
                self.connection.failed(error)
                await self._catch_up(None)
                await pause()

    async def catch_up(self) -> None:
        """Return once the view holds everything committed before this call, or after CATCH_UP_S.

        Callers that arrive during a query share the next one.
        """
        if self._next_round is None:
            self._next_round = asyncio.create_task(self._be_level(self._round))
        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_S):
                await asyncio.shield(self._next_round)

    async def _be_level(self, before: asyncio.Task[None] | None) -> None:
        """Ask the database for the last batch, and wait until the view holds it."""
        if before is not None:
            await asyncio.wait((before,))
        self._round, self._next_round = self._next_round, None
        try:
            async with asyncio.timeout(CATCH_UP_S):
                last = await view_loader.last_batch(self._db)
                if last > self.batch:
                    held = asyncio.get_running_loop().create_future()
                    self._awaited.append((last, held))
                    await held
        except (*UNAVAILABLE, TimeoutError) as error:
            log.warning("the view may be behind: %s", str(error) or type(error).__name__)

    async def _follow(self, pause: Pause) -> None:
        batches = self.connection.keys.batches
        replies = self.connection.keys.replies(self._gateway)
        after = {batches: "0-0", replies: "0-0"}
        while True:
            found = await self.connection.read(after, _ENTRIES, BLOCK_MS)
            pause.reset()
            for name, entries in found.items():
                after[name] = entries[-1][0].decode()
            for entry in found.get(batches, ()):
                await self.take(entry)
            for _, fields in found.get(replies, ()):
                data = self.connection.mac.open(
                    replies, fields.get(messages.REPLIES_FIELD), "reply"
                )
                if data is not None:
                    self._take_replies(data)

    async def take(self, entry: Entry) -> None:
        """Take a batch or an announcement."""
        fields, keys, mac = entry[1], self.connection.keys, self.connection.mac
        told = fields.get(messages.ANNOUNCEMENT_FIELD)
        if told is not None:
            announcement = mac.open(keys.batches, told, "announcement")
            if announcement is not None:
                await self._hear(announcement)
            return
        number = messages.number(fields.get(messages.BATCH_FIELD))
        if 0 < number <= self.batch:
            return  # told of before
        place = messages.place_of_batch(keys, number)
        encoded = mac.open(place, fields.get(messages.CHANGES_FIELD), "batch")
        if encoded is None:
            return
        await self._catch_up(number - 1)
        if number == self.batch + 1:
            try:
                self._apply(changed.decode(encoded), encoded)
            except msgspec.MsgspecError:  # another version's
                await self._catch_up(number)

    async def _hear(self, told: bytes) -> None:
        try:
            announcement = messages.announcement(told)
        except msgspec.MsgspecError as error:
            log.warning("an announcement cannot be read: %s", error)
            return
        before = self._core.last
        if self._core.hear(announcement):
            if (announcement.epoch, announcement.leader) != (before.epoch, before.leader):
                await self._examine(KnownBatch(before.batch, before.hash))
            await self._catch_up(announcement.batch)

    async def _examine(self, announced: KnownBatch) -> None:
        """See that the database of a core that has taken over has what this gateway was told of.

        If not, the view is of another history than the core's: the gateway ends its service.
        """
        for known in (announced, KnownBatch(self.batch)):
            wrong = behind(known, *await self._journal_at(known.batch))
            if wrong:
                log.critical("journal_behind", extra={"error": wrong})
                self._core.distrust(wrong)
                return

    async def _journal_at(self, batch: int) -> tuple[int, bytes | None]:
        """Return the last batch and a batch's hash, once the database answers."""
        pause = Pause()
        while True:
            try:
                return await view_loader.journal_at(self._db, batch)
            except UNAVAILABLE as error:
                log.warning("the journal cannot be examined: %s", error)
                await pause()

    def _apply(self, changes: Changes, encoded: bytes) -> None:
        """Apply the next batch to the view, then give its replies, then deliver it."""
        self._view.apply(changes)
        self.batch = changes.batch
        self._release()
        self._hub.committed(changes, encoded)

    # replies

    def _take_replies(self, data: bytes) -> None:
        try:
            answers = messages.answers(data)
        except msgspec.MsgspecError as error:
            log.warning("replies cannot be read: %s", error)
            return
        if answers.batch <= self.batch:
            self._give(answers)
            return
        wanted = [one for one in answers.answers if self._sender.waits_for(one.number)]
        if wanted:  # others are dropped, so that replies are bounded by waiting callers
            self.held.setdefault(answers.batch, []).append(Answers(answers.batch, wanted))

    def _release(self) -> None:
        for last, held in self._awaited:
            if last <= self.batch and not held.done():
                held.set_result(None)
        self._awaited = [one for one in self._awaited if not one[1].done()]
        for batch in sorted(batch for batch in self.held if batch <= self.batch):
            for answers in self.held.pop(batch):
                self._give(answers)

    def _give(self, answers: Answers) -> None:
        for answer in answers.answers:
            try:
                outcome = messages.reply_of(answer)
            except msgspec.MsgspecError as error:
                log.warning("a reply cannot be read: %s", error)
                continue
            self._sender.answer(answer.number, outcome)

    # missed batches

    async def _catch_up(self, last: int | None) -> None:
        """Apply missing batches up to this one; None: all there are, if the database answers.

        It gives up on a database that ends before the batch: the core that leads on it announces
        itself, and is examined.
        """
        pause, tries = Pause(), _TRIES
        while last is None or self.batch < last:
            try:
                if not await self._read_outbox() and last is not None:
                    if await view_loader.last_batch(self._db) > self.batch:
                        await self._reload()
                    elif tries:
                        tries -= 1
                        await pause()
                    else:
                        return
            except UNAVAILABLE as error:
                log.warning("the batches that were missed cannot be read: %s", error)
                if last is not None:
                    await pause()
            if last is None:
                return

    async def _read_outbox(self) -> bool:
        """Apply the next batches from the outbox; tell whether it had any."""
        found = False
        for stored in await view_loader.outbox(self._db, self.batch, OUTBOX_BATCHES):
            try:
                changes = changed.decode(stored)
            except msgspec.MsgspecError:
                break
            if changes.batch != self.batch + 1:
                break
            self._apply(changes, stored)
            found = True
        return found

    async def _reload(self) -> None:
        """Read the whole view again, because too much was missed."""
        log.warning("the market view is loaded again, because batch %s was missed", self.batch + 1)
        self.batch = await view_loader.load(self._db, self._view)
        self._release()
        self._hub.interrupted()
