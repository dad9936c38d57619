"""The trading state: everything that the screen shows, from the feed's messages and REST answers.

Promises: a message that does not continue from its predecessor is not applied, and makes the state
stale; while the state is not live, ``may_trade`` gives the reason. Parts have a ``version`` that
changes with them, so that drawing compares numbers, not contents.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.client.messages import Gap, State, StateChanged, TopicMessage
from predmarket.enums import MarketStatus, OrderStatus, Side
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.book import Book
from predmarket.tui.state.candles import Candles
from predmarket.tui.state.connection_status import ConnectionStatus, Light
from predmarket.tui.state.events import Events
from predmarket.tui.state.journal import Journal, Weight
from predmarket.tui.state.markets import Market, Markets
from predmarket.tui.state.orders import Orders
from predmarket.tui.state.positions import Positions
from predmarket.tui.state.proposal import news
from predmarket.tui.state.records import (
    Balance,
    OwnFill,
    Print,
    in_words,
    own_fill,
    paid_by_event,
    paid_by_market,
)
from predmarket.units import Micros, Price

TAPE = 500
"""Trades kept of the open market."""
FILLS = 500
"""Own executions kept."""


class Watched(NamedTuple):
    """What is followed beside the open market: an event's prices, books of markets, and trades."""

    event: int | None = None
    books: frozenset[int] = frozenset()
    trades: frozenset[int] = frozenset()


