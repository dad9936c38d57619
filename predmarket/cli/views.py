"""The views of --watch: one for each command that can watch.

A view takes the feed's messages. For each it returns the new rows, in the form that the command
prints without --watch. It also draws its whole content as a grid. No view touches a terminal.

Invariants: a row that a resumed subscription repeats is not new; a view's content is bounded.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol, cast

from predmarket.cli import book_layouts, market_layouts, order_layouts
from predmarket.cli.grid import Grid, Row
from predmarket.client import calls, messages
from predmarket.client.calls import Call
from predmarket.client.feed import Feed
from predmarket.client.messages import Message
from predmarket.client.response_types import Book, OrderState, Trade
from predmarket.enums import LIVE_STATUSES

Ask = Callable[[Call[Any]], Awaitable[Any]]
"""Sends a call and awaits its answer."""

_TRADES = 200
_ORDERS = 1_000
_ENDED = 100
"""Orders asked for, one by one, that ended while the connection was lost; of more, the newest."""
_LISTED_ONLY = ("queueAhead", "orderGroupId", "fills")
"""What the feed does not tell of an order, or of few."""


class View(Protocol):
    """The content of a watched command."""

    fields: Sequence[str]
    """The CSV columns of its rows."""
    topics: Sequence[str]
    """A view without topics hears None from time to time, and asks what there is."""

    @property
    def title(self) -> str:
        """Return what is watched, for the head line."""

    async def hear(self, message: Message | None, feed: Feed, ask: Ask) -> Sequence[Row]:
        """Apply ``message`` and return the new rows. Raises ClientError."""

    def csv(self, row: Row) -> Sequence[Row]:
        """Return ``row`` as rows of CSV."""

    def grid(self, height: int) -> Grid:
        """Return the content as at most ``height`` lines, including the heading."""


class BookView:
    """A market's book, whole at each change."""

    fields: Sequence[str] = ("seq", *book_layouts.LEVEL_FIELDS)

    def __init__(self, market: str, depth: int | None) -> None:
        self.title = market
        self.topics: Sequence[str] = (f"orderbook:{market}",)
        self._market = market
        self._depth = depth
        self._book: Book = {"marketId": 0, "bids": [], "asks": [], "seq": -1}

    async def hear(self, message: Message | None, feed: Feed, ask: Ask) -> Sequence[Row]:
        del ask
        if not isinstance(message, messages.BookSnapshot | messages.BookDelta):
            return []
        book = feed.book(self._market)
        if book.stale or book.seq == self._book["seq"]:
            return []  # the book is ahead of the waiting messages
        self._book = book.wire(self._depth)
        return [self._book]

    def csv(self, row: Row) -> Sequence[Row]:
        levels = book_layouts.levels(cast("Book", row)) or [{}]  # an empty book is news, too
        return [{"seq": row["seq"], **level} for level in levels]

    def grid(self, height: int) -> Grid:
        levels = max(1, (height - 1) // 2)  # the best prices stay visible
        book = self._book
        return book_layouts.ladder(
            {**book, "bids": book["bids"][:levels], "asks": book["asks"][:levels]}
        )


class TradesView:
    """A market's trades: lines in the order of the trades, drawn with the newest first."""

    fields: Sequence[str] = market_layouts.TRADE.fields

    def __init__(self, market: str, limit: int | None) -> None:
        self.title = market
        self.topics: Sequence[str] = (f"trades:{market}",)
        self._limit = limit
        self._newest = 0
        self._held: deque[Trade] = deque(maxlen=_TRADES)

    async def hear(self, message: Message | None, feed: Feed, ask: Ask) -> Sequence[Row]:
        del feed, ask
        if isinstance(message, messages.TradesSnapshot):
            told = [*reversed(message.data["items"])]
            if not self._held and self._limit is not None:
                told = told[-self._limit :]
        elif isinstance(message, messages.TradeMade):
            told = [message.data]
        else:
            return []
        new = [trade for trade in told if trade["id"] > self._newest]
        for trade in new:
            self._newest = trade["id"]
            self._held.appendleft(trade)
        return new

    def csv(self, row: Row) -> Sequence[Row]:
        return [row]

    def grid(self, height: int) -> Grid:
        return market_layouts.TRADE.grid([*self._held][: height - 1])


class TickerView:
    """A market's prices and status, which come from two topics."""

    fields: Sequence[str] = market_layouts.TICKER.fields

    def __init__(self, market: str) -> None:
        self.title = market
        self.topics: Sequence[str] = (f"ticker:{market}", "markets")
        self._market = market
        self._shown: Row = {}

    async def hear(self, message: Message | None, feed: Feed, ask: Ask) -> Sequence[Row]:
        del feed
        told: Row = {}
        if isinstance(message, messages.MarketsSnapshot):
            told = await ask(calls.market(self._market))  # the snapshot has no final markets
        elif not self._shown:
            return []
        elif isinstance(message, messages.TickerSnapshot | messages.TickerChanged):
            told = message.data
        elif isinstance(message, messages.MarketChanged):
            changed = message.data["id"] == self._shown["id"]
            told = {"status": message.data["status"]} if changed else {}
        before = self._shown
        self._shown = {name: told.get(name, before.get(name)) for name in self.fields}
        return [] if self._shown == before else [self._shown]

    def csv(self, row: Row) -> Sequence[Row]:
        return [row]

    def grid(self, height: int) -> Grid:
        del height
        return market_layouts.TICKER.grid([self._shown] if self._shown else [])


class OrdersView:
    """One's own orders that a list would show, as they change. ends: the change that takes one out
    of the list is told as well.
    """

    title = "orders"
    fields: Sequence[str] = tuple(
        name for name in order_layouts.ORDER.fields if name not in _LISTED_ONLY
    )
    topics: Sequence[str] = ("user:me:orders",)

    def __init__(
        self,
        *,
        market: str | None,
        statuses: Collection[str],
        client_id: str | None,
        limit: int | None,
        ends: bool,
    ) -> None:
        self._market, self._statuses, self._client_id = market, statuses, client_id
        self._ends = ends
        self._listing = calls.orders(
            market=market,
            status=sorted(statuses) or None,
            client_order_id=client_id,
            limit=limit,
        )
        self._held: dict[int, OrderState] = {}

    async def hear(self, message: Message | None, feed: Feed, ask: Ask) -> Sequence[Row]:
        del feed
        if isinstance(message, messages.OrdersSnapshot):
            # it has only live orders, none that ended meanwhile
            listed = [*reversed((await ask(self._listing))["items"])]
            live = {order["id"] for order in [*listed, *message.data["items"]]}
            gone = [id for id, order in self._held.items() if _is_live(order) and id not in live]
            ended = [await ask(calls.order(id)) for id in gone[-_ENDED:]]
            told = [*ended, *listed]
        elif isinstance(message, messages.OrderChanged):
            told = [message.data]
        else:
            return []
        orders = [
            cast("OrderState", {name: order.get(name) for name in self.fields}) for order in told
        ]
        return [order for order in orders if self._take(order)]

    def _take(self, order: OrderState) -> bool:
        """Store ``order`` if the list would have it; tell whether it is new."""
        known = self._held.get(order["id"])
        if known is not None and order["updatedAt"] < known["updatedAt"]:
            return False  # the listing was newer
        if not self._fits(order):
            self._held.pop(order["id"], None)
            return known is not None and self._ends
        self._held[order["id"]] = order
        if len(self._held) > _ORDERS:
            del self._held[min(self._held)]
        return order != known

    def _fits(self, order: OrderState) -> bool:
        return (
            self._market in (None, str(order["marketId"]), order["marketSlug"])
            and (not self._statuses or order["status"] in self._statuses)
            and self._client_id in (None, order["clientOrderId"])
        )

    def csv(self, row: Row) -> Sequence[Row]:
        return [row]

    def grid(self, height: int) -> Grid:
        newest = sorted(self._held, reverse=True)[: height - 1]
        return order_layouts.ORDER.grid([self._held[number] for number in newest])


def _is_live(order: OrderState) -> bool:
    return order["status"] in LIVE_STATUSES
