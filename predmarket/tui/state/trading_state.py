"""The trading state: everything that the screen shows, from the feed's messages and REST answers.

Promises: a message that does not continue from its predecessor is not applied, and makes the state
stale; while the state is not live, ``may_trade`` gives the reason. Parts have a ``version`` that
changes with them, so that drawing compares numbers, not contents.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.client.messages import Gap, State, StateChanged, TopicMessage
from predmarket.enums import Liquidity, MarketStatus, OrderStatus, Side
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.book import Book
from predmarket.tui.state.candles import Candles
from predmarket.tui.state.connection_status import ConnectionStatus, Light
from predmarket.tui.state.journal import Journal, Weight
from predmarket.tui.state.markets import Market, Markets
from predmarket.tui.state.orders import Orders
from predmarket.tui.state.positions import Position, Positions
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty

TAPE = 500
"""Trades kept of the open market."""
FILLS = 500
"""Own executions kept."""


@dataclass(frozen=True, slots=True)
class Print:
    """One trade on the tape."""

    id: int
    at: Micros
    price: Price
    qty: Qty
    taker: Side


@dataclass(frozen=True, slots=True)
class OwnFill:
    """One of the trader's executions."""

    id: int
    order: int
    market: int
    slug: str
    side: Side
    price: Price
    qty: Qty
    fee: Money
    maker: bool
    at: Micros


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash."""

    available: Money
    locked: Money
    total: Money


class TradingState:
    """The state. ``selected`` is the id of the open market."""

    def __init__(self) -> None:
        self.markets = Markets()
        self.selected: int | None = None
        self.book = Book()
        self.tape: deque[Print] = deque(maxlen=TAPE)
        self.tape_version = 0
        self.traded: dict[Price, Qty] = {}
        """Volume at each price among the trades seen."""
        self.candles = Candles()
        self.orders = Orders()
        self.positions = Positions()
        self.balance: Balance | None = None
        self.fills: deque[OwnFill] = deque(maxlen=FILLS)
        self.fills_version = 0
        self.journal = Journal()
        self.alerts = 0
        """How many own fills and payouts there were; each new one alerts the trader."""
        self.status = ConnectionStatus()
        self._last_trade = 0

    @property
    def market(self) -> Market | None:
        """Return the open market."""
        return self.markets.get(self.selected)

    def tick(self, market: int | None) -> Price:
        """Return a market's tick; a cent if it is unknown."""
        found = self.markets.get(market)
        return 100 if found is None else found.tick

    def may_trade(self, now: Micros) -> str | None:
        """Return why no order may be entered now; None if it may."""
        light = self.status.light(now)
        if light is Light.CONNECTING:
            return "not connected yet"
        if light is Light.LOST:
            return f"connection lost{': ' + self.status.reason if self.status.reason else ''}"
        if light is Light.STALE:
            return "data is stale; resynchronising"
        market = self.market
        if market is None:
            return "no market is open"
        return None if market.trading else f"the market is {market.status.lower()}"

    def open(self, market: int) -> None:
        """Open a market, and forget the data of the former one."""
        for topic in self.topics():
            self.status.forget(topic)
        self.selected = market
        self.status.awaiting(f"orderbook:{market}")
        self.book.clear()
        self.tape.clear()
        self.traded.clear()
        self.tape_version += 1
        self.candles.clear(self.candles.interval)
        self._last_trade = 0

    def topics(self) -> list[str]:
        """Return the topics of the open market."""
        if self.selected is None:
            return []
        return [f"orderbook:{self.selected}", f"trades:{self.selected}"]

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

    def load_trades(self, trades: Iterable[response_types.Trade]) -> None:
        """Load trades from a REST answer, newest first."""
        self.tape.clear()
        self.traded.clear()
        self._last_trade = 0
        for trade in reversed(list(trades)):
            self._trade(trade)
        self.tape_version += 1

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
            case feed.MarketsSnapshot(data=data):
                self.markets.take(data["items"])
            case feed.MarketChanged(data=data):
                self._take_market(data, now)
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
                self.positions.take(data)

    def _change_book(self, levels: response_types.BookLevels, *, whole: bool) -> None:
        if levels["marketId"] != self.selected:
            return
        if whole:
            self.book.load(levels)
        else:
            self.book.change(levels)
        self.orders.bound(levels["marketId"], self.book.bids, self.book.asks)

    def _take_trades(self, snapshot: response_types.TradesSnapshot) -> None:
        if snapshot["marketId"] != self.selected:
            return
        items = snapshot["items"]
        if not any(item["id"] <= self._last_trade for item in items):
            self.load_trades(items)  # it does not connect to the shown trades
            return
        for trade in reversed(items):
            self._trade(trade)

    def _take_trade(self, trade: response_types.Trade) -> None:
        market = trade["marketId"]
        if market != self.selected:
            return
        self._trade(trade)
        at = parse.time(trade["createdAt"])
        own = {trade["buyOrderId"], trade["sellOrderId"]}
        price, qty, taker = parse.price(trade["price"]), parse.qty(trade["qty"]), trade["takerSide"]
        self.orders.traded(market, price, qty, Side(taker), own=own)
        self.candles.trade(trade["id"], at, price, qty)

    def _trade(self, trade: response_types.Trade) -> None:
        number = trade["id"]
        if number <= self._last_trade:
            return
        self._last_trade = number
        price, qty, at = parse.price(trade["price"]), parse.qty(trade["qty"]), trade["createdAt"]
        done = Print(number, parse.time(at), price, qty, Side(trade["takerSide"]))
        self.tape.appendleft(done)
        self.traded[price] = self.traded.get(price, 0) + qty
        self.tape_version += 1

    def _take_market(self, market: response_types.Market, now: Micros) -> None:
        before = self.markets.get(market["id"])
        self.markets.take([market])
        if before is None or before.status != market["status"]:
            weight = Weight.PLAIN if before is None else Weight.WARNING
            self.journal.add(now, f"{market['slug']} is {market['status'].lower()}", weight)
        ended = self.markets.get(market["id"])
        held = self.positions.last_held(market["id"])
        if ended is not None and ended.final and held is not None:
            self.positions.settled(market["id"])
            self.alerts += 1
            self.journal.add(now, _paid(ended, held), Weight.GOOD)

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


def in_words(order: response_types.OrderState, tick: Price) -> str:
    """Return an order in a few words: "BUY 10 @ 0.60"."""
    price = order["price"]
    at = "at market" if price is None else f"@ {formatting.price(parse.price(price), tick)}"
    return f"{order['side']} {formatting.qty(parse.qty(order['qty']))} {at}"


def _paid(market: Market, held: Position) -> str:
    """Return what the end of a market paid, in words."""
    if market.status is MarketStatus.VOIDED or market.settlement is None:
        return f"{market.slug} is void: what was paid there comes back"
    paid = held.yes * market.settlement + held.no * (PRICE_ONE - market.settlement)
    return f"{market.slug} resolved {market.outcome}: {formatting.money(paid)} paid to you"


def own_fill(item: response_types.Fill) -> OwnFill:
    """Return an execution as the wire has it."""
    return OwnFill(
        id=item["tradeId"],
        order=item["orderId"],
        market=item["marketId"],
        slug=item["marketSlug"],
        side=Side(item["side"]),
        price=parse.price(item["price"]),
        qty=parse.qty(item["qty"]),
        fee=parse.money(item["fee"]),
        maker=item["liquidity"] == Liquidity.MAKER,
        at=parse.time(item["createdAt"]),
    )
