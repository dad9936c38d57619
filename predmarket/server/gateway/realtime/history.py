"""Reads the start of a subscription from the database: missed changes, or the topic's state.

A client with a sequence number gets the changes that it missed, up to MAX_REPLAY, read PAGE at a
time. With more missed changes, or without a number, it gets the topic's present state. State and
sequence number are read in one snapshot of the database.
"""

from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.order_groups import OrderGroupsSnapshot
from predmarket.contracts.realtime import (
    MAX_REPLAY,
    MAX_SNAPSHOT,
    SNAPSHOT_HISTORY,
    EventPositionsSnapshot,
    FillsSnapshot,
    OrdersSnapshot,
    PositionsSnapshot,
    TradesSnapshot,
)
from predmarket.enums import OrderStatus
from predmarket.server.gateway import event_presenters, group_presenters, presenters
from predmarket.server.gateway.broadcast.rendering import Change
from predmarket.server.gateway.broadcast.topics import Topic, TopicKind
from predmarket.server.gateway.loop_turns import in_turns
from predmarket.server.read_model.changes import FillChange, OrderChange, TradeChange
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.holdings import holdings_of
from predmarket.server.read_model.queries.order_groups import order_groups_of
from predmarket.server.read_model.queries.orders import count_orders_since, orders_of, orders_since
from predmarket.server.read_model.queries.positions import positions_of
from predmarket.server.read_model.queries.topics import seqs_of_user, trade_seq
from predmarket.server.read_model.queries.trades import (
    fill_before_last,
    fills_after,
    fills_of_user,
    trade_before_last,
    trades_after,
    trades_of,
)

PAGE = 200
"""Missed changes that are read at once."""
_OPEN = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


class Snapshot(NamedTuple):
    """A topic's state at ``seq``."""

    seq: int
    type: str
    data: object


class Missed(NamedTuple):
    """The changes after the client's number; ``seq`` is the last one's number."""

    seq: int
    changes: list[Change]


class ResumePoint(NamedTuple):
    """A client's place in a topic: its last sequence number, and the id of that trade."""

    seq: int
    id: int


class MissedChanges(NamedTuple):
    """The changes after a client's place, ``missed`` of them by now, to be read page by page.

    Each page has its own snapshot, so a slow client holds none for long. No change is skipped:
    trades never change, and an order that changes meanwhile gets a later number.
    """

    topic: Topic
    at: ResumePoint
    missed: int


class Page(NamedTuple):
    """Changes of a history, and the position after them; ``whole`` means that none is left."""

    changes: list[Change]
    last: ResumePoint
    whole: bool


async def read(
    connection: AsyncConnection, topic: Topic, last_seq: int | None, view: MarketView
) -> Snapshot | Missed | MissedChanges:
    """Return a topic's beginning from the database, or the history to read it from."""
    match topic.kind:
        case TopicKind.TRADES:
            return await _trades(connection, topic.id, last_seq)
        case TopicKind.ORDERS:
            return await _orders(connection, topic.id, last_seq, view)
        case TopicKind.FILLS:
            return await _fills(connection, topic.id, last_seq, view)
        case TopicKind.BALANCES:
            seq = (await seqs_of_user(connection, topic.id)).balances
            account = await account_of(connection, topic.id)
            cash = (0, 0) if account is None else (account.available, account.locked)
            found = Snapshot(seq, "balances.snapshot", presenters.balance(*cash))
        case TopicKind.EVENTS:
            seq = (await seqs_of_user(connection, topic.id)).holdings
            holdings = await holdings_of(connection, topic.id)
            held = await in_turns(holdings, lambda one: event_presenters.holding(one, view))
            found = Snapshot(seq, "eventPositions.snapshot", EventPositionsSnapshot(held))
        case TopicKind.ORDER_GROUPS:
            seq = (await seqs_of_user(connection, topic.id)).order_groups
            groups = await order_groups_of(connection, topic.id)
            data = OrderGroupsSnapshot([group_presenters.order_group(one) for one in groups])
            found = Snapshot(seq, "orderGroups.snapshot", data)
        case _:
            seq = (await seqs_of_user(connection, topic.id)).positions
            records = await positions_of(connection, topic.id)
            items = await in_turns(records, lambda record: presenters.position(record, view))
            found = Snapshot(seq, "positions.snapshot", PositionsSnapshot(items))
    return Missed(seq, []) if last_seq == seq else found


