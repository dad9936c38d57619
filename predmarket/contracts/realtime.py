"""What goes over /realtime: the envelope, what clients send, and each topic's messages.

A topic's changes are numbered from 1. A message carries ``seq``, the number of its last change, and
``lastSeq``, the one before its first; a snapshot's ``seq`` is what it stands for. Source: API.md,
WebSocket.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from predmarket.contracts.accounts import Fill, Position
from predmarket.contracts.events import EventHolding, EventSummary
from predmarket.contracts.markets import Market, Trade
from predmarket.contracts.orders import AmendOrderRequest, Order, OrderState
from predmarket.contracts.requests import Request
from predmarket.contracts.text import OrderRef

MAX_MESSAGE_BYTES = 64 * 1024
"""The longest message that a client may send."""
MAX_TOPICS = 1_000
"""Subscriptions of one connection."""
MAX_REPLAY = 10_000
"""Missed orders, fills or trades that a resumed subscription is sent; beyond it, a snapshot."""
SNAPSHOT_HISTORY = 50
"""How many trades or fills a snapshot shows."""
MAX_SNAPSHOT = 1_000
"""How many markets or open orders a snapshot shows; ``more`` says that there are others."""


class ClientMessage(Request, frozen=True):
    """What a client sends; ``data`` is read by its type."""

    type: str
    data: Raw = Raw()
    request_id: Annotated[str, Meta(max_length=128)] | None = None


class AuthRequest(Request, frozen=True):
    """auth: who is asking, where the handshake did not say. An access token or an API key."""

    token: str
    cancel_on_disconnect: bool = False


class Resume(Request, frozen=True):
    """A topic from where the client left it."""

    topic: str
    last_seq: Annotated[int, Meta(ge=0)]


class SubscribeRequest(Request, frozen=True):
    """subscribe: topics by name, or with the last seq that the client has."""

    topics: Annotated[list[str | Resume], Meta(min_length=1, max_length=MAX_TOPICS)]


class UnsubscribeRequest(Request, frozen=True):
    """unsubscribe."""

    topics: Annotated[list[str], Meta(min_length=1, max_length=MAX_TOPICS)]


class SnapshotRequest(Request, frozen=True):
    """snapshot: the topic as it is now; the subscription is left as it is."""

    topic: str


class CancelOrderMessage(Request, frozen=True):
    """order.cancel."""

    order_id: OrderRef


class AmendOrderMessage(AmendOrderRequest, frozen=True, kw_only=True):
    """order.amend; qty is the order's total."""

    order_id: OrderRef


class ServerMessage(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of everything that the server sends. ``ts`` is in milliseconds since 1970.

    ``data`` is JSON still; its type says what to read it as.
    """

    type: str
    ts: int
    data: Raw
    topic: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET
    request_id: str | UnsetType = UNSET


class Subscribed(msgspec.Struct, frozen=True):
    """subscribed: each topic asked for, and its canonical name."""

    topics: dict[str, str]


class Unsubscribed(msgspec.Struct, frozen=True):
    """unsubscribed: the canonical names."""

    topics: list[str]


class Authenticated(msgspec.Struct, frozen=True, rename="camel"):
    """authenticated: the answer to an auth that carries a requestId."""

    user_id: int


class BookLevels(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """orderbook.snapshot and orderbook.delta: [price, qty] of each level, absolute; a delta's
    "0.00" takes a level away."""

    market_id: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class Ticker(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """ticker and ticker.snapshot: a market's prices and totals."""

    market_id: int
    last_price: str | None
    best_bid: str | None
    best_ask: str | None
    volume: str
    open_interest: str


class TradesSnapshot(msgspec.Struct, frozen=True, rename="camel"):
    """trades.snapshot: the last trades, newest first. ``missed``: what came between is too much."""

    market_id: int
    items: list[Trade]
    missed: bool | UnsetType = UNSET


class MarketsSnapshot(msgspec.Struct, frozen=True):
    """markets.snapshot: markets, and events if any, that are not final, newest first; no drafts."""

    items: list[Market]
    more: bool | UnsetType = UNSET
    events: list[EventSummary] | UnsetType = UNSET


class OrdersSnapshot(msgspec.Struct, frozen=True):
    """orders.snapshot: the open orders, newest first."""

    items: list[OrderState]
    more: bool | UnsetType = UNSET
    missed: bool | UnsetType = UNSET


class FillsSnapshot(msgspec.Struct, frozen=True):
    """fills.snapshot: the last executions, newest first."""

    items: list[Fill]
    missed: bool | UnsetType = UNSET


class EventTickers(msgspec.Struct, frozen=True):
    """event.snapshot and event.tickers: the markets of an event, all of them or those changed."""

    markets: list[Ticker]


class EventPositionsSnapshot(msgspec.Struct, frozen=True):
    """eventPositions.snapshot: every live event the user holds something of."""

    items: list[EventHolding]


class PositionsSnapshot(msgspec.Struct, frozen=True):
    """positions.snapshot: every market the user has had a share of."""

    items: list[Position]


class OrderAck(msgspec.Struct, frozen=True, rename="camel"):
    """order.ack: the order as REST would answer it, or, of order.cancelAll, what was cancelled."""

    order: Order | UnsetType = UNSET
    canceled: list[int] | UnsetType = UNSET