class TradingState:
    """The state. ``selected`` is the id of the open market."""

    def __init__(self) -> None:
        self.markets = Markets()
        self.selected: int | None = None
        self.books: dict[int, Book] = {}
        """The books of the open market and of those that are watched beside it."""
        self.watched = Watched()
        self._no_book = Book()
        self.tape: deque[Print] = deque(maxlen=TAPE)
        self.candles = Candles()
        self.orders = Orders()
        self.positions = Positions()
        self.events = Events()
        self.balance: Balance | None = None
        self.fills: deque[OwnFill] = deque(maxlen=FILLS)
        self.fills_version = 0
        self.journal = Journal()
        self.alerts = 0
        """How many own fills and payouts there were; each new one alerts the trader."""
        self.status = ConnectionStatus()
        self._final_at: dict[int, int] = {}
        """When the last market of an event became final, in the exchange's time."""
        self._told: dict[int, MarketStatus] = {}
        """The last known status of each market of an event."""

    @property
    def market(self) -> Market | None:
        """Return the open market."""
        return self.markets.get(self.selected)

    @property
    def book(self) -> Book:
        """Return the open market's book."""
        return self.book_of(self.selected)

    def book_of(self, market: int | None) -> Book:
        """Return the book of a market; an empty one if it is not followed."""
        return self._no_book if market is None else self.books.get(market, self._no_book)

    def tick(self, market: int | None) -> Price:
        """Return a market's tick; a cent if it is unknown."""
        found = self.markets.get(market)
        return 100 if found is None else found.tick

    def may_trade(self, now: Micros, market: int | None = None) -> str | None:
        """Return why no order may be entered now in a market, the open one by default; None if it
        may."""
        light = self.status.light(now)
        if light is Light.CONNECTING:
            return "not connected yet"
        if light is Light.LOST:
            return f"connection lost{': ' + self.status.reason if self.status.reason else ''}"
        if light is Light.STALE:
            return "data is stale; resynchronising"
        found = self.market if market is None else self.markets.get(market)
        if found is None:
            return "no market is open"
        if not self.has_book(found.id):
            return f"the book of {found.slug} is not here yet"
        return None if found.trading else f"the market is {found.status.lower()}"

    def has_book(self, market: int) -> bool:
        """Tell whether a market's book, if it is followed, has arrived."""
        return market not in self.books or self.status.has(f"orderbook:{market}")

    def open(self, market: int) -> None:
        """Open a market, and forget the data of the former one."""
        before = self.topics()
        self.selected = market
        self.books[market] = Book()
        self._forget(before)
        self.status.awaiting(f"orderbook:{market}")
        self.status.forget(f"trades:{market}")
        self.tape.clear()
        self.candles.clear(self.candles.interval)

    def watch(self, watched: Watched) -> None:
        """Follow what is watched beside the open market."""
        before = self.topics()
        self.watched = watched
        for market in watched.books:
            if market not in self.books:
                self.books[market] = Book()
        self._forget(before)

    def topics(self) -> list[str]:
        """Return the topics of the open market, and of those that are watched beside it."""
        trades = self.traded_markets
        return [
            *(f"event:{event}" for event in (self.watched.event,) if event is not None),
            *(f"orderbook:{each}" for each in sorted(trades | self.watched.books)),
            *(f"trades:{each}" for each in sorted(trades)),
        ]

    @property
    def traded_markets(self) -> frozenset[int]:
        """Return the markets whose trades are followed."""
        selected = () if self.selected is None else (self.selected,)
        return self.watched.trades.union(selected)

    def _forget(self, before: Collection[str]) -> None:
        """Forget topics and books that are not followed any more."""
        now = self.topics()
        for topic in set(before).difference(now):
            self.status.forget(topic)
        for market in [*self.books]:
            if f"orderbook:{market}" not in now:
                del self.books[market]

    # what comes in

    def take(self, message: feed.Message, now: Micros) -> bool:
        """Apply a message; tell whether it was applied."""
        self.status.heard(now)
        match message:
            case StateChanged(state=State.LIVE):
                self.status.up(now)
            case StateChanged(reason=reason):
                self.status.down(reason or self.status.reason)
            case Gap(topic=topic):
                self.status.gap(topic)
            case TopicMessage(snapshot=True):
                self._apply(message, now)
                self.status.snapshot(message.topic, message.seq)
            case TopicMessage():
                if not self.status.follows(message.topic, message.last_seq, message.seq):
                    return False
                self._apply(message, now)
            case _:
                return False
        return True

    def load_fills(self, items: Iterable[response_types.Fill]) -> None:
        """Load own executions, newest first."""
        self.fills.clear()
        self.fills.extend(own_fill(item) for item in items)
        self.fills_version += 1

    def load_balance(self, balance: response_types.Balance) -> None:
        """Load the cash."""
        self.balance = Balance(
            parse.money(balance["available"]),
            parse.money(balance["locked"]),
            parse.money(balance["total"]),
        )

    def _apply(self, message: TopicMessage, now: Micros) -> None:
        match message:
            case feed.BookSnapshot(data=data):
                self._change_book(data, whole=True)
            case feed.BookDelta(data=data):
                self._change_book(data, whole=False)
            case feed.TradesSnapshot(data=data):
                self._take_trades(data)
            case feed.TradeMade(data=data):
                self._take_trade(data)
            case feed.TickerSnapshot(data=data) | feed.TickerChanged(data=data):
                self.markets.quote(data)
            case feed.EventSnapshot(data=data) | feed.EventTickersChanged(data=data):
                for ticker in data["markets"]:
                    self.markets.quote(ticker)
            case feed.MarketsSnapshot(data=data):
                self.markets.take(data["items"])
                self.events.take(data.get("events", ()))
            case feed.MarketChanged(data=data):
                self._take_market(data, now, message.ts)
            case feed.EventChanged(data=data):
                self._take_event(data, now)
            case _:
                self._apply_own(message, now)

    def _apply_own(self, message: TopicMessage, now: Micros) -> None:
        match message:
            case feed.OrdersSnapshot(data=data):
                self.orders.load(data["items"])
            case feed.OrderChanged(data=data):
                self._take_order(data, now)
            case feed.FillsSnapshot(data=data):
                self.load_fills(data["items"])
            case feed.FillMade(data=data):
                self._take_fill(data, now)
            case feed.BalancesSnapshot(data=data) | feed.BalanceChanged(data=data):
                self.load_balance(data)
            case feed.PositionsSnapshot(data=data):
                self.positions.load(data["items"])
            case feed.PositionChanged(data=data):
                self.positions.take(data, message.ts)
            case feed.EventPositionsSnapshot(data=data):
                self.events.load_holdings(data["items"])
            case feed.EventPositionChanged(data=data):
                self.events.take_holding(data, message.ts)

    def _change_book(self, levels: response_types.BookLevels, *, whole: bool) -> None:
        book = self.books.get(levels["marketId"])
        if book is None:
            return
        if whole:
            book.load(levels)
        else:
            book.change(levels)
        self.orders.bound(levels["marketId"], book.bids, book.asks)

    def _take_trades(self, snapshot: response_types.TradesSnapshot) -> None:
        book = self.books.get(snapshot["marketId"])
        if book is None:
            return
        items = snapshot["items"]
        if not any(item["id"] <= book.last_trade for item in items):
            book.forget_trades()  # it does not connect to the shown trades
            if snapshot["marketId"] == self.selected:
                self.tape.clear()
        for trade in reversed(items):
            self._trade(trade)

    def _take_trade(self, trade: response_types.Trade) -> None:
        market = trade["marketId"]
        if market not in self.books:
            return
        self._trade(trade)
        at = parse.time(trade["createdAt"])
        own = {trade["buyOrderId"], trade["sellOrderId"]}
        price, qty, taker = parse.price(trade["price"]), parse.qty(trade["qty"]), trade["takerSide"]
        self.orders.traded(market, price, qty, Side(taker), own=own)
        if market == self.selected:
            self.candles.trade(trade["id"], at, price, qty)

    def _trade(self, trade: response_types.Trade) -> None:
        number, market = trade["id"], trade["marketId"]
        price, qty, at = parse.price(trade["price"]), parse.qty(trade["qty"]), trade["createdAt"]
        if not self.books[market].trade(number, price, qty) or market != self.selected:
            return
        done = Print(number, parse.time(at), price, qty, Side(trade["takerSide"]))
        self.tape.appendleft(done)

    def _take_market(self, market: response_types.Market, now: Micros, ts: int) -> None:
        before = self.markets.get(market["id"])
        self.markets.take([market])
        ended = self.markets.get(market["id"])
        if ended is not None and ended.event is not None:
            if before is not None:
                self._told.setdefault(ended.id, before.status)
            if ended.final:
                self._final_at[ended.event] = ts
                self.positions.settled(ended.id)
            return  # its event follows, and tells
        if before is None or before.status != market["status"]:
            weight = Weight.PLAIN if before is None else Weight.WARNING
            self.journal.add(now, f"{market['slug']} is {market['status'].lower()}", weight)
        self._tell(market["slug"], news(before, ended), now)
        held = self.positions.last_held(market["id"], ts)
        if ended is not None and ended.final and held is not None:
            self.positions.settled(market["id"])
            self.alerts += 1
            self.journal.add(now, paid_by_market(ended, held), Weight.GOOD)

    def _take_event(self, wire: response_types.EventSummary, now: Micros) -> None:
        before = self.events.get(wire["id"])
        self.events.take([wire])
        event, markets = self.events.get(wire["id"]), self.markets.of_event(wire["id"])
        if event is None:
            return
        for market in markets:
            told = self._told.get(market.id)
            self._told[market.id] = market.status
            if told in (None, market.status) or event.final or market.status is event.status:
                continue
            said = f"out of {event.slug}" if market.final else market.status.lower()
            self.journal.add(now, f"{market.label} is {said}", Weight.WARNING)
        if before is not None and before.status is not event.status and not event.final:
            text = f"{event.slug} is {event.status.lower()}"
            self.journal.add(now, text, Weight.WARNING)
        self._tell(event.slug, news(before, event), now)
        held = self.events.last_held(event.id, self._final_at.get(event.id, 0))
        if event.final and held is not None:
            self.events.settled(event.id)
            self.alerts += 1
            self.journal.add(now, paid_by_event(event, held, markets), Weight.GOOD)

    def _tell(self, slug: str, said: str, now: Micros) -> None:
        if said:
            self.journal.add(now, f"{slug}: {said}", Weight.WARNING)

    def _take_order(self, order: response_types.OrderState, now: Micros) -> None:
        self.orders.take(order)
        status = OrderStatus(order["status"])
        ended = _ENDED.get(status)
        if ended is not None:
            reason = f" ({order['reason']})" if order["reason"] else ""
            words = in_words(order, self.tick(order["marketId"]))
            text = f"order {order['id']} {words} {ended}{reason}"
            weight = Weight.BAD if status is OrderStatus.REJECTED else Weight.PLAIN
            self.journal.add(now, text, weight)

    def _take_fill(self, item: response_types.Fill, now: Micros) -> None:
        fill = own_fill(item)
        self.fills.appendleft(fill)
        self.fills_version += 1
        self.alerts += 1
        side = "bought" if fill.side is Side.BUY else "sold"
        price = formatting.price(fill.price, self.tick(fill.market))
        text = f"{side} {formatting.qty(fill.qty)} {fill.slug} at {price}"
        self.journal.add(now, text, Weight.GOOD)


_ENDED = {
    OrderStatus.FILLED: "is filled",
    OrderStatus.CANCELED: "is cancelled",
    OrderStatus.EXPIRED: "ran out",
    OrderStatus.REJECTED: "was refused",
}
