"""The screen's session: the user, the open market, and the feed.

It keeps the trading state up to date and reports events. It neither draws nor changes anything at
the exchange. Errors of the exchange or the network escape only where a docstring says so.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from predmarket.client import ClientError, calls, response_types
from predmarket.client.messages import (
    MarketChanged,
    Message,
    OrderChanged,
    OrdersSnapshot,
    PositionChanged,
    PositionsSnapshot,
    State,
    StateChanged,
    TopicMessage,
)
from predmarket.contracts.amounts import EPOCH
from predmarket.contracts.markets import Interval
from predmarket.enums import Role
from predmarket.tui.coalesced import Coalesced
from predmarket.tui.exchange import Client, Feed
from predmarket.tui.followed import Followed
from predmarket.tui.market_lists import MarketLists
from predmarket.tui.open_orders import OpenOrders
from predmarket.tui.state.connection_status import Light
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.trading_state import TradingState, Watched
from predmarket.units import Micros

CANDLES = 400
"""Candles asked for: more than any chart has columns."""
_WATCHED = 200
"""Markets whose prices are followed beside the open one and those held, the most active ones."""
_PAUSE_S = 0.05
"""Pause between two requests for markets' candles: at most twenty a second."""
FLASH_S = 1.0
"""Seconds for which a fill or a payout is highlighted."""
_SLEPT_S = 5.0
"""If the wall clock gets ahead of elapsed time by more than this, the machine has slept."""
_OWN = ("orders", "fills", "balances", "positions", "events")
"""The trader's own topics."""
_TURN_S = 0.005
"""How long messages of the feed are taken before keys and frames get their turn."""


def wall_clock() -> Micros:
    """Return the time now."""
    span = datetime.now(UTC) - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


