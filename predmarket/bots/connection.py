"""A bot's connection: the feed for data and orders, and the reaction to its failures.

The exchange cancels the bot's orders when the connection ends. Temporary refusals (RATE_LIMITED,
OVERLOADED, …) lengthen its pauses; refusals of the bot itself end it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias
from uuid import uuid4

from predmarket.bots.arbitrage import Level
from predmarket.client import ApiError, AsyncClient, Backoff, ClientError, Feed, Session, State
from predmarket.client.calls import EventRef, MarketRef, NewOrder
from predmarket.client.messages import (
    MarketChanged,
    MarketsSnapshot,
    Message,
    OrderChanged,
    PositionChanged,
    PositionsSnapshot,
    StateChanged,
)
from predmarket.client.response_types import Event, Market, Order, OrderState, Position
from predmarket.units import QTY_DECIMALS, Price, Qty, format_price, format_qty, parse

Tell: TypeAlias = Callable[[Mapping[str, object]], None]
"""Told of each thing a bot does, as a flat object with ``event`` in it."""

FINAL = ("RESOLVED", "VOIDED")
"""What a market's status is when nothing changes it any more."""

_WITHDRAW_S = 3.0
_ENDS = frozenset({401, 403})
_LATER = frozenset({"RATE_LIMITED", "OVERLOADED", "UNAVAILABLE", "OUTCOME_UNKNOWN", "INTERNAL"})


def silent(event: Mapping[str, object]) -> None:
    """Report nothing."""


class Connection:
    """One bot's place at the exchange, for markets and events. Use ``connect()`` to open one."""

    def __init__(
        self,
        client: AsyncClient,
        feed: Feed,
        markets: Mapping[int, Market],
        events: Mapping[int, Event],
        rng: random.Random,
        tell: Tell,
    ) -> None:
        self.client = client
        self.feed = feed
        self.markets = dict(markets)
        """By id, those of the events too."""
        self._events = dict(events)
        self.positions: dict[int, Qty] = {}
        self.on_order: Callable[[OrderState], object] = lambda _: None
        self.on_market: Callable[[Market], object] = lambda _: None
        """Told of each market that changes, and of those that its events are given."""
        self.connections = 0
        """Counts how often the connection has become live."""
        self._rng = rng
        self._tell = tell
        self._backoff = Backoff(first_s=0.5, longest_s=30.0, spread=rng.random)
        self._failures = 0
        self._live = False

    async def listen(self) -> None:
        """Take the feed's messages, for ever. Raises ApiError if the feed ends for good."""
        async for message in self.feed:
            self._hear(message)

    def _hear(self, message: Message) -> None:
        match message:
            case OrderChanged(data=order):
                self.on_order(order)
            case PositionsSnapshot(data=snapshot):
                self.positions = {held["marketId"]: _net(held) for held in snapshot["items"]}
            case PositionChanged(data=position):
                self.positions[position["marketId"]] = _net(position)
            case MarketsSnapshot(data=listed):
                for market in listed["items"]:
                    self._changed(market)
            case MarketChanged(data=market):
                self._changed(market)
            case StateChanged(state=State.LIVE):
                self.connections += 1
                self._live = True
                self.tell("connected")
            case StateChanged(state=State.LOST, reason=reason):
                self._live = False
                self.tell("disconnected", reason=reason)

    def _changed(self, market: Market) -> None:
        known = self.markets.get(market["id"])
        if known is None and not self.is_of_event(market):
            return
        if known is not None:
            if known["status"] != market["status"]:
                self.tell("market", market=market["slug"], status=market["status"])
            self.markets[market["id"]] = market
        self.on_market(market)

    def questions(self) -> list[list[Market]]:
        """Return the markets without an event, each by itself, and those of each event."""
        apart = [[market] for market in self.markets.values() if not self.is_of_event(market)]
        return apart + [self._of(event_id) for event_id in self._events]

    def is_of_event(self, market: Market) -> bool:
        """Tell whether a market belongs to one of the events."""
        return market.get("eventId") in self._events

    def markets_of(self, market: Market) -> list[int]:
        """Return the ids of the known markets of a market's event."""
        return [one["id"] for one in self._of(market.get("eventId") or 0)]

    def _of(self, event_id: int) -> list[Market]:
        return [one for one in self.markets.values() if one.get("eventId") == event_id]

    def exhaustive(self, market: Market) -> bool:
        """Tell whether exactly one market of this one's event resolves YES."""
        event = self._events.get(market.get("eventId") or 0)
        return event is not None and event["exhaustive"]

    async def refresh(self, market_id: int) -> list[Market]:
        """Ask for all markets of a market's event as they are now, and follow new ones. A market
        without an event needs none of it. Raises ApiError, Unreachable.
        """
        event = self._events.get(self.markets[market_id].get("eventId") or 0)
        if event is None:
            return [self.markets[market_id]]
        markets = (await self.client.event(event["id"]))["markets"]
        new = [market["id"] for market in markets if market["id"] not in self.markets]
        if new:
            await self.feed.subscribe(*(f"orderbook:{id}" for id in new))
        self.markets |= {market["id"]: market for market in markets}
        return markets

    def ready(self, market_id: int) -> bool:
        """Tell whether a market trades and its book is not stale."""
        return (
            self._live  # as far as messages are counted
            and self.feed.state is State.LIVE
            and self.markets[market_id]["status"] == "OPEN"
            and not self.feed.book(market_id).stale
        )

    def best_levels(self, market_id: int) -> tuple[Level | None, Level | None]:
        """Return the best bid and ask of a market's book, each as price and size."""
        book = self.feed.book(market_id)
        return book.bids.best, book.asks.best

    def best(self, market_id: int) -> tuple[Price | None, Price | None]:
        """Return the best prices of a market's book."""
        bid, ask = self.best_levels(market_id)
        return (bid[0] if bid else None), (ask[0] if ask else None)

    async def refresh_positions(self) -> list[Position]:
        """Ask for all own positions as they are now. Raises ApiError, Unreachable."""
        positions = (await self.client.positions())["items"]
        self.positions = {held["marketId"]: _net(held) for held in positions}
        return positions

    async def place(
        self, market_id: int, side: str, price: Price, qty: Qty, **more: object
    ) -> Order:
        """Place an order with a new client order id. Raises ApiError, Unreachable."""
        order = NewOrder(
            market=market_id,
            side=side,
            qty=format_qty(qty),
            price=format_price(price),
            client_order_id=uuid4().hex,  # not from the seed: it must be new for ever
            **more,  # type: ignore[arg-type]  # NewOrder's own fields
        )
        placed = await self.feed.place(order)
        self._failures = 0
        self.told("placed", placed)
        return placed

    def told(self, event: str, order: Order) -> None:
        """Report an acknowledged order."""
        names = ("id", "side", "price", "qty", "qtyFilled", "status")
        shown = {name: dict(order)[name] for name in names}
        self.tell(event, market=order["marketSlug"], **shown)

    def tell(self, event: str, **more: object) -> None:
        """Report any other event."""
        self._tell({"event": event, **more})

    async def refused(self, error: ApiError, market: str) -> None:
        """Handle a refusal: lengthen the pauses, or raise it if it is final."""
        if error.status in _ENDS:
            raise error
        self.tell("refused", market=market, code=error.code, message=error.message)
        if error.code in _LATER:
            self._failures += 1
            await asyncio.sleep(self._backoff.pause_s(self._failures, error.retry_after_s))

    async def pause(self, mean_s: float) -> None:
        """Wait for a random time, ``mean_s`` seconds on average."""
        await asyncio.sleep(min(self._rng.expovariate(1 / mean_s), 8 * mean_s))


