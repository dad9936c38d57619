"""The messages of a feed: one frozen struct for each type, for use with ``match``.

    match message:
        case OrderChanged(data=order): ...
        case StateChanged(state=State.LOST): ...

``data`` is the JSON as a typed dictionary (response_types/), so that an order has the same form
in a REST call, an acknowledgement and the feed. ``data`` omits fields that this version does not
know; ``raw`` holds the whole message.
"""

from enum import StrEnum
from typing import ClassVar, TypeAlias, get_type_hints

import msgspec
from msgspec import UNSET

from predmarket.client import response_types
from predmarket.contracts.realtime import ServerMessage


class State(StrEnum):
    """The state of a feed's connection."""

    CONNECTING = "connecting"
    LIVE = "live"
    """Connected, and every topic confirmed."""
    LOST = "lost"
    """Waiting to connect again."""
    CLOSED = "closed"


class StateChanged(msgspec.Struct, frozen=True):
    """Made by the feed: its new state, with the reason if the connection is lost."""

    state: State
    reason: str = ""


class Gap(msgspec.Struct, frozen=True):
    """Made by the feed: messages of ``topic`` are missing between ``held`` and ``last_seq``. The
    feed has requested them.
    """

    topic: str
    held: int
    last_seq: int | None


class Unknown(msgspec.Struct, frozen=True):
    """A message of an unknown type, or one that belongs to no request."""

    type: str
    raw: bytes


class TopicMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of every topic message. ``ts`` is the exchange's time in milliseconds since 1970.

    ``seq`` is the number of the message's last change; ``last_seq`` is the number before its first.
    It is None for a snapshot, which covers everything up to ``seq``.
    """

    snapshot: ClassVar[bool] = False

    topic: str
    seq: int
    last_seq: int | None
    ts: int
    raw: bytes
    data: object


class BookSnapshot(TopicMessage, frozen=True, kw_only=True):
    """orderbook: the whole book."""

    snapshot = True
    data: response_types.BookLevels


class BookDelta(TopicMessage, frozen=True, kw_only=True):
    """orderbook: levels with their new sizes."""

    data: response_types.BookLevels


class TradesSnapshot(TopicMessage, frozen=True, kw_only=True):
    """trades: the last trades."""

    snapshot = True
    data: response_types.TradesSnapshot


class TradeMade(TopicMessage, frozen=True, kw_only=True):
    """trades: a new trade."""

    data: response_types.Trade


class TickerSnapshot(TopicMessage, frozen=True, kw_only=True):
    """ticker: the present values."""

    snapshot = True
    data: response_types.Ticker


class TickerChanged(TopicMessage, frozen=True, kw_only=True):
    """ticker: the new values."""

    data: response_types.Ticker


class MarketsSnapshot(TopicMessage, frozen=True, kw_only=True):
    """markets: all markets that are not final."""

    snapshot = True
    data: response_types.MarketsSnapshot


class MarketChanged(TopicMessage, frozen=True, kw_only=True):
    """markets: a market was created, opened, halted, closed or resolved."""

    data: response_types.Market


class EventChanged(TopicMessage, frozen=True, kw_only=True):
    """markets: an event was created, changed or resolved."""

    data: response_types.EventSummary


class EventSnapshot(TopicMessage, frozen=True, kw_only=True):
    """event: the tickers of all its markets."""

    snapshot = True
    data: response_types.EventTickers


class EventTickersChanged(TopicMessage, frozen=True, kw_only=True):
    """event: the tickers of the markets that changed."""

    data: response_types.EventTickers


class EventPositionsSnapshot(TopicMessage, frozen=True, kw_only=True):
    """user:…:events: all that one holds in events."""

    snapshot = True
    data: response_types.EventPositionsSnapshot


class EventPositionChanged(TopicMessage, frozen=True, kw_only=True):
    """user:…:events: the user's new holding in an event."""

    data: response_types.EventHolding


class OrdersSnapshot(TopicMessage, frozen=True, kw_only=True):
    """user:…:orders: the open orders."""

    snapshot = True
    data: response_types.OrdersSnapshot


class OrderChanged(TopicMessage, frozen=True, kw_only=True):
    """user:…:orders: an order's new state."""

    data: response_types.OrderState


class FillsSnapshot(TopicMessage, frozen=True, kw_only=True):
    """user:…:fills: the last fills."""

    snapshot = True
    data: response_types.FillsSnapshot


class FillMade(TopicMessage, frozen=True, kw_only=True):
    """user:…:fills: a new fill."""

    data: response_types.Fill


class BalancesSnapshot(TopicMessage, frozen=True, kw_only=True):
    """user:…:balances: the present cash."""

    snapshot = True
    data: response_types.Balance


class BalanceChanged(TopicMessage, frozen=True, kw_only=True):
    """user:…:balances: the new cash."""

    data: response_types.Balance


class PositionsSnapshot(TopicMessage, frozen=True, kw_only=True):
    """user:…:positions: all positions."""

    snapshot = True
    data: response_types.PositionsSnapshot


class PositionChanged(TopicMessage, frozen=True, kw_only=True):
    """user:…:positions: a position's new state."""

    data: response_types.Position


class OrderGroupsSnapshot(TopicMessage, frozen=True, kw_only=True):
    """user:…:orderGroups: all of one's order groups."""

    snapshot = True
    data: response_types.OrderGroupsSnapshot


class OrderGroupChanged(TopicMessage, frozen=True, kw_only=True):
    """user:…:orderGroups: what happened to a group."""

    data: response_types.OrderGroupUpdate


Message: TypeAlias = TopicMessage | StateChanged | Gap | Unknown
"""All messages that a feed yields."""

KINDS: dict[str, type[TopicMessage]] = {
    "orderbook.snapshot": BookSnapshot,
    "orderbook.delta": BookDelta,
    "trades.snapshot": TradesSnapshot,
    "trade": TradeMade,
    "ticker.snapshot": TickerSnapshot,
    "ticker": TickerChanged,
    "markets.snapshot": MarketsSnapshot,
    "market": MarketChanged,
    "event": EventChanged,
    "event.snapshot": EventSnapshot,
    "event.tickers": EventTickersChanged,
    "eventPositions.snapshot": EventPositionsSnapshot,
    "eventPosition": EventPositionChanged,
    "orders.snapshot": OrdersSnapshot,
    "order": OrderChanged,
    "fills.snapshot": FillsSnapshot,
    "fill": FillMade,
    "balances.snapshot": BalancesSnapshot,
    "balance": BalanceChanged,
    "positions.snapshot": PositionsSnapshot,
    "position": PositionChanged,
    "orderGroups.snapshot": OrderGroupsSnapshot,
    "orderGroup": OrderGroupChanged,
}
"""The wire's types of topic messages."""

_DATA = {name: msgspec.json.Decoder(get_type_hints(kind)["data"]) for name, kind in KINDS.items()}


def read(envelope: ServerMessage, raw: bytes) -> TopicMessage | Unknown:
    """Return what ``envelope`` holds. Raises msgspec.ValidationError when it lacks what its type
    has.
    """
    kind = KINDS.get(envelope.type)
    if kind is None:
        return Unknown(envelope.type, raw)
    if envelope.topic is UNSET or envelope.seq is UNSET:
        raise msgspec.ValidationError("a topic's message has a topic and a seq")
    return kind(
        topic=envelope.topic,
        seq=envelope.seq,
        last_seq=None if envelope.last_seq is UNSET or kind.snapshot else envelope.last_seq,
        ts=envelope.ts,
        raw=raw,
        data=_DATA[envelope.type].decode(envelope.data),
    )
