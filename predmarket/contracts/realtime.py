"""The messages of /realtime: the envelope, the clients' messages, and each topic's messages.

A topic's changes are numbered from 1. A message carries ``seq``, the number of its last change, and
``lastSeq``, the number before its first. A snapshot's ``seq`` is the number of the last change in
it. docs/realtime.md explains the protocol.
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
"""The most subscriptions of one connection."""
MAX_REPLAY = 10_000
"""The most missed orders, fills or trades that a resumed topic sends. Beyond it: a snapshot."""
SNAPSHOT_HISTORY = 50
"""The number of trades or fills in a snapshot."""
MAX_SNAPSHOT = 1_000
"""The most markets or open orders in a snapshot; ``more`` tells that there are others."""


class ClientMessage(Request, frozen=True):
    """A client's message; ``type`` decides how ``data`` is decoded."""

    type: str
    data: Raw = Raw()
    request_id: Annotated[str, Meta(max_length=128)] | None = None


class AuthRequest(Request, frozen=True):
    """auth: an access token or an API key, if the handshake had none."""

    token: str
    cancel_on_disconnect: bool = False


class Resume(Request, frozen=True):
    """A topic, and the last ``seq`` that the client has of it."""

    topic: str
    last_seq: Annotated[int, Meta(ge=0)]


class SubscribeRequest(Request, frozen=True):
    """subscribe: topics by name, each with the last ``seq`` if the client resumes it."""

    topics: Annotated[list[str | Resume], Meta(min_length=1, max_length=MAX_TOPICS)]


class UnsubscribeRequest(Request, frozen=True):
    """unsubscribe."""

    topics: Annotated[list[str], Meta(min_length=1, max_length=MAX_TOPICS)]


class SnapshotRequest(Request, frozen=True):
    """snapshot: asks for the topic's present state. The subscription does not change."""

    topic: str


class CancelOrderMessage(Request, frozen=True):
    """order.cancel."""

    order_id: OrderRef


class AmendOrderMessage(AmendOrderRequest, frozen=True, kw_only=True):
    """order.amend; qty is the order's total."""

    order_id: OrderRef


class ServerMessage(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of all messages from the server. ``ts`` is in milliseconds since 1970.

    ``data`` is JSON that is not decoded yet; ``type`` decides how.
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
    """trades.snapshot: the last trades, newest first. ``missed``: too many to send were missed."""

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
    """event.snapshot and event.tickers: all markets of an event, or those that changed."""

    markets: list[Ticker]


class EventPositionsSnapshot(msgspec.Struct, frozen=True):
    """eventPositions.snapshot: every live event in which the user holds shares."""

    items: list[EventHolding]


class PositionsSnapshot(msgspec.Struct, frozen=True):
    """positions.snapshot: every market in which the user has held shares."""

    items: list[Position]


class OrderAck(msgspec.Struct, frozen=True, rename="camel"):
    """order.ack: the order as REST answers it, or the orders that order.cancelAll cancelled."""

    order: Order | UnsetType = UNSET
    canceled: list[int] | UnsetType = UNSET
