"""The consumer: the only reader of the command stream; each batch stores its position.

Invariants:
- under any leader committed commands are not read again, and none after them is skipped;
- a parcel that is not signed for this stream is dropped, and so is a repeated command;
- the stream is trimmed up to the committed position and never further (publisher.py);
- if Redis has lost a stream, or set it back, a stream of the next epoch replaces it, and the log
  has an error: the old stream's ids cannot be compared with the stored position.
"""

import asyncio
import logging
from functools import partial

import msgspec

from predmarket.engine.commands import PlaceOrder
from predmarket.server.core.bus import BusReply
from predmarket.server.core.core import Core
from predmarket.server.core.stream_position import StreamPosition
from predmarket.server.redis.client import FAILURES, Pause
from predmarket.server.redis_bus import messages
from predmarket.server.redis_bus.command_numbers import CommandNumbers
from predmarket.server.redis_bus.connection import BusConnection, Entry, entry_id
from predmarket.server.redis_bus.gateway_liveness import GatewayLiveness
from predmarket.server.redis_bus.messages import Parcel
from predmarket.server.redis_bus.publisher import Publisher

log = logging.getLogger(__name__)

BLOCK_MS = 250
_ENTRIES = 20
_AHEAD = 1_000
"""Commands waiting in the core from which on no more are read: they wait as well in the stream."""


class _Lost(Exception):
    """The stream is missing, or repeats ids."""


class Consumer:
    """The leading core's reader."""

    def __init__(
        self,
        connection: BusConnection,
        core: Core,
        publisher: Publisher,
        presence: GatewayLiveness,
        numbers: CommandNumbers,
    ) -> None:
        """Prepare the reader, after the core has started."""
        self._numbers = numbers
        self._connection = connection
        self._core = core
        self._publisher = publisher
        self._presence = presence
        self._at = core.committed_position
        self._last: dict[str, asyncio.Future[BusReply]] = {}

    async def run(self) -> None:
        """Read for ever."""
        pause = Pause()
        while True:
            try:
                if await self._stands():
                    pause.reset()
                    await self._follow()
                else:
                    await self._begin(self._at.epoch + 1)
            except FAILURES as error:
                self._connection.failed(error)
                await pause()
            except _Lost:
                pass

    async def _stands(self) -> bool:
        """Tell whether the stream continues from its last known id."""
        at = self._at
        if not at.epoch:
            return False
        last = await self._connection.last_id(self._connection.keys.commands(at.epoch))
        if last is None or last < (at.ms, at.seq):
            self._publisher.reads(0)
            log.error(
                "command_stream_lost",
                extra={"stream": at.epoch, "at": at.entry, "last": None if last is None else last},
            )
            return False
        return True

    async def _begin(self, epoch: int) -> None:
        """Replace the stream. It is committed before it is created: another core that takes over in
        between finds it missing and begins the next one."""
        await self._core.move_to(StreamPosition(epoch))
        line = self._connection.client.pipeline()
        line.delete(
            self._connection.keys.commands(epoch - 1), self._connection.keys.commands(epoch)
        )
        key = self._connection.keys.commands(epoch)
        line.xadd(key, {messages.PARCEL_FIELD: self._sign(key, Parcel("", []))})
        await line.execute()
        self._at = StreamPosition(epoch)

    async def _follow(self) -> None:
        """Read on from where it was left. Raises _Lost."""
        at, key = self._at, self._connection.keys.commands(self._at.epoch)
        for entry in await self._connection.client.xrange(key, at.entry, at.entry):
            self._take(entry, at.taken)  # of this one, perhaps not everything is dealt with
        self._publisher.reads(at.epoch)
        self._connection.worked()
        while True:
            await self._core.wait_for_queue(_AHEAD)
            found = await self._connection.read({key: self._at.entry}, _ENTRIES, BLOCK_MS)
            for entry in found.get(key, ()):
                self._take(entry)
            if not found and not await self._stands():
                await self._begin(self._at.epoch + 1)
                raise _Lost

    def _take(self, entry: Entry, taken: int = 0) -> None:
        """Give an entry's commands to the core, except the first ``taken``."""
        id, fields = entry
        ms, seq = entry_id(id)
        epoch = self._at.epoch
        parcel = self._open(fields)
        if parcel is None:
            self._at = StreamPosition(epoch, ms, seq)
            return
        gateway = parcel.gateway
        for place, request in enumerate(parcel.requests, 1):
            if place <= taken:
                continue
            now = self._core.now()
            if not self._numbers.take(gateway, request.number, request.deadline, now):
                self._connection.mac.drop("repeated command", "its number came before")
                continue
            command = request.command
            if isinstance(command, PlaceOrder) and command.connection is not None:
                self._presence.tied(gateway)
            position = StreamPosition(epoch, ms, seq, place)
            before = self._last.get(gateway) if request.follows else None
            reply = self._core.receive(
                f"{gateway}-{request.number}",
                command,
                request.deadline,
                position,
                follows=before,
                early=request.early,
            )
            if reply is not None:
                self._last[gateway] = reply
                told = partial(self._publisher.replied, gateway, request.number)
                reply.add_done_callback(told)
                reply.add_done_callback(partial(self._forget, gateway))
        self._at = StreamPosition(epoch, ms, seq, max(taken, len(parcel.requests)))

    def _forget(self, gateway: str, reply: "asyncio.Future[BusReply]") -> None:
        """Drop a gateway's last command once it is answered: nothing has to follow it any more."""
        if self._last.get(gateway) is reply:
            del self._last[gateway]

    def _open(self, fields: dict[bytes, bytes]) -> Parcel | None:
        """Return an entry's parcel, None when its MAC is wrong or it cannot be read."""
        key = self._connection.keys.commands(self._at.epoch)
        data = self._connection.mac.open(key, fields.get(messages.PARCEL_FIELD), "command")
        try:
            return None if data is None else messages.parcel(data)
        except msgspec.MsgspecError as error:
            log.warning("an entry of the command stream cannot be read: %s", error)
            return None

    def _sign(self, key: str, parcel: Parcel) -> bytes:
        return self._connection.mac.sign(key, messages.encode(parcel))
