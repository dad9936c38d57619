"""The feed: topics and order entry over /realtime, with automatic reconnection.

It promises: a topic's messages come in order, none twice, through any number of lost connections; a
Gap or a snapshot marks every missing one. A book equals the exchange's at its seq, or is marked
stale. All queues are bounded. A reader that falls behind loses no messages: the feed requests them
again once there is room, and sends a book whole.

If a connection ends before an answer, the feed cannot know whether the request took effect. Such a
request raises Unreachable. Repeating a placement with its client order id is safe.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing, suppress
from typing import Self, TypeVar

import msgspec

from predmarket.client import calls
from predmarket.client.book import LocalBook
from predmarket.client.calls import EventRef, MarketRef, NewOrder, Number, OrderRef
from predmarket.client.connection import (
    FORBIDDEN,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHENTICATED,
    Connection,
    Lost,
    PendingRequest,
    address,
    opened,
    refusal,
)
from predmarket.client.credentials import Credentials, Renewal
from predmarket.client.environment import connection
from predmarket.client.errors import ClientError, Unreachable
from predmarket.client.inbox import Inbox
from predmarket.client.messages import (
    Message,
    State,
    StateChanged,
)
from predmarket.client.response_types import Canceled, Order, OrderAck
from predmarket.client.retry import Backoff
from predmarket.client.session import Session
from predmarket.client.settings import DEFAULT_URL
from predmarket.client.subscriptions import Subscriptions
from predmarket.client.topics import Topics, chunks
from predmarket.contracts.realtime import ServerMessage

T = TypeVar("T")

MAX_REQUESTS = 1_000
"""Requests that wait for an answer; further ones wait for their turn."""


class Feed:
    """Messages of subscribed topics, and order entry, over one socket.

        async with Feed(url, api_key=key, topics=["orderbook:rain", "user:me:orders"]) as feed:
            async for message in feed: ...

    docs/realtime.md lists the topics; they name a market by its id or slug. Entering connects in
    the background without waiting; ``live()`` waits. Iterating yields the messages of messages.py
    to one reader. It raises ApiError if the exchange refuses a topic or the token for good.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        session: Session | None = None,
        api_key: str | None = None,
        topics: Collection[str] = (),
        cancel_on_disconnect: bool = False,
        backoff: Backoff | None = None,
        timeout_s: float = 15.0,
        silence_s: float = 40.0,
        limit: int = 10_000,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a feed of the exchange at ``url`` (http or https).

        api_key (or any access token) takes precedence over the session. With cancel_on_disconnect
        the exchange cancels the open orders placed here whenever this connection ends. timeout_s
        bounds connecting and each request. After silence_s without any message or ping the
        connection counts as lost. limit bounds the messages that wait for the reader.
        """
        self._url = url.rstrip("/")
        self._address = address(self._url, cancel_on_disconnect=cancel_on_disconnect)
        self._credentials = Credentials(self._url, api_key, session, timeout_s, sleep)
        self._topics = Topics()
        self._topics.add(topics)
        self._backoff = backoff or Backoff()
        self._timeout_s = timeout_s
        self._silence_s = silence_s
        self._sleep = sleep
        self._clock = clock
        self._inbox = Inbox(limit)
        self._following = Subscriptions(self._topics, self._inbox, lambda: self._become(State.LIVE))
        self._connection: Connection | None = None
        self._heard_at: float | None = None
        self._live_at: float | None = None
        self._ever_live = False
        self._turns = asyncio.Semaphore(MAX_REQUESTS)
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._state = State.CONNECTING
        self._reason = ""

    @classmethod
    def from_env(
        cls,
        profile: str | None = None,
        *,
        topics: Collection[str] = (),
        cancel_on_disconnect: bool = False,
    ) -> Self:
        """Return a feed with the settings of the environment and a profile (environment.py).

        Raises ConfigurationError.
        """
        return cls(**connection(profile), topics=topics, cancel_on_disconnect=cancel_on_disconnect)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="predmarket feed")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection for good. Waiting messages can still be read, then it ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._become(State.CLOSED)
        self._inbox.end()
        await self._credentials.aclose()

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        message = await self._inbox.get()
        if message is None:
            raise StopAsyncIteration
        self._following.catch_up()
        return message

    @property
    def state(self) -> State:
        """The connection's state; its changes also come as StateChanged."""
        return self._state

    @property
    def reason(self) -> str:
        """The reason why the connection is lost, else empty."""
        return self._reason

    @property
    def age_s(self) -> float | None:
        """Seconds since anything was heard, pings (every 15 s) included; None before the first."""
        heard_at = self._connection.heard_at if self._connection is not None else self._heard_at
        return None if heard_at is None else max(0.0, self._clock() - heard_at)

    @property
    def waiting(self) -> int:
        """The number of unread messages."""
        return len(self._inbox)

    def resynchronise(self, reason: str) -> None:
        """Drop the connection for ``reason``; the next one begins every topic anew."""
        if self._connection is not None:
            self._connection.cut(Lost(reason))

    async def live(self) -> None:
        """Wait until every topic is confirmed. Raises the error that ended the feed, if any."""
        while self._state is not State.LIVE:
            if self._state is State.CLOSED:
                raise self._failure or Unreachable("the feed is closed")
            await self._changed.wait()

    def book(self, market: MarketRef) -> LocalBook:
        """Return the book of a market with a subscribed orderbook topic, by the subscribed name or
        by its id. It changes as messages arrive. Raises ClientError.
        """
        topic = self._topics.asked(f"orderbook:{market}")
        if topic is None or topic.book is None:
            raise ClientError(f"orderbook:{market} is not subscribed")
        return topic.book

    async def subscribe(self, *names: str) -> None:
        """Add topics. Without a connection the next one requests them.

        Raises ApiError if the exchange refuses one; then none of ``names`` is added. Raises
        ClientError if they would be too many, and Unreachable if no answer comes; then the next
        connection requests them again.
        """
        await _in_time(self._following.add(names), self._timeout_s)

    async def unsubscribe(self, *names: str) -> None:
        """Drop topics: waiting messages are still yielded, later ones are not."""
        for portion in chunks(self._following.remove(names)):
            with suppress(Unreachable):  # a lost connection has no subscriptions
                await self._request("unsubscribe", {"topics": [topic.asked for topic in portion]})

    async def place(self, order: NewOrder) -> Order:
        """Place an order and return the acknowledged order, with its fills.

        Raises ApiError if it is refused, and Unreachable if no answer comes; then placing it again
        with the same client order id is safe.
        """
        return await self._order("order.place", order.body())

    async def cancel(self, order_id: OrderRef) -> Order:
        """Cancel one order, given by its id or as client:ID. Raises ApiError, Unreachable."""
        return await self._order("order.cancel", {"orderId": order_id})

    async def amend(
        self, order_id: OrderRef, *, price: Number | None = None, qty: Number | None = None
    ) -> Order:
        """Change a resting order's price or total quantity. Raises ApiError, Unreachable."""
        body = calls.amend_order(order_id, price=price, qty=qty).body or {}
        return await self._order("order.amend", {"orderId": order_id, **body})

    async def cancel_all(
        self,
        *,
        market: MarketRef | None = None,
        side: str | None = None,
        event: EventRef | None = None,
    ) -> Canceled:
        """Cancel all own open orders, or those of one market or event or side. Raises ApiError,
        Unreachable.
        """
        body = calls.cancel_all(market=market, side=side, event=event).body or {}
        ack = await self._request("order.cancelAll", body)
        if "canceled" not in ack:
            raise _unlike(self._url)
        return {"canceled": ack["canceled"]}

    # Connecting

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except Exception as error:  # noqa: BLE001  the reader of the feed must get it
            self._failure = error
            self._inbox.end(error)
            self._become(State.CLOSED, str(error))

    async def _stay_connected(self) -> None:
        failures = 0
        renewed = False
        while True:
            self._become(State.CONNECTING)
            token, end = await self._converse()
            self._become(State.LOST, end.reason)
            lived_s = self._lived_s()
            if end.refusal is not None and not self._ever_live:
                raise end.refusal  # no exchange was ever here; one that was may come back
            if end.code in (FORBIDDEN, TOO_LARGE):
                raise end.as_refusal()
            settled = lived_s is not None and lived_s >= self._backoff.settled_s
            was_renewed, renewed = renewed, False
            if end.code == UNAUTHENTICATED:
                # a new token that was refused at once is never accepted
                if was_renewed and lived_s is None:
                    raise end.as_refusal()
                renewal = await self._credentials.renew(token)
                if renewal is Renewal.IMPOSSIBLE:
                    raise end.as_refusal()
                renewed = renewal is Renewal.DONE
            if renewed and (settled or not was_renewed):
                continue  # no failure: the exchange answered, and the token is new
            failures = 1 if settled else failures + 1
            asked_s = self._backoff.longest_s if end.code == TOO_MANY else end.retry_after_s
            await self._sleep(self._backoff.pause_s(failures, asked_s))

    async def _converse(self) -> tuple[str | None, Lost]:
        """Run one connection to its end; return its token and the reason. Raises ApiError,
        ConfigurationError.
        """
        token: str | None = None
        self._live_at = None
        try:
            token = await self._credentials.token()
            async with opened(
                self._address,
                token,
                timeout_s=self._timeout_s,
                silence_s=self._silence_s,
                clock=self._clock,
            ) as connection:
                await self._listen(connection, token)
        except Lost as lost:
            return token, lost
        return token, Lost("the connection was closed")

    async def _listen(self, connection: Connection, token: str | None) -> None:
        self._connection = connection
        try:
            self._following.attach(connection, token)
            async with aclosing(connection.messages()) as messages:
                async for heard in messages:
                    self._following.hear(connection, heard)
        except Lost as lost:
            self._become(State.LOST, lost.reason)  # now, because closing may take long
            raise
        finally:
            self._connection = None
            self._heard_at = connection.heard_at
            self._following.detach()

    def _lived_s(self) -> float | None:
        """Return how long the connection has been live, None if it never was."""
        return None if self._live_at is None else self._clock() - self._live_at

    def _become(self, state: State, reason: str = "") -> None:
        if self._state is State.CLOSED or (state, reason) == (self._state, self._reason):
            return
        self._state, self._reason = state, reason
        if state is State.LIVE:
            self._live_at = self._clock()
            self._ever_live = True
        self._inbox.put(StateChanged(state, reason))
        self._changed.set()
        self._changed = asyncio.Event()

    # Requests

    async def _order(self, kind: str, data: Mapping[str, object]) -> Order:
        ack = await self._request(kind, data)
        if "order" not in ack:
            raise _unlike(self._url)
        return ack["order"]

    async def _request(self, kind: str, data: Mapping[str, object]) -> OrderAck:
        async with self._turns:
            connection = self._connection
            if connection is None:
                raise self._failure or Unreachable(f"not sent: {self._reason or 'not connected'}")
            answer: asyncio.Future[ServerMessage] = asyncio.get_running_loop().create_future()
            request = connection.ask(kind, data, PendingRequest.of(answer))
            try:
                message = await _in_time(answer, self._timeout_s)
            finally:
                connection.forget(request)
        if message.type == "error":
            raise refusal(message)
        try:
            return _ack.decode(message.data)
        except msgspec.DecodeError:
            raise _unlike(self._url) from None


_ack = msgspec.json.Decoder(OrderAck)


async def _in_time(answer: Awaitable[T], timeout_s: float) -> T:
    try:
        async with asyncio.timeout(timeout_s):
            return await answer
    except TimeoutError:
        raise Unreachable(f"no answer in {timeout_s:g} s") from None


def _unlike(url: str) -> Unreachable:
    return Unreachable(f"{url} does not answer like a predmarket exchange")
