"""The replay buffer: the last committed batches, for clients that resume after a short time.

It holds at most MAX_CHANGES changes. A batch is kept encoded, as in the outbox. The first search in
it decodes it and indexes it by topic; most batches are never searched. As objects they would take
megabytes and displace hot data from the processor's caches.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from predmarket.server.gateway.broadcast.rendering import (
    Announcement,
    Change,
    TickersChange,
    last_seq_of,
    seq_of,
)
from predmarket.server.gateway.broadcast.topics import Topic, TopicKind
from predmarket.server.read_model.announcements import (
    EVERYBODY,
    Announced,
    Audience,
    announced_in,
)
from predmarket.server.read_model.changes import Changes, decode

MAX_CHANGES = 20_000
MAX_BATCHES = 500
_BATCHES_A_TURN = 5
_NOTHING = Topic(TopicKind.BOOK, -1)


def topics_of(changes: Changes) -> "chain[tuple[Topic, Change]]":
    """Return each change of a batch with its topic, in the order of delivery.

    What the topic of all markets tells differs by audience: read_model/announcements.py has it.
    """
    return chain(
        ((Topic(TopicKind.BOOK, c.market_id), c) for c in changes.books),
        ((Topic(TopicKind.TRADES, c.trade.market_id), c) for c in changes.trades),
        ((Topic(TopicKind.TICKER, c.record.id), c) for c in changes.markets),
        _tickers(changes),
        ((Topic(TopicKind.ORDERS, c.order.user_id), c) for c in changes.orders),
        ((Topic(TopicKind.FILLS, c.user_id), c) for c in changes.fills),
        ((Topic(TopicKind.BALANCES, c.user_id), c) for c in changes.balances),
        ((Topic(TopicKind.POSITIONS, c.user_id), c) for c in changes.positions),
        ((Topic(TopicKind.EVENTS, c.user_id), c) for c in changes.holdings),
        ((Topic(TopicKind.ORDER_GROUPS, c.group.user_id), c) for c in changes.order_groups),
    )


def told(announced: Iterable[Announced], audience: Audience) -> list[Announcement]:
    """Return those announcements that an audience hears, with their numbers for it."""
    return [
        Announcement(one.counts.of(audience), one.change)
        for one in announced
        if one.reaches(audience)
    ]


def _tickers(changes: Changes) -> "Iterator[tuple[Topic, Change]]":
    """Yield for each event which of its markets have other prices or totals now."""
    if not changes.events:
        return
    moved: dict[int, list[int]] = {}
    for market in changes.markets:
        if market.record.event_id is not None:
            moved.setdefault(market.record.event_id, []).append(market.record.id)
    for event in changes.events:
        id = event.record.id
        yield (
            Topic(TopicKind.EVENT, id),
            TickersChange(id, event.ticker_seq, tuple(moved.get(id, ()))),
        )


class _Batch:
    """One batch: encoded until its first search, then an index. ``size`` counts its changes."""

    __slots__ = ("announced", "encoded", "index", "size")

    def __init__(self, changes: Changes, encoded: bytes) -> None:
        self.encoded = encoded
        self.index: dict[Topic, list[Change]] | None = None
        self.announced: list[Announced] = []
        of_markets = len(changes.markets) + len(changes.books) + len(changes.trades)
        of_users = len(changes.orders) + len(changes.fills) + len(changes.order_groups)
        of_events = len(changes.events) + len(changes.holdings)
        of_positions = len(changes.balances) + len(changes.positions)
        self.size = of_markets + of_users + of_events + of_positions

    def of(self, topic: Topic, audience: Audience) -> Sequence[Change]:
        """Return the batch's changes on a topic, as an audience is told of them."""
        if self.index is None:
            self.index = {}
            changes = decode(self.encoded)
            for name, change in topics_of(changes):
                self.index.setdefault(name, []).append(change)
            self.announced = announced_in(changes)
            self.encoded = b""
        if topic.kind is TopicKind.MARKETS:
            return told(self.announced, audience)
        return self.index.get(topic, [])


class ReplayBuffer:
    """The last batches, without a gap."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()
        self._size = 0
        self.last_batch = 0

    def add(self, changes: Changes, encoded: bytes) -> None:
        """Add the next batch. After a gap the buffer begins anew."""
        if changes.batch != self.last_batch + 1:
            self._batches.clear()
            self._size = 0
        self.last_batch = changes.batch
        batch = _Batch(changes, encoded)
        self._batches.append(batch)
        self._size += batch.size
        while len(self._batches) > 1 and (
            self._size > MAX_CHANGES or len(self._batches) > MAX_BATCHES
        ):
            self._size -= self._batches.popleft().size

    async def prepare(self) -> None:
        """Index the batches in turns, before ``since`` needs them; each batch once."""
        for count, batch in enumerate([*self._batches]):
            if batch.index is None and count % _BATCHES_A_TURN == 0:
                await asyncio.sleep(0)  # decoding a batch takes a while
            batch.of(_NOTHING, EVERYBODY)

    def since(
        self, topic: Topic, last_seq: int, audience: Audience = EVERYBODY
    ) -> list[Change] | None:
        """Return a topic's changes after ``last_seq``; None if some are not in the buffer."""
        found: list[Change] = []
        for batch in reversed(self._batches):
            for change in reversed(batch.of(topic, audience)):
                if seq_of(change) == last_seq:
                    return found[::-1]
                if seq_of(change) < last_seq:  # within a message, or no number of ours
                    return None
                found.append(change)
                if last_seq_of(change) == last_seq:
                    return found[::-1]
        return None
