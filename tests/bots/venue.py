"""A market with one maker for headless tests: fills at any moment, with late news."""

import random
from collections import deque
from dataclasses import dataclass

from predmarket.bots.quoting import Action, Amend, Cancel, PlaceQuote, Quotes
from predmarket.client.response_types import OrderState
from predmarket.enums import Side
from predmarket.units import PRICE_ONE, Money, Price, Qty, Rate
from tests.bots.order_states import order_state

MARKET = 1


@dataclass
class Resting:
    """A resting order of the venue; ``exact_fee`` in 1e-14 dollars."""

    id: int
    side: Side
    price: Price
    qty: Qty
    filled: Qty = 0
    notional: Money = 0
    exact_fee: int = 0
    canceled: bool = False

    @property
    def fees(self) -> Money:
        """Return the charged fee: the sum, rounded up once."""
        return -(-self.exact_fee // 10**8)

    @property
    def open(self) -> bool:
        """Tell whether it may still trade."""
        return not self.canceled and self.filled < self.qty

    def state(self) -> OrderState:
        """Return the order state that the exchange would show."""
        status = "OPEN" if self.open else "CANCELED" if self.canceled else "FILLED"
        return order_state(
            self.id,
            MARKET,
            self.side,
            self.price,
            self.qty,
            filled=self.filled,
            notional=self.notional,
            fees=self.fees,
            status=status,
        )


class Venue:
    """Executes the orders of one market's quoter, and fills resting ones at random by ``rng``."""

    def __init__(self, quotes: Quotes, rate: Rate, rng: random.Random) -> None:
        self.surprises = False
        """Whether orders are filled between a decision and the answer, too."""
        self.quotes = quotes
        (self.quoter,) = quotes.quoters.values()
        self.rate = rate
        self.rng = rng
        self.orders: list[Resting] = []
        self.news: deque[OrderState] = deque()

    @property
    def results(self) -> tuple[Money, Money]:
        """Return the maker's actual profit for YES and for NO."""
        held = cash = 0
        for order in self.orders:
            sign = 1 if order.side is Side.BUY else -1
            held += sign * order.filled
            cash -= sign * order.notional + order.fees
        return cash + held * PRICE_ONE, cash

    def resting(self, side: Side) -> list[Resting]:
        """Return the open orders of a side."""
        return [order for order in self.orders if order.open and order.side is side]

    def step(self, best_bid: Price | None = None, best_ask: Price | None = None) -> bool:
        """Execute the quoter's next action; return False if it has none."""
        action = self.quoter.next(best_bid, best_ask)
        if action is not None:
            if self.surprises and self.rng.random() < 0.3:
                self.fill()  # between the decision and its arrival
            self._carry_out(action)
        return action is not None

    def settle(self) -> None:
        """Execute the quoter's actions until it has no more."""
        for _ in range(100):
            if not self.step():
                return
        raise AssertionError("it never has what it wants")

    def _carry_out(self, action: Action) -> None:
        quoter = self.quoter
        match action:
            case PlaceQuote(side, price, qty):
                order = Resting(len(self.orders) + 1, side, price, qty)
                self.orders.append(order)
                acknowledged = order.state()
                if self.surprises and self.rng.random() < 0.2:  # the news arrives before the reply
                    self._fill(order)
                    self.hear()
                quoter.placed(acknowledged)
            case Amend(working, price, qty):
                order = self.orders[working.id - 1]
                if order.open and qty > order.filled:
                    order.price, order.qty = price, qty
                    quoter.amended(working, order.state())
            case Cancel(working):
                order = self.orders[working.id - 1]
                if order.open:
                    order.canceled = True
                    quoter.heard(order.state())

    def fill(self) -> None:
        """Fill some of an open order; the news waits."""
        open_orders = [order for order in self.orders if order.open]
        if open_orders:
            self._fill(self.rng.choice(open_orders))

    def _fill(self, order: Resting) -> None:
        left = order.qty - order.filled
        qty = left if self.rng.random() < 0.5 else self.rng.randint(1, left)
        order.filled += qty
        order.notional += order.price * qty
        order.exact_fee += self.rate * qty * order.price * (PRICE_ONE - order.price)
        self.news.append(order.state())

    def hear(self) -> None:
        """Deliver all queued news to the quoter."""
        while self.news:
            self.quoter.heard(self.news.popleft())