def _count_missed(last_seq: int | None, seq: int) -> int | None:
    """Return how many changes a client has missed, None if its number is not one of ours."""
    return None if last_seq is None or last_seq > seq else seq - last_seq


async def next_page(connection: AsyncConnection, history: MissedChanges) -> Page:
    """Return the next changes of a history, the oldest first."""
    at, id = history.at, history.topic.id
    match history.topic.kind:
        case TopicKind.TRADES:
            trades = await trades_after(connection, id, at.id, limit=PAGE)
            changes: list[Change] = [TradeChange(at.seq + n, t) for n, t in enumerate(trades, 1)]
            last = ResumePoint(at.seq + len(trades), trades[-1].id if trades else at.id)
        case TopicKind.FILLS:
            fills = await fills_after(connection, id, at.id, limit=PAGE)
            changes = [FillChange(id, at.seq + n, fill) for n, fill in enumerate(fills, 1)]
            last = ResumePoint(at.seq + len(fills), fills[-1].trade_id if fills else at.id)
        case _:
            changed = await orders_since(connection, id, at.seq, PAGE)
            changes = [OrderChange(seq, record) for seq, record in changed]
            last = ResumePoint(changed[-1][0] if changed else at.seq, 0)
    return Page(changes, last, whole=len(changes) < PAGE)


async def _trades(
    connection: AsyncConnection, market_id: int, last_seq: int | None
) -> Snapshot | Missed | MissedChanges:
    seq = await trade_seq(connection, market_id)
    count = _count_missed(last_seq, seq)
    if count is not None and last_seq is not None and count <= MAX_REPLAY:
        id = await trade_before_last(connection, market_id, count)
        return MissedChanges(Topic(TopicKind.TRADES, market_id), ResumePoint(last_seq, id), count)
    records = await trades_of(connection, market_id, before=LARGEST_ID, limit=SNAPSHOT_HISTORY)
    items = [presenters.trade(record) for record in records]
    missed = UNSET if count is None else True
    return Snapshot(seq, "trades.snapshot", TradesSnapshot(market_id, items, missed))


async def _fills(
    connection: AsyncConnection, user_id: int, last_seq: int | None, view: MarketView
) -> Snapshot | Missed | MissedChanges:
    seq = (await seqs_of_user(connection, user_id)).fills
    count = _count_missed(last_seq, seq)
    if count is not None and last_seq is not None and count <= MAX_REPLAY:
        id = await fill_before_last(connection, user_id, count)
        return MissedChanges(Topic(TopicKind.FILLS, user_id), ResumePoint(last_seq, id), count)
    records = await fills_of_user(connection, user_id, before=LARGEST_ID, limit=SNAPSHOT_HISTORY)
    items = [presenters.user_fill(record, view) for record in records]
    return Snapshot(seq, "fills.snapshot", FillsSnapshot(items, UNSET if count is None else True))


async def _orders(
    connection: AsyncConnection, user_id: int, last_seq: int | None, view: MarketView
) -> Snapshot | Missed | MissedChanges:
    """Return the orders that changed, as they are now: one message stands for all its changes."""
    seq = (await seqs_of_user(connection, user_id)).orders
    count = _count_missed(last_seq, seq)
    if count is not None and last_seq is not None:
        changed = await count_orders_since(connection, user_id, last_seq, MAX_REPLAY + 1)
        if changed <= MAX_REPLAY:
            return MissedChanges(
                Topic(TopicKind.ORDERS, user_id), ResumePoint(last_seq, 0), changed
            )
    records = await orders_of(
        connection, user_id, before=LARGEST_ID, limit=MAX_SNAPSHOT + 1, statuses=_OPEN
    )
    data = OrdersSnapshot(
        await in_turns(records[:MAX_SNAPSHOT], lambda record: presenters.order_state(record, view)),
        True if len(records) > MAX_SNAPSHOT else UNSET,
        UNSET if count is None else True,
    )
    return Snapshot(seq, "orders.snapshot", data)
