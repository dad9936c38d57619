"""The topics: their names, and the users that may subscribe to them.

Canonical names hold ids: ``orderbook:7`` for ``orderbook:rain``, ``user:3:orders`` for
``user:me:orders``.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from predmarket.contracts.requests import printable
from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import check_scope
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.read_model.records import EventRecord, MarketRecord

MarketFinder: TypeAlias = Callable[[str, Principal | None], MarketRecord]
"""Finds a market that the asker may see. Raises Refusal MARKET_NOT_FOUND."""
EventFinder: TypeAlias = Callable[[str, Principal | None], EventRecord]
"""Finds an event that the asker may see. Raises Refusal EVENT_NOT_FOUND."""

ME = "me"


class TopicKind(StrEnum):
    """The kind of a topic."""

    BOOK = "orderbook"
    TRADES = "trades"
    TICKER = "ticker"
    MARKETS = "markets"
    EVENT = "event"
    ORDERS = "orders"
    FILLS = "fills"
    BALANCES = "balances"
    POSITIONS = "positions"
    EVENTS = "events"
    ORDER_GROUPS = "orderGroups"


OF_MARKET = (TopicKind.BOOK, TopicKind.TRADES, TopicKind.TICKER)
_OF_MARKET = {kind.value: kind for kind in OF_MARKET}
_OF_USER = {
    kind.value: kind
    for kind in (
        TopicKind.ORDERS,
        TopicKind.FILLS,
        TopicKind.BALANCES,
        TopicKind.POSITIONS,
        TopicKind.EVENTS,
        TopicKind.ORDER_GROUPS,
    )
}


class Topic(NamedTuple):
    """One topic; ``id`` is the market's, the event's or the user's, 0 for ``markets``."""

    kind: TopicKind
    id: int

    @property
    def name(self) -> str:
        """Return the canonical name."""
        if self.kind is TopicKind.MARKETS:
            return self.kind.value
        if self.kind.value in _OF_USER:
            return f"user:{self.id}:{self.kind.value}"
        return f"{self.kind.value}:{self.id}"


def read(name: str, who: Principal | None, market: MarketFinder, event: EventFinder) -> Topic:
    """Return the topic of that name, if this user may see it.

    Raises Refusal: NOT_FOUND when there is no such topic, MARKET_NOT_FOUND, EVENT_NOT_FOUND,
    UNAUTHENTICATED or FORBIDDEN for a user's topics.
    """
    if name == TopicKind.MARKETS:
        return Topic(TopicKind.MARKETS, 0)
    first, _, rest = name.partition(":")
    kind = _OF_MARKET.get(first)
    if kind is not None:
        return Topic(kind, market(rest, who).id)
    if first == TopicKind.EVENT:
        return Topic(TopicKind.EVENT, event(rest, who).id)
    whose, _, last = rest.partition(":")
    kind = _OF_USER.get(last) if first == "user" else None
    if kind is None or not (whose == ME or (whose.isascii() and whose.isdigit())):
        raise Refusal(ErrorCode.NOT_FOUND, f"there is no topic {printable(name)!r}")
    if who is None:
        raise Refusal(ErrorCode.UNAUTHENTICATED)
    if whose != ME and whose.lstrip("0") != str(who.user_id):
        raise Refusal(ErrorCode.FORBIDDEN, "the topic is another user's")
    check_scope(who, Scope.READ)
    return Topic(kind, who.user_id)
