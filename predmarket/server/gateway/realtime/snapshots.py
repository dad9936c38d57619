"""Starts a subscription: with a snapshot, or with the changes that the client missed.

A client's snapshots are sent one after the other, each when the client has taken the one before. So
a thousand subscriptions at once cost one task and one snapshot at a time.

Snapshots of the market view (books, tickers, markets) are taken in one step and encoded in turns
(gateway/loop_turns.py). All others are read from the database (history.py), a few topics at a time.
Missed changes are read page by page, HISTORIES_AT_ONCE pages at a time for all clients together.
Messages that arrive meanwhile are held, and dropped if the snapshot already covers them.

The reader pays for the rows sent (limits/reads.py). It pays for a history before it is read; when
the budget is empty, the history is refused with RATE_LIMITED.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from msgspec import UNSET

from predmarket.contracts.realtime import (
    MAX_SNAPSHOT,
    MAX_TOPICS,
    BookLevels,
    EventTickers,
    MarketsSnapshot,
)
from predmarket.enums import ErrorCode, MarketStatus
from predmarket.server.errors import Refusal
from predmarket.server.gateway import event_presenters, presenters
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.broadcast.rendering import Announcement, Change, seq_of
from predmarket.server.gateway.broadcast.send_buffer import SendBuffer
from predmarket.server.gateway.broadcast.subscription import Subscription
from predmarket.server.gateway.broadcast.topics import OF_MARKET, Topic, TopicKind
from predmarket.server.gateway.limits.reads import Reader, rows_of
from predmarket.server.gateway.loop_turns import ITEMS_A_TURN, in_turns
from predmarket.server.gateway.realtime import history as stored
from predmarket.server.gateway.realtime.history import Missed, MissedChanges, Snapshot
from predmarket.server.gateway.sight import audience_of, kinds_seen, sees, sees_event, sees_id
from predmarket.server.read_model.announcements import Audience
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.storage.database import Database

MANY = 2 * MAX_TOPICS
"""Queue length at which stale snapshot requests are dropped."""
_SHOWN = (MarketStatus.OPEN, MarketStatus.HALTED, MarketStatus.CLOSED)
_IN_VIEW = (TopicKind.BOOK, TopicKind.TICKER, TopicKind.MARKETS, TopicKind.EVENT)


def visible(topic: Topic, who: Principal | None, view: MarketView) -> bool:
    """Tell whether a user may still see a topic that was read for the user before."""
    if topic.kind in OF_MARKET:
        return sees_id(who, topic.id, view)
    if topic.kind is TopicKind.EVENT:
        event = view.find_event(topic.id)
        return event is not None and sees_event(who, event, view)
    return True


class Beginning(NamedTuple):
    """A requested start of a subscription. ``last_seq`` is the client's number to resume from.

    ``only_snapshot`` marks a separate request for a snapshot; it is answered even if a subscription
    has ended meanwhile.
    """

    topic: Topic
    subscription: Subscription | None
    last_seq: int | None = None
    request_id: str | None = None
    only_snapshot: bool = False

    @property
    def stale(self) -> bool:
        """Tell whether the client no longer wants it."""
        gone = self.subscription is not None and self.subscription.ended
        return gone and not self.only_snapshot


class Snapshots:
    """Sends one client's snapshots, one after the other.

    A waiting separate snapshot moves behind a later resumption of its topic, because missed changes
    have to continue from the client's number.
    """

    def __init__(
        self,
        hub: Hub,
        db: Database,
        out: SendBuffer,
        reader: Reader,
        who: Callable[[], Principal | None],
        failed: Callable[[Beginning, Exception], None],
    ) -> None:
        self._who = who
        self._hub = hub
        self._db = db
        self._out = out
        self._reader = reader
        self._failed = failed
        self._waiting: deque[Beginning] = deque()
        self._coming: dict[Topic, Subscription] = {}  # the waiting resumptions
        self._look_at = MANY
        self._task: asyncio.Task[None] | None = None

    def add(self, beginning: Beginning) -> None:
        """Queue this start behind the earlier ones."""
        if len(self._waiting) >= self._look_at:  # of repeated requests the last one counts
            self._waiting = deque(one for one in self._waiting if not one.stale)
            self._coming = {topic: one for topic, one in self._coming.items() if not one.ended}
            self._look_at = max(MANY, 2 * len(self._waiting))
        self._waiting.append(beginning)
        if beginning.subscription is not None and beginning.last_seq is not None:
            self._coming[beginning.topic] = beginning.subscription
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def __len__(self) -> int:
        return len(self._waiting)

    def clear(self) -> None:
        """Drop the waiting ones."""
        self._waiting.clear()
        self._coming.clear()

    async def _run(self) -> None:
        while self._waiting:
            await self._out.drained()
            if not self._waiting:
                break
            one = self._waiting.popleft()
            if one.last_seq is not None and self._coming.get(one.topic) is one.subscription:
                del self._coming[one.topic]
            if one.stale or self._put_behind(one):
                continue
            if one.subscription is not None and one.subscription.ended:
                one = one._replace(subscription=None)
            try:
                await self._begin(one)
            except Exception as error:  # noqa: BLE001 -- every error is an answer
                self._failed(one, error)
        self._task = None

    def _put_behind(self, one: Beginning) -> bool:
        """Move a snapshot behind a later resumption of its topic, if there is one."""
        coming = self._coming.get(one.topic)
        if not one.only_snapshot or coming is None or coming.ended:
            return False
        self._waiting.append(one._replace(subscription=coming))
        return True

    async def _begin(self, one: Beginning) -> None:
        hub, topic, subscription = self._hub, one.topic, one.subscription
        if not visible(topic, self._who(), hub.view):
            event = topic.kind is TopicKind.EVENT
            raise Refusal(ErrorCode.EVENT_NOT_FOUND if event else ErrorCode.MARKET_NOT_FOUND)
        if topic.kind is TopicKind.MARKETS:
            while not (hub.names.known(hub.view.creators) and hub.groups.known):
                await hub.names.learn(hub.view.creators)
                await hub.groups.learn()
            if one.stale:
                return
            if subscription is not None and subscription.ended:
                one, subscription = one._replace(subscription=None), None
        if subscription is not None:
            subscription.hold()
            hub.attach(subscription)
        try:
            audience = audience_of(self._who()) if subscription is None else subscription.audience
            found = await self._find(topic, one.last_seq, audience)
            if one.stale or self._put_behind(one):
                return
            seq = await self._give(one, found)
            if subscription is not None:
                subscription.restart(seq)
        finally:
            if subscription is not None:
                subscription.release()

    async def _find(
        self, topic: Topic, last_seq: int | None, audience: Audience
    ) -> Snapshot | Missed | MissedChanges:
        hub = self._hub
        if last_seq is not None:
            await hub.recent.prepare()
        at_hand = await self._at_hand(topic, last_seq, audience)
        if at_hand is not None:
            return at_hand
        async with hub.reads, self._db.read() as connection:
            return await stored.read(connection, topic, last_seq, hub.view)

    async def _give(self, one: Beginning, found: Snapshot | Missed | MissedChanges) -> int:
        """Send what was found; return its last sequence number. Raises Refusal RATE_LIMITED."""
        if isinstance(found, MissedChanges):
            return await self._send_history(one, found)
        if isinstance(found, Snapshot):
            self._send_snapshot(one, found)
        elif one.last_seq is not None:
            self._reader.charge(len(found.changes))
            await self._send_missed(one, found.changes, one.last_seq)
        return found.seq

    async def _at_hand(
        self, topic: Topic, last_seq: int | None, audience: Audience
    ) -> Snapshot | Missed | None:
        """Return a start that needs no database; None for a topic that needs one."""
        hub = self._hub
        if last_seq is not None:
            changes = hub.recent.since(topic, last_seq, audience)
            if changes:
                return Missed(seq_of(changes[-1]), changes)
            if changes is not None:
                return Missed(last_seq, [])
        if topic.kind not in _IN_VIEW:
            return None
        snapshot = await self._of_view(topic, audience)
        return Missed(last_seq, []) if last_seq == snapshot.seq else snapshot

    async def _of_view(self, topic: Topic, audience: Audience) -> Snapshot:
        view = self._hub.view
        if topic.kind is TopicKind.MARKETS:
            seq = view.announced.of(audience)
            return Snapshot(seq, "markets.snapshot", await self._markets())
        if topic.kind is TopicKind.EVENT:
            tickers = event_presenters.tickers(view.markets_of(topic.id), view)
            seq = view.event_ticker_seq(topic.id)
            return Snapshot(seq, "event.snapshot", EventTickers(tickers))
        book = view.book(topic.id)
        if topic.kind is TopicKind.BOOK:
            shown = await presenters.order_book(topic.id, book, None)
            data = BookLevels(topic.id, shown.bids, shown.asks)
            return Snapshot(shown.seq, "orderbook.snapshot", data)
        record = view.find(topic.id)
        assert record is not None  # the topic's name was resolved by it, and markets stay
        return Snapshot(
            view.ticker_seq(topic.id), "ticker.snapshot", presenters.ticker(record, book)
        )

    async def _markets(self) -> MarketsSnapshot:
        view, names, who = self._hub.view, self._hub.names, self._who()
        kinds = kinds_seen(who, view, _SHOWN)
        every = (view.market(id) for id in view.market_list.newest(kinds))
        shown = list(islice((one for one in every if sees(who, one)), MAX_SNAPSHOT + 1))
        of_all = (view.events[id] for id in view.event_list.newest(kinds))
        seen = (one for one in of_all if sees_event(who, one, view))
        events = list(islice(seen, MAX_SNAPSHOT + 1))
        items = await in_turns(
            shown[:MAX_SNAPSHOT],
            lambda one: presenters.market(one, view, names.get(one.creator_id)),
        )
        short = [
            event_presenters.summary(one, view, names.get(one.creator_id), drafts=False)
            for one in events[:MAX_SNAPSHOT]
        ]
        more = max(len(shown), len(events)) > MAX_SNAPSHOT
        return MarketsSnapshot(items, True if more else UNSET, short or UNSET)

    def _send_snapshot(self, one: Beginning, found: Snapshot) -> None:
        name = one.topic.name
        self._reader.charge(rows_of(found.data) or 1)
        self._out.send(
            frames.message(
                found.type, found.data, topic=name, seq=found.seq, request_id=one.request_id
            )
        )

    async def _send_history(self, one: Beginning, history: MissedChanges) -> int:
        """Read and send the missed changes, page by page; return the last sequence number.

        Raises Refusal RATE_LIMITED.
        """
        self._reader.pay(history.missed)
        while True:
            async with self._hub.histories, self._hub.reads, self._db.read() as connection:
                page = await stored.next_page(connection, history)
            await self._send_missed(one, page.changes, history.at.seq)
            if page.whole or one.stale:
                return page.last.seq
            history = history._replace(at=page.last)

    async def _send_missed(self, one: Beginning, changes: list[Change], last_seq: int) -> None:
        """Send missed changes in sequence, as fast as the client takes them."""
        hub, topic = self._hub, one.topic
        for start in range(0, len(changes), ITEMS_A_TURN):
            await asyncio.sleep(0)
            await self._out.drained()
            if one.stale:
                return
            for change in changes[start : start + ITEMS_A_TURN]:
                name = None
                if isinstance(change, Announcement):
                    name = hub.names.get(change.creator_id)
                message = hub.words.of(topic, change, name, last_seq=last_seq)
                last_seq = message.seq
                self._out.send(message.frame)
