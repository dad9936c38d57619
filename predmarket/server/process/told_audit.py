"""The audit against Redis, which holds the last batches that the core told gateways of.

After a failover to a standby that lacked the last commits, these are the orders and trades that
were acknowledged and are not in the database.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec

from predmarket.server.core.audit import Check
from predmarket.server.core.known_batch import JournalBehind, require
from predmarket.server.core.stores.base import Store
from predmarket.server.read_model import changes as changed
from predmarket.server.read_model.changes import Changes
from predmarket.server.redis.client import FAILURES
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import keys_of
from predmarket.server.redis_bus.connection import BusConnection
from predmarket.server.redis_bus.told_batches import ToldBatches, told_batches
from predmarket.server.settings import Settings
from predmarket.server.storage.database import Database

_NAME = "journal: has the batches that Redis holds as committed"
_SHOWN = 20


def checks_of_told(settings: Settings) -> Callable[[Store], list[Check]]:
    """Read Redis; return the checks of a later snapshot against it."""
    try:
        told = asyncio.run(_read(settings))
    except FAILURES as error:
        unread = Check(_NAME, True, f"not compared: Redis cannot be read: {error}")
        return lambda _store: [unread]
    return lambda store: [_compared(store, told)]


async def _read(settings: Settings) -> ToldBatches:
    assert settings.redis_url is not None  # asked for before
    connection = BusConnection(settings.redis_url.get_secret_value(), settings.shown_redis)
    db = Database(settings.database)
    try:
        connection.keys = await keys_of(db)
        secret = settings.signing_secret()
        connection.mac = Mac(secret, connection.keys.exchange, lambda _: None)
        return await told_batches(connection)
    finally:
        await db.close()
        await connection.close()


def _compared(store: Store, told: ToldBatches) -> Check:
    outbox = store.read("SELECT batch, changes FROM outbox")  # a bounded number of batches
    stored = {int(batch): bytes(changes) for batch, changes in outbox}
    last = store.core_row().last_batch
    lost = [
        changes
        for batch, changes in sorted(told.changes.items())
        if batch > last or stored.get(batch, changes) != changes
    ]
    if lost:
        return Check(_NAME, False, _named(lost))
    try:
        for known in told.known:
            require(store, known)
    except JournalBehind as error:
        return Check(_NAME, False, str(error))
    return Check(_NAME, True, f"{len(told.changes)}")


def _named(lost: Iterable[bytes]) -> str:
    """Name the orders and count the trades of batches that the database lacks."""
    batches: list[Changes] = []
    for one in lost:
        with suppress(msgspec.MsgspecError):  # another version's
            batches.append(changed.decode(one))
    orders = {
        change.order.id: f"{change.order.id} of user {change.order.user_id}"
        + (f" ({change.order.client_order_id})" if change.order.client_order_id else "")
        for batch in batches
        for change in batch.orders
    }
    trades = sum(len(batch.trades) for batch in batches)
    first = f"batches from {batches[0].batch} on are missing" if batches else "batches are missing"
    named = ", ".join([*orders.values()][:_SHOWN])
    more = f" and {len(orders) - _SHOWN} more" if len(orders) > _SHOWN else ""
    return (
        f"{first}, with {trades} trades and {len(orders)} orders as changed by them: {named}{more}"
    )
