"""How a subscription begins: with a snapshot, or with what was missed since its client left.

A topic is given a beginning while the client takes what it is sent; until then the next one waits.
So a thousand subscriptions at once cost one task and one snapshot at a time.

What the market view holds (books, tickers, markets) is put into words in one step. Everything else
is read from the database, together with the topic's number, in one snapshot; messages of that time
are held, and dropped where the snapshot stands for them already.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.realtime import (
    MAX_REPLAY,
    MAX_SNAPSHOT,
    MAX_TOPICS,
    SNAPSHOT_HISTORY,
    FillsSnapshot,
    MarketsSnapshot,
    OrdersSnapshot,
    PositionsSnapshot,
    TradesSnapshot,
)
from predmarket.server import wire
from predmarket.server.changes import FillChange, MarketChange, OrderChange, TradeChange
from predmarket.server.queries.accounts import account_of
from predmarket.server.queries.cursors import LARGEST_ID
from predmarket.server.queries.orders import orders_of, orders_since
from predmarket.server.queries.positions import positions_of
from predmarket.server.queries.topics import seqs_of_user, trade_seq
from predmarket.server.queries.trades import fills_of_user, trades_of
from predmarket.server.realtime import frames
from predmarket.server.realtime.hub import Hub
from predmarket.server.realtime.outgoing import Outgoing
from predmarket.server.realtime.subscription import Subscription
from predmarket.server.realtime.topics import Kind, Topic
from predmarket.server.realtime.words import Change, book_levels, seq_of
from predmarket.server.storage.database import Database
from predmarket.server.view import MarketView
from predmarket.terms import MarketStatus, OrderStatus, Side

log = logging.getLogger(__name__)

_MANY = 2 * MAX_TOPICS
"""Waiting beginnings from which on it is looked which of them are still wanted."""
_PIECE = 200
"""Missed messages that are sent before it is looked whether the client takes them."""
_OPEN = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
_HIDDEN = (MarketStatus.DRAFT, MarketStatus.RESOLVED, MarketStatus.VOIDED)
_IN_VIEW = (Kind.BOOK, Kind.TICKER, Kind.MARKETS)


class Snapshot(NamedTuple):
    """A topic as it stands at ``seq``."""

    seq: int
    type: str
    data: object


class Missed(NamedTuple):
    """What came after the number that the client has; ``seq`` is the last one's."""

    seq: int
    changes: list[Change]


class Beginning(NamedTuple):
    """A beginning asked for. ``last_seq``: what the client has, to resume from.

    ``only_snapshot``: it was asked for as a request of its own, and is answered even when the
    subscription, if there was one, has ended meanwhile.
    """

    topic: Topic
    subscription: Subscription | None
    last_seq: int | None = None
    request_id: str | None = None
    only_snapshot: bool = False

    @property
    def stale(self) -> bool:
        """Tell whether nobody wants it any more."""
        gone = self.subscription is not None and self.subscription.ended
        return gone and not self.only_snapshot


