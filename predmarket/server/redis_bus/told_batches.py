"""The batches in Redis that the core told gateways of. They show whether the journal lacks any."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from predmarket.server.core.known_batch import KnownBatch
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import Keys
from predmarket.server.redis_bus import messages
from predmarket.server.redis_bus.connection import BusConnection, Entry


@dataclass(frozen=True, slots=True)
class ToldBatches:
    """``changes`` of batches by their numbers; ``announced`` is the last one that an announcement
    told the hash of."""

    announced: KnownBatch
    changes: dict[int, bytes]

    @property
    def known(self) -> Sequence[KnownBatch]:
        """Return the batches by which a journal is measured."""
        return (self.announced, KnownBatch(max(self.changes, default=0)))


async def told_batches(connection: BusConnection) -> ToldBatches:
    """Read the stream of batches. Raises FAILURES (redis/client.py)."""
    keys, mac = connection.keys, connection.mac
    return of_entries(await connection.client.xrange(keys.batches), keys, mac)


def of_entries(entries: Iterable[Entry], keys: Keys, mac: Mac) -> ToldBatches:
    """Return what the stream's entries tell; those that nobody signed tell nothing."""
    announced, changes = KnownBatch(0), {}
    for _, fields in entries:
        number = messages.number(fields.get(messages.BATCH_FIELD))
        if messages.ANNOUNCEMENT_FIELD in fields:
            said = mac.open(keys.batches, fields[messages.ANNOUNCEMENT_FIELD], "announcement")
            try:
                last = None if said is None else messages.announcement(said)
            except msgspec.MsgspecError:  # another version's
                continue
            if last is not None and last.hash and last.batch >= announced.batch:
                announced = KnownBatch(last.batch, last.hash)
        elif number:
            place = messages.place_of_batch(keys, number)
            told = mac.open(place, fields.get(messages.CHANGES_FIELD), "batch")
            if told is not None:
                changes[number] = told
    return ToldBatches(announced, changes)
