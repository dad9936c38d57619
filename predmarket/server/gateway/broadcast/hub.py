"""The hub: delivers committed batches to subscribers; it is the core's outlet in a gateway.

Invariants:
- a batch is delivered after the answers to its own commands were sent, because their callbacks
  entered the loop's queue first;
- a topic's messages go out in the order of their numbers, each rendered once, and only if the topic
  has a subscriber;
- sockets are written in turns, so a message to all of them delays no other work;
- delivery waits for nobody: send_buffer.py handles clients that do not read.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from predmarket.server.gateway.broadcast.creator_names import CreatorNames
from predmarket.server.gateway.broadcast.group_names import GroupNames
from predmarket.server.gateway.broadcast.rendering import Change, Message, Renderer
from predmarket.server.gateway.broadcast.replay_buffer import ReplayBuffer, told, topics_of
from predmarket.server.gateway.broadcast.send_buffer import SendBuffer
from predmarket.server.gateway.broadcast.subscription import Subscription
from predmarket.server.gateway.broadcast.topics import OF_MARKET, Topic, TopicKind
from predmarket.server.gateway.loop_turns import each_in_turns
from predmarket.server.read_model.announcements import Announced, Audience, announced_in
from predmarket.server.read_model.changes import Changes, EventChange, MarketChange, encode
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.storage.database import UNAVAILABLE, Database

log = logging.getLogger(__name__)

READS_AT_ONCE = 4
"""Snapshots read from the database at the same time; the rest of its connections serve HTTP."""
HISTORIES_AT_ONCE = 2
"""Pages of missed changes that may be among those reads, so that other snapshots find room."""
SOCKETS_A_TURN = 200
"""Sockets that are written to before others have their turn."""
_RETRY_S = 0.5
_MARKETS = Topic(TopicKind.MARKETS, 0)


class Observer(Protocol):
    """Something that renders batches in another way."""

    def committed(self, changes: Changes) -> None:
        """Take the next batch. What it raises is logged, and goes no further."""

    def interrupted(self) -> None:
        """Start anew: batches were missed for good."""


class Hub:
    """The topics with subscribers, and the last batches."""

    def __init__(self, view: MarketView, db: Database) -> None:
        self.view = view
        self.names = CreatorNames(db)
        self.groups = GroupNames(db, view)
        self.words = Renderer(view)
        self.recent = ReplayBuffer()
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self.histories = asyncio.Semaphore(HISTORIES_AT_ONCE)
        self.observers: list[Observer] = []
        """Told of each batch after the subscribers."""
        self.channels: dict[Topic, set[Subscription]] = {}
        """The subscriptions of each topic that has any."""
        self._announcements: deque[Announced] = deque()
        self._announcing: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    # the core's side (core.ports.Outlet)

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Deliver a batch once the answers to its commands have gone out."""
        asyncio.get_running_loop().call_soon(self._deliver, changes, encoded)

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Deliver the batches committed meanwhile, in order."""
        for changes in recent:
            self.committed(changes, encode(changes))

    def interrupted(self) -> None:
        """Close all subscribed clients, because batches were missed for good; they start anew.

        Otherwise a client whose topic does not change again would never notice that it is behind.
        """
        buffers = {one.out for channel in self.channels.values() for one in channel}
        ending = asyncio.create_task(each_in_turns(buffers, SendBuffer.missed))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        for observer in self.observers:
            observer.interrupted()

    # the subscribers' side

    def attach(self, subscription: Subscription) -> None:
        """Give a subscription every message that is delivered from now on."""
        assert not subscription.ended, "nobody would end it again"
        self.channels.setdefault(subscription.topic, set()).add(subscription)

    def detach(self, subscription: Subscription) -> None:
        """End a subscription."""
        subscription.ended = True
        channel = self.channels.get(subscription.topic)
        if channel is not None:
            channel.discard(subscription)
            if not channel:
                del self.channels[subscription.topic]

    # delivery

    def _deliver(self, changes: Changes, encoded: bytes) -> None:
        if changes.batch <= self.recent.last_batch:
            return  # delivered before
        self.recent.add(changes, encoded)
        if self.channels:
            self._tell_all(changes)
        for observer in self.observers:
            try:
                observer.committed(changes)
            except Exception:
                log.exception("a batch was not told to an observer")

    def _tell_all(self, changes: Changes) -> None:
        touched: list[SendBuffer] = []
        channels = self.channels
        announced = announced_in(changes)
        for one in announced:
            if one.change.record.group_id is not None:
                self._look_again(one.change)
        for topic, change in topics_of(changes):
            channel = channels.get(topic)
            if channel is not None:
                self._tell(channel, topic, change, touched)
        if announced and _MARKETS in channels:
            self._announce(announced, touched)
        self._flush(touched)

    def _look_again(self, change: MarketChange | EventChange) -> None:
        """End the subscriptions of those who do not see a market or an event any more: its group
        may be new."""
        id = change.record.id
        of_market = isinstance(change, MarketChange)
        for kind in OF_MARKET if of_market else (TopicKind.EVENT,):
            for subscription in [*self.channels.get(Topic(kind, id), ())]:
                subscription.look_again()

    def _flush(self, touched: list[SendBuffer], start: int = 0) -> None:
        """Write the collected messages, SOCKETS_A_TURN sockets at a time.

        Messages to the other sockets meanwhile are collected behind them.
        """
        end = start + SOCKETS_A_TURN
        for out in touched[start:end]:
            out.flush()
        if end < len(touched):
            asyncio.get_running_loop().call_soon(self._flush, touched, end)

    def _announce(self, announced: list[Announced], touched: list[SendBuffer]) -> None:
        """Publish markets and events, in order behind the look-up of a name if one is needed."""
        creators = {one.change.record.creator_id for one in announced}
        if self._announcing is None and self.names.known(creators) and self.groups.known:
            self._publish_markets(announced, touched)
            return
        self._announcements.extend(announced)
        if self._announcing is None:
            self._announcing = asyncio.create_task(self._announce_in_turn())

    async def _announce_in_turn(self) -> None:
        waiting = self._announcements
        while waiting:
            ready = [*waiting]  # those that come during the look-up wait for the next one
            try:
                await self.names.learn({one.change.record.creator_id for one in ready})
                await self.groups.learn()
            except Exception as error:  # the topic must continue
                known = isinstance(error, UNAVAILABLE)
                log.warning(
                    "the creator of a market is not known yet: %s",
                    error,
                    exc_info=None if known else error,
                )
                await asyncio.sleep(_RETRY_S)
                continue
            for _ in ready:
                waiting.popleft()
            touched: list[SendBuffer] = []
            self._publish_markets(ready, touched)
            self._flush(touched)
        self._announcing = None

    def _publish_markets(self, announced: list[Announced], touched: list[SendBuffer]) -> None:
        """Tell each audience what it hears, under its own numbers.

        Groups that were never told anything make no audiences of their own.
        """
        by_groups: dict[Audience, list[Subscription]] = {}
        for subscription in self.channels.get(_MARKETS, ()):
            by_groups.setdefault(subscription.audience, []).append(subscription)
        audiences: dict[Audience, list[Subscription]] = {}
        told_groups = announced[-1].counts.groups.keys() if announced else ()
        for groups, some in by_groups.items():
            heard = None if groups is None else groups.intersection(told_groups)
            audiences.setdefault(heard, []).extend(some)
        for audience, channel in audiences.items():
            for announcement in told(announced, audience):
                name = self.names.get(announcement.creator_id)
                self._tell(channel, _MARKETS, announcement, touched, name)

    def _tell(
        self,
        channel: Iterable[Subscription],
        topic: Topic,
        change: Change,
        touched: list[SendBuffer],
        creator: str | None = None,
    ) -> None:
        """Publish a change. A defect loses this message only: the lastSeq of the topic's next
        message shows that one is missing."""
        try:
            _publish(channel, self.words.of(topic, change, creator), touched)
        except Exception:
            log.exception("a change on topic %s was not delivered", topic.name)

    async def close(self) -> None:
        """Cancel the background tasks."""
        for task in (self._announcing, *self._ending):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def _publish(channel: Iterable[Subscription], message: Message, touched: list[SendBuffer]) -> None:
    """Give a message to each subscriber; add sockets to be flushed to ``touched``."""
    frame = message.frame
    for subscription in channel:
        out = subscription.out
        if subscription.live and out.clear:
            if not out.gathered:
                touched.append(out)
            out.gathered.append(frame)
        else:
            subscription.take(message)
