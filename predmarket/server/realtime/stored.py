"""What a topic begins with where the database has to be asked.

Given the number that a client has, it is what the client missed, up to MAX_REPLAY; beyond that, or
without one, the topic as it stands. Either is read together with the topic's own number, in one
snapshot of the database.
"""

from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.realtime import (
    MAX_REPLAY,
    MAX_SNAPSHOT,
    SNAPSHOT_HISTORY,
    FillsSnapshot,
    OrdersSnapshot,
    PositionsSnapshot,
    TradesSnapshot,
)
from predmarket.server import wire
from predmarket.server.changes import FillChange, OrderChange, TradeChange
from predmarket.server.queries.accounts import account_of
from predmarket.server.queries.cursors import LARGEST_ID
from predmarket.server.queries.orders import orders_of, orders_since
from predmarket.server.queries.positions import positions_of
from predmarket.server.queries.topics import seqs_of_user, trade_seq
from predmarket.server.queries.trades import fills_of_user, trades_of
from predmarket.server.realtime.topics import Kind, Topic
from predmarket.server.realtime.words import Change
from predmarket.server.view import MarketView
from predmarket.terms import OrderStatus

_OPEN = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


class Snapshot(NamedTuple):
    """A topic as it stands at ``seq``."""

    seq: int
    type: str
    data: object


class Missed(NamedTuple):
    """What came after the number that the client has; ``seq`` is the last one's."""

    seq: int
    changes: list[Change]


async def read(
    connection: AsyncConnection, topic: Topic, last_seq: int | None, view: MarketView
) -> Snapshot | Missed:
    """Return a topic's beginning from the database."""
    match topic.kind:
        case Kind.TRADES:
            return await _trades(connection, topic.id, last_seq)
        case Kind.ORDERS:
            return await _orders(connection, topic.id, last_seq, view)
        case Kind.FILLS:
            return await _fills(connection, topic.id, last_seq, view)
        case Kind.BALANCES:
            seq = (await seqs_of_user(connection, topic.id)).balances
            account = await account_of(connection, topic.id)
            cash = (0, 0) if account is None else (account.available, account.locked)
            found = Snapshot(seq, "balances.snapshot", wire.balance(*cash))
        case _:
            seq = (await seqs_of_user(connection, topic.id)).positions
            records = await positions_of(connection, topic.id)
            items = [wire.position(record, view) for record in records]
            found = Snapshot(seq, "positions.snapshot", PositionsSnapshot(items))
    return Missed(seq, []) if last_seq == seq else found


def _count_missed(last_seq: int | None, seq: int) -> int | None:
    """Return how many changes a client has missed, None when it has no number of ours."""
    return None if last_seq is None or last_seq > seq else seq - last_seq


async def _trades(
    connection: AsyncConnection, market_id: int, last_seq: int | None
) -> Snapshot | Missed:
    seq = await trade_seq(connection, market_id)
    count = _count_missed(last_seq, seq)
    replay = count is not None and count <= MAX_REPLAY
    limit = count if replay and count is not None else SNAPSHOT_HISTORY
    records = []
    if limit:
        records = await trades_of(connection, market_id, before=LARGEST_ID, limit=limit)
    if replay:
        changes = [TradeChange(seq - n, one) for n, one in enumerate(records)]
        return Missed(seq, [*reversed(changes)])
    items = [wire.trade(record) for record in records]
    missed = UNSET if count is None else True
    return Snapshot(seq, "trades.snapshot", TradesSnapshot(market_id, items, missed))


async def _fills(
    connection: AsyncConnection, user_id: int, last_seq: int | None, view: MarketView
) -> Snapshot | Missed:
    seq = (await seqs_of_user(connection, user_id)).fills
    count = _count_missed(last_seq, seq)
    replay = count is not None and count <= MAX_REPLAY
    limit = count if replay and count is not None else SNAPSHOT_HISTORY
    records = []
    if limit:
        records = await fills_of_user(connection, user_id, before=LARGEST_ID, limit=limit)
    if replay:
        changes = [FillChange(user_id, seq - n, one) for n, one in enumerate(records)]
        return Missed(seq, [*reversed(changes)])
    items = [wire.user_fill(record, view) for record in records]
    return Snapshot(seq, "fills.snapshot", FillsSnapshot(items, UNSET if count is None else True))


async def _orders(
    connection: AsyncConnection, user_id: int, last_seq: int | None, view: MarketView
) -> Snapshot | Missed:
    """Return the orders that changed, as they are now: one message stands for all its changes."""
    seq = (await seqs_of_user(connection, user_id)).orders
    count = _count_missed(last_seq, seq)
    if count is not None and last_seq is not None:
        changed = await orders_since(connection, user_id, last_seq, MAX_REPLAY + 1)
        if len(changed) <= MAX_REPLAY:
            return Missed(seq, [OrderChange(number, record) for number, record in changed])
    records = await orders_of(
        connection, user_id, before=LARGEST_ID, limit=MAX_SNAPSHOT + 1, statuses=_OPEN
    )
    data = OrdersSnapshot(
        [wire.order_state(record, view) for record in records[:MAX_SNAPSHOT]],
        True if len(records) > MAX_SNAPSHOT else UNSET,
        UNSET if count is None else True,
    )
    return Snapshot(seq, "orders.snapshot", data)