class Beginnings:
    """One client's beginnings, one after the other."""

    def __init__(
        self, hub: Hub, db: Database, out: Outgoing, failed: Callable[[Beginning, Exception], None]
    ) -> None:
        self._hub = hub
        self._db = db
        self._out = out
        self._failed = failed
        self._waiting: deque[Beginning] = deque()
        self._look_at = _MANY
        self._task: asyncio.Task[None] | None = None

    def add(self, beginning: Beginning) -> None:
        """Give this beginning after those asked for before."""
        if len(self._waiting) >= self._look_at:  # asked for again and again, the last one counts
            self._waiting = deque(one for one in self._waiting if not one.stale)
            self._look_at = max(_MANY, 2 * len(self._waiting))
        self._waiting.append(beginning)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def __len__(self) -> int:
        return len(self._waiting)

    def clear(self) -> None:
        """Drop those that have not been given."""
        self._waiting.clear()

    async def _run(self) -> None:
        while self._waiting:
            await self._out.drained()
            if not self._waiting:
                break
            one = self._waiting.popleft()
            if one.stale:
                continue
            if one.subscription is not None and one.subscription.ended:
                one = one._replace(subscription=None)
            try:
                await self._begin(one)
            except Exception as error:  # noqa: BLE001 -- every error is an answer
                self._failed(one, error)
        self._task = None

    async def _begin(self, one: Beginning) -> None:
        hub, topic, subscription = self._hub, one.topic, one.subscription
        if topic.kind is Kind.MARKETS:
            while not hub.names.known(record.creator_id for record in hub.view):
                await hub.names.learn({record.creator_id for record in hub.view})
        if subscription is not None:
            subscription.hold()
            hub.attach(subscription)
        try:
            found = self._at_hand(topic, one.last_seq)
            if found is None:
                async with hub.reads, self._db.read() as connection:
                    found = await _read(connection, topic, one.last_seq, hub.view)
            if one.stale:
                return
            if isinstance(found, Snapshot):
                self._send_snapshot(one, found)
            elif one.last_seq is not None:
                await self._send_missed(topic, found.changes, one.last_seq)
            if subscription is not None:
                subscription.restart(found.seq)
        finally:
            if subscription is not None:
                subscription.release()

    def _at_hand(self, topic: Topic, last_seq: int | None) -> Snapshot | Missed | None:
        """Return what needs no database; None for a topic that does."""
        hub, kind = self._hub, topic.kind
        if last_seq is not None:
            changes = hub.recent.since(topic, last_seq)
            if changes:
                return Missed(seq_of(kind, changes[-1]), changes)
            if changes is not None:
                return Missed(last_seq, [])
        if kind not in _IN_VIEW:
            return None
        snapshot = self._of_view(topic)
        return Missed(last_seq, []) if last_seq == snapshot.seq else snapshot

    def _of_view(self, topic: Topic) -> Snapshot:
        view = self._hub.view
        if topic.kind is Kind.MARKETS:
            return Snapshot(view.markets_seq, "markets.snapshot", self._markets())
        book = view.book(topic.id)
        if topic.kind is Kind.BOOK:
            data = book_levels(topic.id, book.levels(Side.BUY), book.levels(Side.SELL))
            return Snapshot(book.seq, "orderbook.snapshot", data)
        record = view.find(topic.id)
        assert record is not None  # the topic was read by it, and markets stay
        return Snapshot(view.ticker_seq(topic.id), "ticker.snapshot", wire.ticker(record, book))

    def _markets(self) -> MarketsSnapshot:
        view, names = self._hub.view, self._hub.names
        shown = [record for record in view if record.status not in _HIDDEN]
        shown.sort(key=lambda record: record.id, reverse=True)
        items = [
            wire.market(record, view.book(record.id), names.get(record.creator_id))
            for record in shown[:MAX_SNAPSHOT]
        ]
        return MarketsSnapshot(items, True if len(shown) > MAX_SNAPSHOT else UNSET)

    def _send_snapshot(self, one: Beginning, found: Snapshot) -> None:
        name = one.topic.name
        self._out.send(
            frames.message(
                found.type, found.data, topic=name, seq=found.seq, request_id=one.request_id
            )
        )

    async def _send_missed(self, topic: Topic, changes: list[Change], last_seq: int) -> None:
        """Send missed changes, each following on the one before."""
        hub = self._hub
        for place, change in enumerate(changes):
            name = None
            if topic.kind is Kind.MARKETS:
                assert isinstance(change, MarketChange)
                name = hub.names.get(change.record.creator_id)
            message = hub.words.of(topic, change, name, last_seq=last_seq)
            last_seq = message.seq
            self._out.send(message.frame)
            if place % _PIECE == _PIECE - 1:
                await self._out.drained()


async def _read(
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
