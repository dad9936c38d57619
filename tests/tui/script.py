"""A scripted feed and a client with set answers, without an exchange."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar, cast

from predmarket.client import ApiError, response_types
from predmarket.client import messages as feed
from predmarket.client.calls import Call
from predmarket.client.messages import Message, State, StateChanged

T = TypeVar("T")

NOW = 1_900_000_000_000_000
"""The time that scripted screens live at, in microseconds."""
USER: response_types.User = {
    "id": 7,
    "email": "ann@example.com",
    "role": "USER",
    "fullName": None,
    "createdAt": "2030-01-01T00:00:00.000000Z",
    "displayName": "player-2",
}
LIVE = StateChanged(State.LIVE)
LOST = StateChanged(State.LOST, "the connection was cut")


def market(id: int = 1, slug: str = "rain", **fields: object) -> response_types.Market:
    """Return an open market without a trade."""
    plain: dict[str, Any] = {
        "id": id, "slug": slug, "question": f"Will there be {slug}?", "description": "",
        "status": "OPEN", "outcome": None, "settlementPrice": None, "tickSize": "0.0100",
        "makerFeeRate": "0.0000", "takerFeeRate": "0.0000", "closesAt": None,
        "createdAt": "2030-01-01T00:00:00.000000Z", "creator": {"id": 1, "fullName": None},
        "lastPrice": None, "bestBid": None, "bestAsk": None, "volume": "0.00",
        "openInterest": "0.00",
    }  # fmt: skip
    return cast("response_types.Market", plain | fields)


def event(id: int = 1, slug: str = "mayor", **fields: object) -> response_types.EventSummary:
    """Return an open event of which at most one market resolves YES."""
    plain: dict[str, Any] = {
        "id": id, "slug": slug, "title": f"Who becomes {slug}?", "description": "",
        "exhaustive": False, "status": "OPEN", "outcome": None, "openInterest": "0.00",
        "closesAt": None, "createdAt": "2030-01-01T00:00:00.000000Z",
        "creator": {"id": 1, "fullName": None}, "marketCount": 0, "series": slug,
    }  # fmt: skip
    return cast("response_types.EventSummary", plain | fields)


def holding(
    payoffs: dict[int, str], *, returned: str = "0.000000", none: str | None = None, event: int = 1
) -> response_types.EventHolding:
    """Return the payoff of each outcome of an event."""
    return {
        "eventId": event, "eventSlug": "mayor", "returned": returned, "none": none,
        "payoffs": [{"marketId": id, "marketSlug": f"mayor-{id}", "payoff": payoff}
                    for id, payoff in payoffs.items()],
    }  # fmt: skip


def order(id: int, side: str, price: str, qty: str, **fields: object) -> response_types.OrderState:
    """Return an open order of market 1."""
    plain: dict[str, Any] = {
        "id": id, "clientOrderId": None, "marketId": 1, "marketSlug": "rain", "userId": 7,
        "side": side, "type": "LIMIT", "price": price, "qty": qty, "qtyFilled": "0.00",
        "qtyRemaining": qty, "avgFillPrice": None, "feesPaid": "0.000000", "status": "OPEN",
        "reason": None, "timeInForce": "GTC", "expiresAt": None,
        "createdAt": "2030-01-01T00:00:00.000000Z", "updatedAt": "2030-01-01T00:00:00.000000Z",
    }  # fmt: skip
    return cast("response_types.OrderState", plain | fields)


def position(yes: str, no: str, **fields: object) -> response_types.Position:
    """Return a position in market 1."""
    plain: dict[str, Any] = {
        "marketId": 1, "marketSlug": "rain", "qtyLong": yes, "qtyShort": no, "avgPrice": None,
        "realizedPnl": "0.000000", "unrealizedPnl": "0.000000", "markPrice": None,
    }  # fmt: skip
    return cast("response_types.Position", plain | fields)


def trade(
    id: int, price: str, qty: str, taker: str = "BUY", **fields: object
) -> response_types.Trade:
    """Return a trade of market 1."""
    plain: dict[str, Any] = {
        "id": id, "buyOrderId": 1_000 + id, "sellOrderId": 2_000 + id, "marketId": 1,
        "price": price, "qty": qty, "takerSide": taker, "createdAt": "2030-03-17T17:46:40.000000Z",
    }  # fmt: skip
    return cast("response_types.Trade", plain | fields)


def candle(price: str, start: str = "2030-03-17T17:00:00.000000Z") -> response_types.Candle:
    """Return a candle in which all trades were at one price."""
    prices: Any = dict.fromkeys(("open", "high", "low", "close"), price)
    return cast("response_types.Candle", prices | {"start": start, "volume": "1.00", "trades": 1})


def levels(
    bids: dict[str, str], asks: dict[str, str], market: int = 1
) -> response_types.BookLevels:
    """Return the levels of a market."""
    return {
        "marketId": market,
        "bids": [[price, qty] for price, qty in bids.items()],
        "asks": [[price, qty] for price, qty in asks.items()],
    }


def snapshot(kind: type[feed.TopicMessage], topic: str, data: object, seq: int = 1) -> Message:
    """Return a snapshot."""
    return kind(topic=topic, seq=seq, last_seq=None, ts=0, raw=b"", data=data)


def change(kind: type[feed.TopicMessage], topic: str, data: object, seq: int) -> Message:
    """Return a change right after the one numbered ``seq - 1``."""
    return kind(topic=topic, seq=seq, last_seq=seq - 1, ts=0, raw=b"", data=data)


def book(bids: dict[str, str], asks: dict[str, str], seq: int = 1, *, market: int = 1) -> Message:
    """Return a whole book."""
    return snapshot(feed.BookSnapshot, f"orderbook:{market}", levels(bids, asks, market), seq)


def delta(bids: dict[str, str], asks: dict[str, str], seq: int, *, market: int = 1) -> Message:
    """Return a change of the book."""
    return change(feed.BookDelta, f"orderbook:{market}", levels(bids, asks, market), seq)


class ScriptedFeed:
    """Yields the messages given to ``play``. ``topics`` are the present subscriptions."""

    def __init__(self, topics: Sequence[str] = ()) -> None:
        self.topics = [*topics]
        self._queue: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> "ScriptedFeed":
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Do nothing: the feed has no connection."""

    @property
    def age_s(self) -> float | None:
        return None

    def resynchronise(self, reason: str) -> None:
        """Do nothing: the feed misses no message."""

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    def empty(self) -> bool:
        """Tell whether the reader has taken all messages."""
        return self._queue.empty()

    def play(self, *messages: Message) -> None:
        """Pass these messages to the reader."""
        for message in messages:
            self._queue.put_nowait(message)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            yield await self._queue.get()

    async def subscribe(self, *topics: str) -> None:
        self.topics += topics

    async def unsubscribe(self, *topics: str) -> None:
        self.topics = [topic for topic in self.topics if topic not in topics]


class ScriptedClient:
    """Answers by method and path, or by a function of the call; ``calls`` has the requests."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = {"GET /v1/events": {"items": [], "total": 0}, **answers}
        self.calls: list[Call[Any]] = []

    async def send(self, call: Call[T]) -> T:
        """Return the answer, or raise it if it is an ApiError."""
        self.calls.append(call)
        answer = self.answers.get(f"{call.method} {call.path}")
        if answer is None:
            raise ApiError(404, "NOT_FOUND", f"no answer for {call.method} {call.path}")
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(call)
        return cast("T", answer)

    async def login(self, email: str, password: str) -> response_types.User:
        return USER

    async def register(
        self,
        email: str,
        password: str,
        full_name: str | None = None,
        *,
        invite_code: str | None = None,
    ) -> response_types.User:
        return USER

    async def claim(self, code: str, password: str) -> response_types.User:
        return USER

    async def logout(self) -> None:
        """Do nothing: there is no session."""

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
