"""An event of the real engine with one maker, random fills, late news, strikes and new markets."""

import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import cast

from predmarket.bots.exposure import NONE
from predmarket.bots.quoting import Action, Amend, Cancel, PlaceQuote, Quoter, Quotes
from predmarket.bots.valuation import Style
from predmarket.client.response_types import OrderState, Position
from predmarket.engine import Exchange
from predmarket.engine.book import Order
from predmarket.engine.commands import (
    AddMarket,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    CreateEvent,
    EventMarket,
    OpenAccount,
    PlaceOrder,
    ResolveEvent,
    ResolveMarket,
)
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.replies import OrderDone, OrderRecord, Reply
from predmarket.enums import EventOutcome, MarketStatus, OrderType, Outcome, Side, TimeInForce
from predmarket.units import (
    MAX_TRANSFER,
    MONEY_ONE,
    PRICE_ONE,
    QTY_DECIMALS,
    QTY_ONE,
    Money,
    Price,
    Qty,
    Rate,
    format,
    format_money,
)
from tests.bots.order_states import order_state

MAKER = 1
TRADERS = (2, 3, 4)


def _state(order: Order | OrderRecord) -> OrderState:
    assert order.market_id is not None
    assert order.price is not None
    return order_state(
        order.id,
        order.market_id,
        order.side,
        order.price,
        order.qty,
        filled=order.filled,
        notional=order.notional,
        fees=order.fees_paid,
        status=order.status.value,
    )


