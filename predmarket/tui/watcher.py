"""The watcher at the desk: who is logged in, which market is open, and what the feed says of it.

It keeps the desk fed and says what happened; nothing here draws, and nothing changes what the
exchange holds. No error of the exchange or the network escapes unless it says so.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from predmarket.client import ClientError, calls, shapes
from predmarket.client.calls import Call
from predmarket.client.messages import (
    Message,
    OrderChanged,
    OrdersSnapshot,
    State,
    StateChanged,
)
from predmarket.contracts.amounts import EPOCH
from predmarket.contracts.markets import Interval
from predmarket.terms import Role
from predmarket.tui.desk import read
from predmarket.tui.desk.desk import Desk
from predmarket.tui.desk.journal import Weight
from predmarket.tui.desk.lamp import Light
from predmarket.units import Micros

T = TypeVar("T")

CANDLES = 400
"""Candles asked for: more than any chart has columns."""
_WATCHED = 200
"""Markets whose prices are followed beside the open one."""
_PAGES = 10


class Client(Protocol):
    """What the trader needs of predmarket.client.AsyncClient."""

    async def send(self, call: Call[T]) -> T: ...
    async def login(self, email: str, password: str) -> shapes.User: ...
    async def register(
        self, email: str, password: str, full_name: str | None = None
    ) -> shapes.User: ...
    async def logout(self) -> None: ...
    async def aclose(self) -> None: ...


class Feed(Protocol):
    """What the trader needs of predmarket.client.Feed."""

    @property
    def age_s(self) -> float | None: ...
    def __aiter__(self) -> AsyncIterator[Message]: ...
    async def subscribe(self, *topics: str) -> object: ...
    async def unsubscribe(self, *topics: str) -> object: ...


def wall_clock() -> Micros:
    """Return the time now."""
    span = datetime.now(UTC) - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


class Watcher:
    """``user`` is None until ``begin``; ``said`` is the last thing that the screen has to say, with
    its weight."""

    def __init__(self, client: Client, *, clock: Callable[[], Micros] = wall_clock) -> None:
        self.client = client
        self.desk = Desk()
        self.clock = clock
        self.user: shapes.User | None = None
        self.feed: Feed | None = None
        self.said = ("SAFE: nothing is sent until you arm", Weight.PLAIN)
        self._asking: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._was_live = False
        self._followed: list[str] = []
        """The topics of the open market that the feed was asked for."""

    @property
    def admin(self) -> bool:
        """Tell whether the user may use what only admins may."""
        return self.user is not None and self.user["role"] == Role.ADMIN

    def age(self) -> Micros | None:
        """Return how long ago the exchange was heard, None before it was."""
        self._hear()
        return None if not self.desk.lamp.heard_at else self.clock() - self.desk.lamp.heard_at

    def light(self) -> Light:
        """Return whether what is shown may be believed now."""
        self._hear()
        return self.desk.lamp.light(self.clock())

    def _hear(self) -> None:
        """Count the exchange's pings, which are all that a quiet market sends: no message tells
        of them, only the feed's age does."""
        heard_s = self.feed.age_s if self.feed is not None else None
        if heard_s is not None:
            lamp = self.desk.lamp
            lamp.heard(max(lamp.heard_at, self.clock() - int(heard_s * 1_000_000)))

    def say(self, text: str, weight: Weight = Weight.PLAIN) -> None:
        """Show a line, and keep it in the journal."""
        self.said = (text, weight)
        self.desk.journal.add(self.clock(), text, weight)

    # sessions

    async def begin(self) -> None:
        """Find out who is logged in and load the markets. Raises ClientError."""
        user = await self.client.send(calls.me())
        self.user = user
        await self.load_markets()

    async def load_markets(self) -> None:
        """Load the markets' list. Raises ClientError."""
        call: Call[shapes.Page[shapes.Market]] | None = calls.markets(limit=100)
        for _ in range(_PAGES):
            if call is None:
                return
            page = await self.client.send(call)
            self.desk.markets.take(page["items"])
            call = call.after(page)

    async def log_in(self, email: str, password: str) -> None:
        """Open a session. Raises ClientError."""
        await self.client.login(email, password)
        await self.begin()

    async def register(self, email: str, password: str) -> None:
        """Open an account and a session. Raises ClientError."""
        await self.client.register(email, password)
        await self.begin()

    # the feed

    def topics(self) -> list[str]:
        """Return what is followed whatever market is open."""
        watched = [market.id for market in self.desk.markets.listed() if not market.final]
        topics = ["markets", *(f"ticker:{market}" for market in watched[:_WATCHED])]
        if self.user is not None:
            own = f"user:{self.user['id']}"
            topics += [f"{own}:{kind}" for kind in ("orders", "fills", "balances", "positions")]
        return topics

    async def listen(self, feed: Feed) -> None:
        """Take the feed's messages until it ends. Raises ClientError when it cannot go on."""
        self.feed = feed
        await feed.subscribe(*self.topics(), *self.desk.topics())
        async for message in feed:
            self.take(message)

    def take(self, message: Message) -> None:
        """Take one message."""
        desk = self.desk
        desk.take(message, self.clock())
        if isinstance(message, StateChanged):
            self._state(message)
        if isinstance(message, (OrdersSnapshot, OrderChanged)):
            self._spawn(self._ask_queues())

    def _state(self, change: StateChanged) -> None:
        if change.state is State.LIVE:
            if self._was_live:
                self.say("connected again", Weight.GOOD)
                self._spawn(self._reload())
            self._was_live = True
        elif change.state is State.LOST and self.desk.lamp.ever:
            self.say(f"connection lost: {change.reason}; entry stops", Weight.BAD)

    async def _reload(self) -> None:
        try:
            await self.load_markets()
        except ClientError as error:
            self.say(str(error), Weight.WARNING)
        await self.load_candles()

    async def _ask_queues(self) -> None:
        """Ask how much rests before each order of the open market that does not know."""
        desk = self.desk
        while new := [
            each.id
            for each in desk.orders.of(desk.selected)
            if each.id in desk.orders.unplaced and each.id not in self._asking
        ]:
            order = new[-1]
            self._asking.add(order)
            try:
                found = await self.client.send(calls.order(order))
            except ClientError:
                continue  # it stays unknown, and shows as a dash
            self._asking.discard(order)
            # without one the order has just ended, as the feed is about to say
            ahead = found.get("queueAhead")
            desk.orders.placed(order, None if ahead is None else read.qty(ahead))

    # what is open

    async def open(self, market: int) -> None:
        """Open a market."""
        desk = self.desk
        if desk.selected == market or desk.markets.get(market) is None:
            return
        desk.open(market)
        # noted before anything is awaited: another market may be opened meanwhile
        before, self._followed = self._followed, desk.topics()
        try:
            if self.feed is not None:
                if before:
                    await self.feed.unsubscribe(*before)
                await self.feed.subscribe(*desk.topics(), f"ticker:{market}")
        except ClientError as error:
            self.say(str(error), Weight.BAD)
        await asyncio.gather(self.load_candles(), self._ask_queues())

    async def load_candles(self, interval: Interval | None = None) -> None:
        """Load the open market's candles, in another interval if given."""
        desk = self.desk
        if desk.market is None:
            return
        if interval is not None and interval is not desk.candles.interval:
            desk.candles.clear(interval)
        market, interval = desk.market.id, desk.candles.interval
        since = _spelled(
            self.clock() // interval.micros * interval.micros - CANDLES * interval.micros
        )
        try:
            page = await self.client.send(calls.candles(market, interval, since=since))
        except ClientError as error:
            self.say(f"no candles: {error}", Weight.WARNING)
            return
        if desk.selected == market and desk.candles.interval is interval:
            # what is on the tape by now had been traded when the answer was made, or close to it
            desk.candles.load(page["items"], desk.tape[0].id if desk.tape else 0)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Stop what is under way."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _spelled(moment: Micros) -> str:
    whole = datetime.fromtimestamp(moment // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}Z"