async def together(*work: Coroutine[object, object, None]) -> None:
    """Run several coroutines until one fails; raise its error and cancel the others."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for one in work:
                tasks.create_task(one)
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def withdraw(at: Connection, last: Callable[[], Awaitable[object]] | None = None) -> None:
    """Cancel all orders in its markets before going. What it cannot cancel, because the
    exchange is away, the exchange cancels itself when the connection ends.
    """
    canceled = 0
    with suppress(ClientError, TimeoutError):
        async with asyncio.timeout(_WITHDRAW_S):
            for market_id in at.markets:
                answer = await at.feed.cancel_all(market=market_id)
                canceled += len(answer["canceled"])
            if last is not None:
                await last()
            at.tell("withdrawn", orders=canceled)


def _net(position: Position) -> Qty:
    return parse(position["qtyLong"], QTY_DECIMALS) - parse(position["qtyShort"], QTY_DECIMALS)


@asynccontextmanager
async def connect(
    url: str,
    markets: Collection[MarketRef],
    rng: random.Random,
    *,
    events: Collection[EventRef] = (),
    api_key: str | None = None,
    session: Session | None = None,
    tell: Tell = silent,
) -> AsyncIterator[Connection]:
    """Open a bot's place at the exchange at ``url``. Raises ApiError, Unreachable."""
    async with AsyncClient(url, api_key=api_key, session=session) as client:
        known = await _found(client, markets)
        found = [await client.event(event) for event in events]
        known |= {market["id"]: market for event in found for market in event["markets"]}
        topics = [f"orderbook:{id}" for id in known]
        topics += ["markets", "user:me:orders", "user:me:positions"]
        async with Feed(
            url, api_key=api_key, session=session, topics=topics, cancel_on_disconnect=True
        ) as feed:
            of_events = {event["id"]: event for event in found}
            yield Connection(client, feed, known, of_events, rng, tell)


async def _found(client: AsyncClient, references: Collection[MarketRef]) -> dict[int, Market]:
    """Return markets by id. Raises ApiError, Unreachable."""
    listed: dict[MarketRef, Market] = {}
    if len(references) > 1:  # one call for all, where they are on the first page
        for market in (await client.markets(limit=100))["items"]:
            listed[market["slug"]] = listed[str(market["id"])] = listed[market["id"]] = market
    found = [listed.get(name) or await client.market(name) for name in references]
    return {market["id"]: market for market in found}
