"""Sends committed batches to the subscriptions of this gateway's Kalshi-shaped sockets.

Invariants:
- a book's deltas continue from the last message of its subscription: both come from a copy of the
  book that follows the sent batches, while the view may be ahead of them;
- a message is rendered once for all subscribers; its frame has each one's sid and number;
- an error here stays here: the gateway's other subscribers get the batch all the same.
"""

import logging
from collections.abc import Hashable, Iterable
from typing import Protocol, TypeVar

from predmarket.enums import MarketStatus
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.send_buffer import SendBuffer
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.kalshi import socket_messages as messages
from predmarket.server.gateway.kalshi.answers import encode
from predmarket.server.gateway.kalshi.catalog import Catalog, published
from predmarket.server.gateway.kalshi.order_presenters import Split
from predmarket.server.gateway.kalshi.tallies import MarketTally, Tallies
from predmarket.server.gateway.kalshi.words import Json, complement, ticker
from predmarket.server.gateway.limits.reads import Reader
from predmarket.server.gateway.sight import sees, sees_event, sees_id
from predmarket.server.read_model.changes import BookChange, Changes
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import Micros, Price, Qty

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)

BOOK = "orderbook_delta"
LIFECYCLE = "market_lifecycle_v2"
PUBLIC = ("ticker", "trade", LIFECYCLE)
TALLIED = ("user_orders", "market_positions")
"""Channels whose messages show what a user's fills add up to."""
PRIVATE = ("fill", "user_orders", "market_positions", "order_group_updates")
CHANNELS = (BOOK, *PUBLIC, *PRIVATE)
UNFILTERED = (LIFECYCLE, "order_group_updates")
"""Channels that cover all markets, even if a command names some."""


class Peer(Protocol):
    """The client of a subscription."""

    out: SendBuffer
    principal: Principal | None
    reader: Reader


class Subscription:
    """A client's subscription to a channel; ``markets`` is None for all of them."""

    __slots__ = ("channel", "markets", "peer", "place", "seq", "sid")

    def __init__(self, channel: str, sid: int, peer: Peer, markets: set[int] | None) -> None:
        self.channel = channel
        self.sid = sid
        self.peer = peer
        self.markets = markets
        self.seq = 0
        self.place: tuple[str, int] | None = None

    def tells(self, market_id: int | None) -> bool:
        """Tell whether the subscription is about a market."""
        return self.markets is None or market_id in self.markets

    def send(self, type: str, body: bytes) -> None:
        """Send a message, with the subscription's next number."""
        self.seq += 1
        head = b'{"type":"%b","sid":%d,"seq":%d,"msg":' % (type.encode(), self.sid, self.seq)
        self.peer.out.send(frames.frame(b"%b%b}" % (head, body)))


class _Book:
    """A book as it was sent last."""

    __slots__ = ("asks", "bids", "seq")

    def __init__(self, bids: dict[Price, Qty], asks: dict[Price, Qty], seq: int) -> None:
        self.bids = bids
        self.asks = asks
        self.seq = seq

    def apply(self, change: BookChange) -> list[tuple[str, Price, Qty]]:
        """Take over a change; return each level's side, price and difference."""
        found: list[tuple[str, Price, Qty]] = []
        for side, levels, changed in (
            ("yes", self.bids, change.bids),
            ("no", self.asks, change.asks),
        ):
            for price, qty in changed:
                by = qty - levels.get(price, 0)
                if qty:
                    levels[price] = qty
                else:
                    levels.pop(price, None)
                if by:
                    found.append((side, price if side == "yes" else complement(price), by))
        self.seq = change.seq
        return found


