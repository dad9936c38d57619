"""Links from an answer to the operations that take one of its fields.

The answer's contract decides, so every operation that returns an order links to its cancel.
"""

from typing import NamedTuple

from predmarket.contracts.events import Event, EventPage, EventResolution
from predmarket.contracts.identity import NewApiKey, SessionList, User, UserList
from predmarket.contracts.markets import Market, MarketList, OrderBook, Resolution
from predmarket.contracts.orders import Order, OrderPage, QueuedOrder


class Link(NamedTuple):
    """A link: the handler's name, and the answer's field for each of its parameters."""

    to: str
    path: dict[str, str] | None = None
    body: dict[str, str] | None = None
    query: dict[str, str] | None = None


_ID = "$response.body#/id"


def _order(at: str) -> list[Link]:
    return [Link(to, path={"id": at}) for to in ("show_order", "amend_order", "cancel_order")]


def _market(at: str) -> list[Link]:
    readers = ("show_market", "update_market", "resolve_market", "order_book", "list_trades")
    return [
        *[Link(to, path={"market": at}) for to in readers],
        Link("place_order", body={"marketId": at}),
        Link("preview_order", body={"marketId": at}),
        Link("list_candles", path={"market": at}),
        Link("cancel_all", body={"marketId": at}),
        Link("list_orders", query={"market": at}),
    ]


def _event(at: str) -> list[Link]:
    names = ("show_event", "update_event", "add_market", "resolve_event")
    paths = [Link(to, path={"event": at}) for to in names]
    return [*paths, Link("cancel_all", body={"eventId": at})]


LINKS: dict[type, list[Link]] = {
    Order: [*_order(_ID), Link("show_market", path={"market": "$response.body#/marketId"})],
    OrderPage: _order("$response.body#/items/0/id"),
    Market: _market(_ID),
    MarketList: _market("$response.body#/items/0/id"),
    Resolution: [Link("show_market", path={"market": "$response.body#/market/id"})],
    Event: [*_event(_ID), *_market("$response.body#/markets/0/id")],
    EventPage: _event("$response.body#/items/0/id"),
    EventResolution: [Link("show_event", path={"event": "$response.body#/event/id"})],
    OrderBook: [Link("place_order", body={"marketId": "$response.body#/marketId"})],
    QueuedOrder: _order(_ID),
    NewApiKey: [Link("revoke_key", path={"id": _ID})],
    SessionList: [Link("end_session", path={"id": "$response.body#/items/0/id"})],
    UserList: [Link("update_user", path={"id": "$response.body#/items/0/id"})],
    User: [Link("transfer", body={"userId": _ID})],
}
