"""The publisher: sends replies, committed batches and announcements from the core to gateways.

Invariants:
- the core tells it nothing before the commit returned (core/ports.py), so nothing leaves earlier;
- a batch goes out before the replies that wait for it, earlier in the same pipeline, and a gateway
  holds a reply until its view has the batch;
- everything that Redis loses is available elsewhere: a batch in the outbox, a reply by asking
  again.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

from predmarket.server.core.bus import BusReply, Faulted
from predmarket.server.core.core import Core
from predmarket.server.core.stores.base import OUTBOX_BATCHES
from predmarket.server.read_model import changes as changed
from predmarket.server.read_model.changes import Changes
from predmarket.server.redis.client import FAILURES, Pause
from predmarket.server.redis_bus import limits, messages
from predmarket.server.redis_bus.connection import BusConnection
from predmarket.server.redis_bus.messages import Announcement, Answer, Answers

ANNOUNCE_S = 0.25
_FLUSH_S = 1.0

Reply: TypeAlias = "asyncio.Future[BusReply]"


class Publisher:
    """The core's outlet. ``stream`` is the epoch of the command stream in use, 0 for none."""

    def __init__(self, connection: BusConnection) -> None:
        self._connection = connection
        self._core: Core
        self.batches: deque[tuple[int, bytes]] = deque(maxlen=OUTBOX_BATCHES)
        """The committed batches that are to be sent, by number."""
        self._answers: deque[tuple[str, int, Answer]] = deque(maxlen=limits.MAX_REPLIES)
        self._wake = asyncio.Event()
        self._announce_at = 0.0
        self._last_batch = 0
        self._announced = 0
        self.stream = 0

    # the core's side (core.ports.Outlet)

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Send a batch, together with the replies to its commands."""
        self._last_batch = changes.batch
        self.batches.append((changes.batch, encoded))
        # After the callbacks of the replies that were given just now.
        asyncio.get_running_loop().call_soon(self._wake.set)

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Send the batches committed meanwhile; for those before the start the number suffices."""
        for changes in recent:
            if self._last_batch:
                self.committed(changes, changed.encode(changes))

    # the consumer's side

    def replied(self, gateway: str, number: int, reply: Reply) -> None:
        """Send the reply to a gateway's command, if there is one.

        An unknown outcome is not sent: another core may still execute the command.
        """
        if reply.cancelled():
            return
        error = reply.exception()
        if error is None:
            found: BusReply | Faulted = reply.result()
        elif isinstance(error, Faulted):
            found = error
        else:
            return
        self._answers.append((gateway, self._last_batch, messages.answer(number, found)))
        self._wake.set()

    # its own

    def begin(self, core: Core) -> None:
        """Announce this core from now on; it has just taken the lead."""
        self._core = core
        self._last_batch = core.status().batch
        self.stream = core.committed_position.epoch  # a guess: a stream that is gone takes nothing

    def reads(self, epoch: int) -> None:
        """Announce the command stream in use from now on, 0 for none."""
        if epoch != self.stream:
            self.stream = epoch
            self._announce_at = 0.0
            self._wake.set()

    async def run(self) -> None:
        """Send waiting messages, and an announcement every ANNOUNCE_S, for ever."""
        loop, pause = asyncio.get_running_loop(), Pause()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._announce_at):
                    await self._wake.wait()
            self._wake.clear()
            now, due_at = loop.time(), self._announce_at
            try:
                await self._send(announce=now >= due_at)
            except FAILURES as error:
                self._connection.failed(error)
                await pause()
                continue
            self._connection.worked()
            pause.reset()
            if now >= due_at == self._announce_at:
                self._announce_at = now + ANNOUNCE_S

    async def flush(self) -> None:
        """Send the remaining messages, if that is possible at once."""
        with suppress(*FAILURES):
            async with asyncio.timeout(_FLUSH_S):
                await self._send(announce=False)

    async def _send(self, *, announce: bool) -> None:
        batches, answers = [*self.batches], [*self._answers]
        keys, mac = self._connection.keys, self._connection.mac
        line = self._connection.client.pipeline(transaction=False)
        for number, encoded in batches:
            signed = mac.sign(messages.place_of_batch(keys, number), encoded)
            fields = {messages.BATCH_FIELD: number, messages.CHANGES_FIELD: signed}
            line.xadd(keys.batches, fields, maxlen=limits.MAX_BATCHES)
        for (gateway, batch), group in _grouped(answers).items():
            key = keys.replies(gateway)
            signed = mac.sign(key, messages.encode(Answers(batch, group)))
            fields = {messages.REPLIES_FIELD: signed}
            line.xadd(key, fields, maxlen=limits.MAX_REPLIES)
            line.pexpire(key, limits.REPLIES_KEPT_MS)
        if announce:
            signed = mac.sign(keys.batches, messages.encode(self._announcement()))
            fields = {messages.ANNOUNCEMENT_FIELD: signed}
            line.xadd(keys.batches, fields, maxlen=limits.MAX_BATCHES)
            done = self._core.committed_position
            if self.stream and done.epoch == self.stream:
                line.xtrim(keys.commands(done.epoch), minid=done.entry, approximate=False)
        if len(line):
            await line.execute()
        for _ in batches:  # newer ones stay; a full deque has dropped some of these
            if self.batches and self.batches[0][0] <= batches[-1][0]:
                self.batches.popleft()
        sent = {id(one) for one in answers}
        while self._answers and id(self._answers[0]) in sent:
            self._answers.popleft()

    def _announcement(self) -> Announcement:
        core, committed = self._core.status(), self._core.committed
        self._announced += 1
        return Announcement(
            epoch=core.epoch,
            batch=self._last_batch,
            sequence=core.sequence,
            stream=self.stream,
            leader=core.leader,
            healthy=core.healthy,
            durable=core.durable,
            durability=core.durability,
            waiting=core.waiting,
            ahead=core.ahead,
            now=self._core.now(),
            number=self._announced,
            hash=committed.last_hash if committed.last_batch == self._last_batch else b"",
        )


def _grouped(answers: list[tuple[str, int, Answer]]) -> dict[tuple[str, int], list[Answer]]:
    groups: dict[tuple[str, int], list[Answer]] = {}
    for gateway, batch, answer in answers:
        groups.setdefault((gateway, batch), []).append(answer)
    return groups