class SocketFeed:
    """The subscriptions of one gateway, by what they are about."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._view = context.services.view
        self._books: dict[int, _Book] = {}
        self._of_market: dict[int, set[Subscription]] = {}
        self._of_channel: dict[str, set[Subscription]] = {}
        self._of_user: dict[tuple[str, int], set[Subscription]] = {}
        self.tallies = Tallies(context.services.db)
        self._known: dict[int, MarketRecord] = {}
        self._known_events: set[int] = set()

    def __len__(self) -> int:
        return len(self._of_market) + len(self._of_channel) + len(self._of_user)

    # the sockets' side

    def attach(self, one: Subscription) -> None:
        """Send a subscription every change from now on; ``send_book`` does so for books.

        One of a tallied channel has acquired the user's tally before.
        """
        if one.channel == LIFECYCLE and one.channel not in self._of_channel:
            self._known = {record.id: record for record in self._view}
            self._known_events = set(self._view.events)
        if one.channel in PRIVATE:
            assert one.peer.principal is not None  # the channel was given to a user
            one.place = one.channel, one.peer.principal.user_id
            self._of_user.setdefault(one.place, set()).add(one)
        else:
            self._of_channel.setdefault(one.channel, set()).add(one)

    def detach(self, one: Subscription) -> None:
        """End a subscription."""
        if one.channel == BOOK:
            self.drop_markets(one, one.markets or ())
            return
        if one.place is not None:
            _discard(self._of_user, one.place, one)
            if one.channel in TALLIED:
                self.tallies.release(one.place[1])
        else:
            _discard(self._of_channel, one.channel, one)

    def drop_markets(self, one: Subscription, markets: Iterable[int]) -> None:
        """Stop sending some books to a subscription."""
        for market_id in markets:
            _discard(self._of_market, market_id, one)
            if market_id not in self._of_market:
                self._books.pop(market_id, None)

    def send_book(self, one: Subscription, market_id: int) -> None:
        """Send a book as it was sent last; its changes follow if the subscription has the market.

        The levels count against the reader's limit.
        """
        if one.markets is not None and market_id in one.markets:
            self._of_market.setdefault(market_id, set()).add(one)
        known = market_id in self._of_market
        book = self._books.get(market_id)
        if book is None:
            view = self._view.book(market_id)
            book = _Book(dict(view.bids), dict(view.asks), view.seq)
            if known:
                self._books[market_id] = book
        body = messages.snapshot(self._name(market_id), market_id, book.bids, book.asks)
        one.send("orderbook_snapshot", encode(body))
        one.peer.reader.charge(len(book.bids) + len(book.asks))

    def send_quotes(self, one: Subscription, market_id: int, now: Micros) -> None:
        """Send a market's prices as they are now."""
        record = self._view.find(market_id)
        if record is not None:
            body = messages.quotes(record, self._view.book(market_id), None, now)
            one.send("ticker", encode(body))

    # the hub's side (broadcast.hub.Observer)

    def committed(self, changes: Changes) -> None:
        """Send the changes of a batch."""
        if self._of_market:
            for book in changes.books:
                self._tell_book(book, changes.at)
        if self._of_channel:
            self._tell_public(changes)
        if self._of_user or self.tallies:
            self.tallies.count(changes)
            self._tell_private(changes)
            self.tallies.forget_ended(changes)

    def interrupted(self) -> None:
        """Close every client that has a subscription, because batches were missed for good."""
        subscriptions = {one for known in self._of_market.values() for one in known}
        subscriptions.update(one for known in self._of_channel.values() for one in known)
        subscriptions.update(one for known in self._of_user.values() for one in known)
        for out in {one.peer.out for one in subscriptions}:
            out.missed()

    def _tell_book(self, change: BookChange, at: Micros) -> None:
        book = self._books.get(change.market_id)
        if book is None or change.seq <= book.seq:
            return
        if change.last_seq > book.seq:
            log.error("a book was told with a gap", extra={"marketId": change.market_id})
            self.interrupted()
            return
        self._drop_unseen(change.market_id)
        told = self._of_market.get(change.market_id)
        if told is None:
            return
        name = self._name(change.market_id)
        for side, price, by in book.apply(change):
            body = encode(messages.delta(name, change.market_id, price, by, side, at))
            for one in told:
                one.send(BOOK, body)

    def _drop_unseen(self, market_id: int) -> None:
        """End a book for those who do not see its market any more."""
        record = self._view.find(market_id)
        if record is None or record.group_id is None:
            return
        for one in [*self._of_market[market_id]]:
            if not sees(one.peer.principal, record):
                self.drop_markets(one, (market_id,))
                assert one.markets is not None  # a subscription to books names its markets
                one.markets = one.markets - {market_id}

    def _tell_public(self, changes: Changes) -> None:
        if told := self._of_channel.get("trade"):
            for trade in changes.trades:
                record = trade.trade
                self._tell(told, "trade", record.market_id, messages.trade(
                    record, self._name(record.market_id)))  # fmt: skip
        if told := self._of_channel.get("ticker"):
            sizes = {one.trade.market_id: one.trade.qty for one in changes.trades}
            for market in changes.markets:
                if market.record.status is not MarketStatus.DRAFT:
                    book = self._view.book(market.record.id)
                    size = sizes.get(market.record.id)
                    body = messages.quotes(market.record, book, size, changes.at)
                    self._tell(told, "ticker", market.record.id, body)
        if told := self._of_channel.get(LIFECYCLE):
            self._tell_lifecycle(told, changes)

    def _tell_lifecycle(self, told: set[Subscription], changes: Changes) -> None:
        catalog = Catalog(self._context, None, published)
        for event in changes.events:
            if event.announced is not None and event.record.id not in self._known_events:
                self._known_events.add(event.record.id)
                shown = catalog.shown(event.record)
                if shown is not None:
                    seen = [
                        one
                        for one in told
                        if sees_event(one.peer.principal, event.record, self._view)
                    ]
                    self._tell(seen, "event_lifecycle", None, messages.event_created(shown))
        for market in changes.markets:
            record = market.record
            if record.status is MarketStatus.DRAFT:
                continue
            before = self._known.get(record.id)
            if before is not None and before.group_id != record.group_id:
                before = None  # it is new to others
            self._known[record.id] = record
            shown = catalog.event_of(record)
            for body in messages.lifecycle(record, before, shown, changes.at):
                self._tell(told, LIFECYCLE, record.id, body)

    def _tell_private(self, changes: Changes) -> None:
        for order in changes.orders:
            if told := self._of_user.get(("user_orders", order.order.user_id)):
                split = self.tallies.get(order.order.user_id).orders.get(order.order.id)
                body = messages.user_order(order.order, split or Split(), self._view)
                self._tell(told, "user_order", order.order.market_id, body)
        for change in changes.order_groups:
            if told := self._of_user.get(("order_group_updates", change.group.user_id)):
                self._tell(told, "order_group_updates", None, messages.order_group(change))
        self._tell_fills(changes)
        for position in changes.positions:
            if told := self._of_user.get(("market_positions", position.user_id)):
                record = position.position
                known = self.tallies.get(position.user_id).markets.get(record.market_id)
                body = messages.position(
                    record, known or MarketTally(), position.user_id, self._view
                )
                self._tell(told, "market_position", record.market_id, body)

    def _tell_fills(self, changes: Changes) -> None:
        """Send fills, each with the position after it, counted back from the batch's end."""
        ids = {one.order.id: one.order.client_order_id for one in changes.orders}
        after: dict[tuple[int, int], Qty] = {
            (one.user_id, one.position.market_id): one.position.yes - one.position.no
            for one in changes.positions
        }
        bodies: list[tuple[set[Subscription], int, Json]] = []
        for change in reversed(changes.fills):
            mine = self._of_user.get(("fill", change.user_id))
            if not mine:
                continue
            fill, place = change.fill, (change.user_id, change.fill.market_id)
            net = after.get(place)
            if net is not None:
                after[place] = net - fill.qty if fill.side == "BUY" else net + fill.qty
            body = messages.fill(fill, ids.get(fill.order_id), net, self._view)
            bodies.append((mine, fill.market_id, body))
        for mine, market_id, body in reversed(bodies):
            self._tell(mine, "fill", market_id, body)

    def _tell(
        self, told: Iterable[Subscription], type: str, market_id: int | None, body: Json
    ) -> None:
        encoded = b""
        for one in told:
            if market_id is None or (one.tells(market_id) and self._may_hear(one, market_id)):
                encoded = encoded or encode(body)
                one.send(type, encoded)

    def _may_hear(self, one: Subscription, market_id: int) -> bool:
        """Tell whether a client sees a market; a user hears of the own orders in any."""
        return one.place is not None or sees_id(one.peer.principal, market_id, self._view)

    def _name(self, market_id: int) -> str:
        record = self._view.find(market_id)
        assert record is not None  # what is told of is in the view
        return ticker(record.slug)


def _discard(held: dict[K, set[Subscription]], place: K, one: Subscription) -> None:
    """Remove a subscription from its set, and remove the set if it is empty."""
    known = held.get(place)
    if known is not None:
        known.discard(one)
        if not known:
            del held[place]
