"""A feed's topics, and the check that messages continue without a gap. No I/O.

Invariants: a message is news only if its ``last_seq`` is the seq held, or if it is a snapshot.
While a request for a topic is unanswered, and after a gap, no message is news until the exchange
has confirmed the topic again. A book is stale exactly while its topic is not confirmed.
"""

from collections.abc import Collection, Iterable, Iterator
from enum import Enum, auto
from itertools import islice

from predmarket.client.book import LocalBook
from predmarket.client.errors import ClientError
from predmarket.client.messages import BookDelta, BookSnapshot, TopicMessage
from predmarket.client.response_types import BookLevels
from predmarket.contracts.realtime import MAX_TOPICS

_CHUNK = 200
"""Topics in one request, so that it stays below the longest message."""


class Verdict(Enum):
    """The result of checking a message."""

    NEWS = auto()
    OLD = auto()
    """Held already, or sent before what was asked for last."""
    GAP = auto()


class Topic:
    """One subscription: ``held`` is the seq of its last news, None before the first snapshot."""

    def __init__(self, asked: str) -> None:
        self.asked = asked
        self.name: str | None = None
        self.held: int | None = None
        self.book = LocalBook() if asked.startswith("orderbook:") else None
        self._request: str | None = None
        self._confirmed = False
        self._gap_after: int | None = None

    def entry(self) -> str | dict[str, object]:
        """Return the topic's entry in a request, with its last position if there is one."""
        if self.held is None:
            return self.asked
        return {"topic": self.asked, "lastSeq": self.held}

    def asked_by(self, request: str) -> None:
        """Record the request whose confirmation makes messages news again."""
        self.lost()
        self._request = request

    def confirmed_by(self, request: str, name: str) -> bool:
        """Take the exchange's confirmation of ``request``. False if the name now stands for another
        topic, so that the held position is void.
        """
        if request != self._request:
            return True  # a later request is unanswered
        same = self.name in (None, name)
        self.name = name
        if not same:
            self.forget()
            return False
        self._confirmed = True
        if self.book is not None and self.held is not None:
            self.book.stale = False  # missed changes, if any, follow immediately
        return True

    def lost(self) -> None:
        """Record that no message is news until the topic is confirmed again."""
        self._confirmed = False
        self._request = None
        if self.book is not None:
            self.book.stale = True

    def forget(self) -> None:
        """Drop the position, so that the next request asks for a snapshot."""
        self.lost()
        self.held = None

    def take(self, message: TopicMessage) -> Verdict:
        """Check ``message``; news advances the position, and is applied to the book.

        Raises ValueError if the book cannot read it.
        """
        if not self._confirmed:
            return Verdict.OLD
        if not message.snapshot:
            if self.held is None or message.seq <= self.held:
                return Verdict.OLD
            if message.last_seq != self.held:
                again, self._gap_after = self._gap_after == self.held, self.held
                if again:
                    self.forget()  # resuming led to the same gap
                self.lost()
                return Verdict.GAP
        if self.book is not None:
            self._apply(self.book, message)
        self.held = message.seq
        return Verdict.NEWS

    def _apply(self, book: LocalBook, message: TopicMessage) -> None:
        if isinstance(message, BookSnapshot):
            book.load(message.data, message.seq)
        elif isinstance(message, BookDelta):
            assert self.held is not None
            book.change(message.data, self.held, message.seq)

    def whole(self, ts: int) -> BookSnapshot:
        """Return the book as the snapshot that the exchange would send."""
        assert self.book is not None
        assert self.name is not None
        assert self.held is not None
        book = self.book.wire()
        data = BookLevels(marketId=book["marketId"], bids=book["bids"], asks=book["asks"])
        return BookSnapshot(
            topic=self.name, seq=self.held, last_seq=None, ts=ts, raw=b"", data=data
        )


class Topics:
    """All subscriptions of a feed, by the requested names and by the exchange's names."""

    def __init__(self) -> None:
        self._asked: dict[str, Topic] = {}
        self._named: dict[str, Topic] = {}

    def __iter__(self) -> Iterator[Topic]:
        return iter(dict.fromkeys(self._asked.values()))

    def add(self, names: Iterable[str]) -> list[Topic]:
        """Return new subscriptions for the ``names`` that have none. Raises ClientError if there
        would be too many.
        """
        new = [name for name in dict.fromkeys(names) if name not in self._asked]
        if len(self._asked) + len(new) > MAX_TOPICS:
            raise ClientError(f"one feed has at most {MAX_TOPICS} topics")
        made = [Topic(name) for name in new]
        self._asked.update({topic.asked: topic for topic in made})
        return made

    def remove(self, names: Iterable[str]) -> list[Topic]:
        """Drop ``names``; return the subscriptions without another name."""
        dropped = {topic for name in names if (topic := self._asked.pop(name, None)) is not None}
        gone = dropped - set(self._asked.values())
        for topic in gone:
            if topic.name is not None and self._named.get(topic.name) is topic:
                del self._named[topic.name]
        return sorted(gone, key=lambda topic: topic.asked)

    def confirm(self, request: str, names: dict[str, str]) -> list[Topic]:
        """Take the exchange's answer, its name for each requested one. Return the topics to request
        again.
        """
        anew: list[Topic] = []
        for asked, name in names.items():
            topic = self._asked.get(asked)
            if topic is None:
                continue
            if topic.name not in (None, name):
                self._named.pop(str(topic.name), None)
            known = self._named.setdefault(name, topic)
            self._asked[asked] = known  # two names for one topic share the position
            if known is topic and not topic.confirmed_by(request, name):
                anew.append(topic)
        return anew

    def find(self, name: str) -> Topic | None:
        """Return the subscription with the exchange's name ``name``."""
        return self._named.get(name)

    def asked(self, name: str) -> Topic | None:
        """Return the subscription with the requested or the exchange's name ``name``."""
        return self._asked.get(name) or self._named.get(name)

    def lost(self) -> None:
        """Record that the connection is gone."""
        for topic in self:
            topic.lost()


def chunks(topics: Collection[Topic]) -> Iterator[list[Topic]]:
    """Yield ``topics`` in portions that one request holds."""
    rest = iter(topics)
    while portion := list(islice(rest, _CHUNK)):
        yield portion