class Session:
    """The session. ``user`` is None until ``begin``; ``said`` is the last message for the screen,
    with its weight."""

    def __init__(self, client: Client, *, clock: Callable[[], Micros] = wall_clock) -> None:
        self.client = client
        self.state = TradingState()
        self.clock = clock
        self.user: response_types.User | None = None
        self.feed: Feed | None = None
        self.said = ("SAFE: nothing is sent until you arm", Weight.PLAIN)
        self._tickers = Coalesced(self._follow_tickers)
        self._reloading = Coalesced(self._reload)
        warn = partial(self.say, weight=Weight.WARNING)
        self.lists = MarketLists(client, self.state, warn)
        self._orders = OpenOrders(client, self.state, warn)
        self._days = Coalesced(self._load_days)
        self._days_due: Micros = 0
        self._followed = Followed(self.state.topics, partial(self.say, weight=Weight.BAD))
        self._beside = (
            self._orders.queues, self._tickers, self._reloading, self.lists.rest,
            self._orders.older, self._days, self._followed.work,
        )  # fmt: skip
        self._was_live = False
        self._quoted: set[int] = set()
        """Markets whose tickers the feed was asked for."""
        self.offset: Micros | None = None
        """How far the exchange's clock is ahead of ours; None before it was heard."""
        self.alerted_at = -FLASH_S
        self._looked = (self.clock(), time.monotonic())

    @property
    def admin(self) -> bool:
        """Tell whether the user is an admin."""
        return self.user is not None and self.user["role"] == Role.ADMIN

    def age(self) -> Micros | None:
        """Return the time since the last message of the exchange, None before the first."""
        self._hear()
        return None if not self.state.status.heard_at else self.clock() - self.state.status.heard_at

    def light(self) -> Light:
        """Return the present status light."""
        self._hear()
        return self.state.status.light(self.clock())

    def _hear(self) -> None:
        """Count the exchange's pings, which are all that a quiet market sends: no message tells
        of them, only the feed's age does."""
        heard_s = self.feed.age_s if self.feed is not None else None
        if heard_s is not None:
            status = self.state.status
            status.heard(max(status.heard_at, self.clock() - int(heard_s * 1_000_000)))

    def look_at_clocks(self) -> None:
        """Restart the feed after the machine has slept; once an hour, look back a day.

        Elapsed time stands still during sleep, so old data would look fresh by it.
        """
        wall, elapsed = self.clock(), time.monotonic()
        slept = (wall - self._looked[0]) / 1_000_000 - (elapsed - self._looked[1])
        self._looked = (wall, elapsed)
        if slept > _SLEPT_S and self.feed is not None and self.state.status.connected:
            self.state.status.down("this machine has slept")
            self.feed.resynchronise("this machine has slept")
        if wall >= self._days_due and self.feed is not None and self.state.status.connected:
            self._days_due = wall + Interval.HOUR.micros
            self._days.ask()

    def say(self, text: str, weight: Weight = Weight.PLAIN) -> None:
        """Show a line, and add it to the journal."""
        self.said = (text, weight)
        self.state.journal.add(self.clock(), text, weight)

    # sessions

    async def begin(self) -> None:
        """Load the user and the markets. Raises ClientError."""
        user = await self.client.send(calls.me())
        self.user = user
        await self.lists.load()

    async def log_in(self, email: str, password: str) -> None:
        """Open a session. Raises ClientError."""
        await self.client.login(email, password)
        await self.begin()

    async def register(self, email: str, password: str, invite_code: str | None) -> None:
        """Open an account and a session. Raises ClientError."""
        await self.client.register(email, password, invite_code=invite_code)
        await self.begin()

    async def claim(self, code: str, password: str) -> None:
        """Choose a password with a one-time code, and open a session. Raises ClientError."""
        await self.client.claim(code, password)
        await self.begin()

    # the feed

    def topics(self) -> list[str]:
        """Return the topics that are followed with any open market."""
        self._quoted = self._wanted()
        topics = ["markets", *(f"ticker:{market}" for market in sorted(self._quoted))]
        if self.user is not None:
            own = f"user:{self.user['id']}"
            topics += [f"{own}:{kind}" for kind in _OWN]
        return topics

    async def listen(self, feed: Feed) -> None:
        """Take the feed's messages until it ends. Raises ClientError if it cannot go on."""
        self.feed = feed
        await self._followed.begin(feed, *self.topics())
        began = time.monotonic()
        async for message in feed:
            self.take(message)
            if time.monotonic() - began > _TURN_S:
                await asyncio.sleep(0)  # waiting messages would be read without a pause
                began = time.monotonic()

    def take(self, message: Message) -> None:
        """Take one message."""
        state = self.state
        alerts = state.alerts
        state.take(message, self.clock())
        if state.alerts != alerts:
            self.alerted_at = time.monotonic()
            self.said = (state.journal.notes[0].text, Weight.GOOD)
        if isinstance(message, TopicMessage) and message.ts:
            # a late message makes the clock look behind, so the largest value is the nearest
            offset = message.ts * 1_000 - self.clock()
            self.offset = offset if self.offset is None else max(offset, self.offset)
        if isinstance(message, StateChanged):
            self._state(message)
        elif isinstance(message, (OrdersSnapshot, OrderChanged)):
            self._orders.queues.ask()
            if isinstance(message, OrdersSnapshot) and message.data.get("more"):
                self._orders.older.ask()
        elif self._names_new(message):
            self._tickers.ask()

    def _names_new(self, message: Message) -> bool:
        """Tell whether a message names a market whose prices should be followed from now on."""
        match message:
            case MarketChanged(data=market):
                named = [market["id"]] if len(self._quoted) < _WATCHED else []
            case PositionChanged(data=position):
                named = [position["marketId"]]
            case PositionsSnapshot(data=data):
                named = [position["marketId"] for position in data["items"]]
            case _:
                return False
        return not self._quoted.issuperset(named)

    def _state(self, change: StateChanged) -> None:
        if change.state is State.LIVE:
            self.offset = None
            if self._was_live:
                self.say("connected again", Weight.GOOD)
                self._reloading.ask()
            self._was_live = True
        elif change.state is State.LOST and self.state.status.ever:
            self.say(f"connection lost: {change.reason}; entry stops", Weight.BAD)

    async def _reload(self) -> None:
        try:
            await self.lists.load()
        except ClientError as error:
            self.say(str(error), Weight.WARNING)
        await self.load_candles()

    def _wanted(self) -> set[int]:
        """Return the markets whose prices should be followed: the open one, those with a position,
        and the most active of the others.
        """
        state = self.state
        active = [market.id for market in state.markets.listed() if not market.final]
        wanted = {*(held.market for held in state.positions.held()), *active[:_WATCHED]}
        return wanted if state.selected is None else wanted | {state.selected}

    async def _follow_tickers(self) -> None:
        """Follow the prices of new markets and of new positions' markets."""
        state, feed = self.state, self.feed
        new = self._wanted() - self._quoted
        if feed is None or not new:
            return
        self._quoted |= new
        try:
            for market in sorted(new):
                if state.markets.get(market) is None:
                    state.markets.take([await self.client.send(calls.market(market))])
            await feed.subscribe(*(f"ticker:{market}" for market in sorted(new)))
        except ClientError as error:
            self._quoted -= new
            self.say(f"prices of {len(new)} markets are not followed: {error}", Weight.WARNING)

    async def _load_days(self) -> None:
        """Load the first price of the last 24 hours of every market that is followed."""
        state, since = self.state, _spelled(self.clock() + (self.offset or 0) - Interval.DAY.micros)
        for market in [each.id for each in state.markets.listed() if each.id in self._quoted]:
            try:
                page = await self.client.send(calls.candles(market, Interval.HOUR, since=since))
            except ClientError:
                continue  # its change stays unknown and is shown as a dash
            state.markets.load_day(market, page["items"])
            await asyncio.sleep(_PAUSE_S)

    # what is open

    async def open(self, market: int) -> None:
        """Open a market."""
        state = self.state
        found = state.markets.get(market)
        if state.selected == market or found is None:
            return
        state.open(market)
        if found.proposal is not None:
            said = f"{found.slug}: {found.proposal.words}"
            state.journal.add(self.clock(), said, Weight.WARNING)
        self._followed.change(f"orderbook:{market}", f"trades:{market}")
        self._tickers.ask()
        self._orders.queues.ask()
        await self.load_candles()

    def watch(self, watched: Watched) -> None:
        """Follow what is watched beside the open market."""
        before = {*self.state.topics()}
        self.state.watch(watched)
        # also what was let go a moment ago and is still subscribed: its book is gone
        self._followed.change(*before.symmetric_difference(self.state.topics()))
        self._orders.queues.ask()

    async def load_candles(self, interval: Interval | None = None) -> None:
        """Load the open market's candles, in another interval if given."""
        state = self.state
        if state.market is None:
            return
        if interval is not None and interval is not state.candles.interval:
            state.candles.clear(interval)
        market, interval = state.market.id, state.candles.interval
        since = _spelled(
            self.clock() // interval.micros * interval.micros - CANDLES * interval.micros
        )
        try:
            page = await self.client.send(calls.candles(market, interval, since=since))
        except ClientError as error:
            self.say(f"no candles: {error}", Weight.WARNING)
            return
        if state.selected == market and state.candles.interval is interval:
            # what is on the tape by now had been traded when the answer was made, or close to it
            state.candles.load(page["items"], state.tape[0].id if state.tape else 0)

    @property
    def busy(self) -> bool:
        """Tell whether a request outside the feed is running."""
        return any(work.busy for work in self._beside)

    async def end(self) -> None:
        """Stop all running requests."""
        for work in self._beside:
            await work.end()


def _spelled(moment: Micros) -> str:
    whole = datetime.fromtimestamp(moment // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}Z"