class EventVenue:
    """Executes the orders of an event's quoters, and lets traders trade at random by ``rng``."""

    def __init__(
        self,
        style: Style,
        rng: random.Random,
        markets: int,
        *,
        exhaustive: bool,
        tick: Price = 10,
        rate: Rate = 0,
    ) -> None:
        self.rng = rng
        self.exchange = Exchange()
        self.news: deque[Callable[[], object]] = deque()
        self.surprises = False
        """Whether others trade between a decision and its arrival, too."""
        for user in (MAKER, *TRADERS):
            self.apply(OpenAccount(user, MAX_TRANSFER))
        names = tuple(EventMarket(f"outcome-{number}", "?") for number in range(markets))
        self.apply(
            CreateEvent(
                "race", "?", "", exhaustive, tick, rate, rate, None, MarketStatus.OPEN, 1, names
            )
        )
        prices = [rng.uniform(0.05, 1) for _ in range(markets + 1)]
        starts = {id: price / sum(prices) for id, price in zip(self.live, prices, strict=False)}
        self.quotes = Quotes(tick, rate, style, starts, rng, exhaustive=exhaustive)

    @property
    def event(self) -> MarketEvent:
        """The event."""
        return self.exchange.state.market_events[1]

    @property
    def live(self) -> list[int]:
        """The markets that are not struck."""
        markets = self.exchange.state.markets_of(self.event)
        return [market.id for market in markets if market.status is MarketStatus.OPEN]

    def results(self) -> dict[int, Money]:
        """Return what the maker has really won in each outcome that may still happen."""
        state = self.exchange.state
        account, holding = state.ledger.accounts[MAKER], self.event.holdings.get(MAKER)
        won = account.available + account.locked - MAX_TRANSFER
        base = 0 if holding is None else holding.base
        results = {} if self.event.exhaustive else {NONE: won + base * PRICE_ONE}
        for market_id in self.live:
            position = state.markets[market_id].positions.get(MAKER)
            net = 0 if position is None else position.yes - position.no
            results[market_id] = won + (base + net) * PRICE_ONE
        return results

    def apply(self, command: Command) -> Reply:
        """Execute a command with all of its steps; the maker's news waits in a queue."""
        exchange = self.exchange
        reply, _ = exchange.apply(exchange.state.now + 1, command)
        while (step := exchange.next_step()) is not None:
            exchange.apply(exchange.state.now, step)
        for order in exchange.take_changes().orders.values():
            if order.user_id == MAKER:
                quoter = self.quotes.quoters[order.market_id]
                self.news.append(partial(quoter.heard, _state(order)))
        return reply

    # the maker's actions

    def step(self) -> None:
        """Carry out the next action in some market."""
        known = [market_id for market_id in self.live if market_id in self.quotes.quoters]
        quoter = self.quotes.quoters[self.rng.choice(known)]
        book = self.market(quoter.market_id).book
        bid, ask = book.bids.best(), book.asks.best()
        action = quoter.next(bid.price if bid else None, ask.price if ask else None)
        if self.surprises and self.rng.random() < 0.3:
            self.trade()
        if action is not None:
            self._carry_out(quoter, action)

    def _carry_out(self, quoter: Quoter, action: Action) -> None:
        match action:
            case PlaceQuote(side, price, qty):
                reply = self._place(MAKER, quoter.market_id, side, price, qty, post_only=True)
                if isinstance(reply, OrderDone):
                    if self.surprises and self.rng.random() < 0.2:
                        self.hear()  # before the reply
                    quoter.placed(_state(reply.order))
            case Amend(order, price, qty):
                reply = self.apply(AmendOrder(MAKER, order.id, price, qty))
                if isinstance(reply, OrderDone):
                    quoter.amended(order, _state(reply.order))
            case Cancel(order):
                reply = self.apply(CancelOrder(MAKER, order.id))
                if isinstance(reply, OrderDone):
                    quoter.heard(_state(reply.order))

    def hear(self) -> None:
        """Deliver all queued news to the maker."""
        while self.news:
            self.news.popleft()()

    def begin(self) -> None:
        """Restart the maker, as after a lost connection."""
        self.apply(CancelAll(MAKER))
        self.news.clear()
        self._hear_of_markets()
        for market_id in self.event.market_ids:
            if market_id not in self.live:
                self.quotes.exposure.strike(market_id)
        self.quotes.begin(self._positions())

    def _positions(self) -> list[Position]:
        found = []
        for market_id in self.event.market_ids:
            position = self.exchange.state.markets[market_id].positions.get(MAKER)
            if position is None:
                continue
            average = None
            if position.yes:
                average = round(position.cost_yes * 100 / position.yes)
            elif position.no:
                average = MONEY_ONE - round(position.cost_no * 100 / position.no)
            shown = {
                "marketId": market_id,
                "qtyLong": format(position.yes, QTY_DECIMALS),
                "qtyShort": format(position.no, QTY_DECIMALS),
                "avgPrice": None if average is None else format(average, 6),
                "realizedPnl": format_money(position.realized),
            }
            found.append(cast("Position", shown))
        return found

    # the other traders' actions

    def market(self, market_id: int) -> Market:
        """Return a market of the engine."""
        return self.exchange.state.markets[market_id]

    def trade(self) -> None:
        """Let a random trader buy or sell, at once or at a limit price."""
        rng = self.rng
        price = rng.randint(1, PRICE_ONE // self.event.tick - 1) * self.event.tick
        side, qty = rng.choice((Side.BUY, Side.SELL)), rng.randint(1, 60 * QTY_ONE)
        tif = TimeInForce.GTC if rng.random() < 0.1 else TimeInForce.IOC
        self._place(rng.choice(TRADERS), rng.choice(self.live), side, price, qty, tif=tif)

    def attack(self, outcome: int) -> None:
        """Take all the maker's offers that gain if ``outcome`` wins."""
        for market_id in self.live:
            side, price = (
                (Side.BUY, PRICE_ONE - self.event.tick)
                if market_id == outcome
                else (Side.SELL, self.event.tick)
            )
            self._place(TRADERS[0], market_id, side, price, 1_000 * QTY_ONE)

    def strike(self) -> None:
        """Strike an outcome if enough are left; the maker learns of it later."""
        if self.event.outcomes > 2:
            market_id = self.rng.choice(self.live)
            self.apply(ResolveMarket(market_id, Outcome.NO))
            self.news.append(partial(self.quotes.exposure.strike, market_id))

    def add(self) -> None:
        """Add a market to the event; the maker learns of it later."""
        number = len(self.event.market_ids)
        self.apply(AddMarket(1, f"outcome-{number}", "?"))
        self.news.append(self._hear_of_markets)

    def _hear_of_markets(self) -> None:
        for market_id in self.event.market_ids:
            if market_id not in self.quotes.quoters:
                self.quotes.add(market_id)

    def resolve(self, outcome: int) -> Money:
        """Resolve the event; return the maker's final profit."""
        none = outcome == NONE
        self.apply(
            ResolveEvent(
                1, EventOutcome.NONE if none else EventOutcome.WINNER, None if none else outcome
            )
        )
        account = self.exchange.state.ledger.accounts[MAKER]
        assert account.locked == 0
        return account.available - MAX_TRANSFER

    def _place(
        self,
        user: int,
        market_id: int,
        side: Side,
        price: Price,
        qty: Qty,
        *,
        tif: TimeInForce = TimeInForce.IOC,
        post_only: bool = False,
    ) -> Reply:
        tif = TimeInForce.GTC if post_only else tif
        return self.apply(
            PlaceOrder(user, market_id, side, OrderType.LIMIT, price, qty, tif, post_only=post_only)
        )
