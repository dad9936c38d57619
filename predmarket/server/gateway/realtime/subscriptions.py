"""One client's subscriptions by topic, and their snapshots.

Invariant: a client has at most one subscription to a topic. A newer one replaces the older one at
once, so that nothing is sent twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from predmarket.contracts.realtime import Resume
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.broadcast import topics
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.broadcast.send_buffer import SendBuffer
from predmarket.server.gateway.broadcast.subscription import Subscription
from predmarket.server.gateway.broadcast.topics import Topic, TopicKind
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.limits.reads import Reader
from predmarket.server.gateway.realtime.snapshots import Beginning, Snapshots, visible
from predmarket.server.gateway.sight import audience_of


class Wanted(NamedTuple):
    """The requested topics: each with the name in the request, and the client's last number."""

    named: dict[str, str]
    begun: dict[Topic, int | None]


class Subscriptions:
    """The topics of one client. ``most`` bounds them, and the waiting snapshots."""

    def __init__(
        self,
        context: Context,
        hub: Hub,
        out: SendBuffer,
        reader: Reader,
        most: int,
        who: Callable[[], Principal | None],
        failed: Callable[[Beginning, Exception], None],
        ended: Callable[[Sequence[Topic]], None],
    ) -> None:
        """Prepare the subscriptions.

        ``reader`` pays for reads. ``who`` returns the client's user. ``failed`` is called for each
        snapshot that could not be given to a client that still wants it, ``ended`` with topics that
        the user may not see any more.
        """
        self._context = context
        self._hub = hub
        self._out = out
        self._most = most
        self._who = who
        self._failed = failed
        self._ended = ended
        self._held: dict[Topic, Subscription] = {}
        db = context.services.db
        self.beginnings = Snapshots(hub, db, out, reader, who, self._not_begun)

    def __len__(self) -> int:
        return len(self._held)

    def read(self, asked: Iterable[str | Resume], who: Principal | None) -> Wanted:
        """Return the requested topics. Raises Refusal, also if there would be too many."""
        wanted = Wanted({}, {})
        for one in asked:
            name, last_seq = (one.topic, one.last_seq) if isinstance(one, Resume) else (one, None)
            topic = self.topic(name, who)
            wanted.named[name] = topic.name
            wanted.begun[topic] = last_seq
        if len(self._held.keys() | wanted.begun) > self._most:
            raise Refusal(ErrorCode.LIMIT_EXCEEDED, f"a connection has at most {self._most} topics")
        return wanted

    def topic(self, name: str, who: Principal | None) -> Topic:
        """Return a topic by any of its names. Raises Refusal."""
        return topics.read(name, who, self._context.market, self._context.event)

    def begin(self, begun: Mapping[Topic, int | None]) -> None:
        """Subscribe to topics, each from the client's last number, if any."""
        for topic, last_seq in begun.items():
            self.drop(topic)
            audience = audience_of(self._who())
            subscription = Subscription(topic, self._out, audience, self.look_again)
            self._held[topic] = subscription
            self.beginnings.add(Beginning(topic, subscription, last_seq))

    def snapshot(self, topic: Topic, request_id: str | None) -> None:
        """Queue a snapshot of a topic. Raises Refusal OVERLOADED."""
        if len(self.beginnings) >= self._most:
            raise Refusal(ErrorCode.OVERLOADED)
        subscription = self._held.get(topic)
        self.beginnings.add(Beginning(topic, subscription, None, request_id, only_snapshot=True))

    def drop(self, topic: Topic) -> None:
        """End the subscription to a topic, if there is one."""
        subscription = self._held.pop(topic, None)
        if subscription is not None:
            self._hub.detach(subscription)

    def look_again(self) -> None:
        """End the subscriptions that the user may not have any more, and begin the topic of all
        markets anew if the user hears of others now."""
        who, view = self._who(), self._hub.view
        unseen = [topic for topic in self._held if not visible(topic, who, view)]
        for topic in unseen:
            self.drop(topic)
        if unseen:
            self._ended(unseen)
        markets = Topic(TopicKind.MARKETS, 0)
        held = self._held.get(markets)
        if held is not None and held.audience != audience_of(who):
            self.begin({markets: None})

    def own(self, who: Principal | None, kinds: Iterable[TopicKind]) -> list[Subscription]:
        """Return the subscriptions to a user's topics of these kinds."""
        if who is None:
            return []
        found = (self._held.get(Topic(kind, who.user_id)) for kind in kinds)
        return [subscription for subscription in found if subscription is not None]

    def end(self) -> None:
        """End them all."""
        self.beginnings.clear()
        for topic in [*self._held]:
            self.drop(topic)

    def _not_begun(self, beginning: Beginning, error: Exception) -> None:
        subscription = beginning.subscription
        if subscription is not None and not beginning.only_snapshot:
            if subscription.ended:
                return
            self.drop(beginning.topic)
        self._failed(beginning, error)
