"""A feed's subscriptions: requests its topics on each connection, and fills the inbox.

Invariants: a topic's message continues from the one before, unless a Gap or a snapshot is between
them. A topic whose message found no room stays at its position and is requested again later. Books
are updated even without room, and are then sent whole.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

import msgspec
from msgspec import UNSET

from predmarket.client.connection import Connection, Heard, Lost, PendingRequest, refusal
from predmarket.client.errors import ApiError, ClientError, Unreachable
from predmarket.client.inbox import Inbox
from predmarket.client.messages import Gap, TopicMessage, Unknown, read
from predmarket.client.topics import Topic, Topics, Verdict, chunks
from predmarket.contracts.realtime import ServerMessage, Subscribed, Unsubscribed


class Subscriptions:
    """The topics of one feed. ``confirmed`` is called when all are confirmed, on each link."""

    def __init__(self, topics: Topics, inbox: Inbox, confirmed: Callable[[], None]) -> None:
        self._topics = topics
        self._inbox = inbox
        self._confirmed = confirmed
        self._connection: Connection | None = None
        self._asked: set[str] = set()
        self._behind: set[Topic] = set()

    def attach(self, connection: Connection, token: str | None) -> None:
        """Ask for every topic over ``connection``, each from where it was left."""
        self._connection = connection
        self._asked = {self._ask(connection, portion) for portion in chunks(list(self._topics))}
        if self._asked:
            return
        if token is None:
            self._confirmed()
        else:  # nothing else would tell whether the exchange accepts it
            connection.ask("auth", {"token": token}, PendingRequest(self._let_in, lambda _: None))

    def detach(self) -> None:
        """Note that the link is gone."""
        self._connection = None
        self._asked.clear()
        self._topics.lost()

    async def add(self, names: Iterable[str]) -> None:
        """Subscribe to more topics. Raises ApiError if one is refused, ClientError if they cannot
        be requested; then none is kept.
        """
        added = self._topics.add(names)
        for portion in chunks(added):
            if self._connection is None:
                return  # it is asked for with the next link
            answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            try:
                self._ask(self._connection, portion, answer)
                await answer
            except Unreachable:
                return
            except ClientError:
                self.remove(topic.asked for topic in added)
                raise

    def remove(self, names: Iterable[str]) -> list[Topic]:
        """Drop ``names``; return the topics that the exchange need no longer send."""
        gone = self._topics.remove(names)
        self._behind.difference_update(gone)
        return gone

    def hear(self, connection: Connection, heard: Heard) -> None:
        """Take a message from ``connection``. Raises Lost when it cannot be read."""
        try:
            message = read(heard.envelope, heard.text)
            if heard.envelope.type == "unsubscribed" and heard.envelope.request_id is UNSET:
                self._ended(_unsubscribed.decode(heard.envelope.data).topics)
            if heard.envelope.type == "error" and heard.envelope.topic is not UNSET:
                connection.fail(_ending(refusal(heard.envelope)))  # that topic could not begin
            elif isinstance(message, Unknown):
                self._inbox.put(message)
            else:
                self._take(connection, message)
        except (msgspec.DecodeError, ValueError):
            raise Lost(f"the exchange sent a {heard.envelope.type} that cannot be read") from None

    def _ended(self, names: Iterable[str]) -> None:
        """Drop topics whose subscriptions the exchange has ended: the user sees them no more."""
        known = (self._topics.find(name) for name in names)
        self.remove(topic.asked for topic in known if topic is not None)

    def catch_up(self) -> None:
        """If there is room again, request the topics that found none."""
        if not self._behind or not self._inbox.roomy:
            return
        behind, self._behind = self._behind, set()
        for topic in behind:
            if topic.book is not None:
                if not self._inbox.put(topic.whole(time.time_ns() // 1_000_000)):
                    self._behind.add(topic)
            elif self._connection is not None:
                self._resume(self._connection, topic)

    def _take(self, connection: Connection, message: TopicMessage) -> None:
        topic = self._topics.find(message.topic)
        if topic is None:
            return
        if self._inbox.full and topic.book is None:
            topic.lost()
            self._behind.add(topic)
            return
        held = topic.held
        verdict = topic.take(message)
        if verdict is Verdict.GAP:
            self._inbox.put(Gap(message.topic, held or 0, message.last_seq))
            self._resume(connection, topic)
        elif verdict is Verdict.NEWS and topic not in self._behind and not self._inbox.put(message):
            self._behind.add(topic)

    def _resume(self, connection: Connection, topic: Topic) -> None:
        """Ask anew for a topic: the exchange begins it again where it was left."""
        topic.lost()
        try:
            self._ask(connection, [topic])
        except ClientError as error:
            connection.fail(Lost(str(error)))

    def _ask(
        self,
        connection: Connection,
        topics: list[Topic],
        answer: "asyncio.Future[None] | None" = None,
    ) -> str:
        """Request ``topics``. A refusal goes to ``answer``; without it, it ends the feed."""

        def answered(request: str, message: ServerMessage) -> None:
            try:
                self._answered(connection, request, message)
            except ApiError as error:
                ending = _ending(error)
                if answer is None or isinstance(ending, Lost):
                    connection.fail(ending)
                elif answer.done():
                    self.remove(topic.asked for topic in topics)  # nobody waits for the answer
                else:
                    answer.set_exception(error)
            lost()

        def lost(_: Unreachable | None = None) -> None:
            if answer is not None and not answer.done():
                answer.set_result(None)

        entries = [topic.entry() for topic in topics]
        request = connection.ask("subscribe", {"topics": entries}, PendingRequest(answered, lost))
        for topic in topics:
            topic.asked_by(request)
        return request

    def _let_in(self, _: str, message: ServerMessage) -> None:
        if message.type != "error":
            self._confirmed()
        elif self._connection is not None:
            self._connection.fail(_ending(refusal(message)))

    def _answered(self, connection: Connection, request: str, message: ServerMessage) -> None:
        if message.type == "error":
            raise refusal(message)
        try:
            names = _subscribed.decode(message.data).topics
        except msgspec.DecodeError:
            connection.fail(Lost("the exchange sent a subscribed that cannot be read"))
            return
        for topic in self._topics.confirm(request, names):
            self._resume(connection, topic)
        if request in self._asked:
            self._asked.remove(request)
            if not self._asked:
                self._confirmed()


def _ending(error: ApiError) -> Exception:
    """Return a refused topic's consequence: a retry, or the end of the feed."""
    return Lost(str(error)) if error.status == 429 or error.status >= 500 else error


_subscribed = msgspec.json.Decoder(Subscribed)
_unsubscribed = msgspec.json.Decoder(Unsubscribed)
