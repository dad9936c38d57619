"""The command stream of the events row, as commands of the exchange.

Orders and cancels in the shares of stream.py, over 20 events of 3 to 50 outcomes, every other one
exhaustive. The opening gives each of 100 users a position in every market. After it a third of the
orders give only shares that their user holds; the others hold less than they ask for. Prices lie
about an even chance of the event's outcomes, buys and sells as far apart as in stream.py, on a
tick of 0.001, so that the prices of 50 outcomes have room, too.

Which shares a user holds is the exchange's to say: an exchange carries the commands out while they
are drawn.

Invariants: a cancel names the order's owner. No order would trade with one of the same user.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.stream import BUY_MEAN, DEVIATION, MAX_QTY, PLACE_SHARE, SELL_MEAN
from predmarket.engine import Exchange
from predmarket.engine.commands import (
    CancelOrder,
    Command,
    CreateEvent,
    EventMarket,
    OpenAccount,
    PlaceOrder,
)
from predmarket.engine.market import Market
from predmarket.engine.replies import OrderDone, Reply
from predmarket.enums import MarketStatus, OrderType, Side, TimeInForce
from predmarket.units import MAX_TRANSFER, PRICE_ONE, QTY_ONE, Qty

COMMANDS = 100_000
EVENTS = 20
FEWEST_OUTCOMES, MOST_OUTCOMES = 3, 50
USERS = 100
SEED = 1
TICK = 10
COVERED_SHARE = 1 / 3
_SELLS_COVERED, _SELLS_UNCOVERED = 0.75, 0.375
"""The shares of sells, so that half of all orders buy. Few users can buy with what they hold: a buy
gives as much of every other outcome."""
_TRIES = 500
"""Draws for a covered buy before it becomes a sell."""


@dataclass(frozen=True, slots=True)
class EventStream:
    """What the stream presupposes, and the stream."""

    opening: list[Command]
    commands: list[Command]


def event_stream(
    count: int = COMMANDS, events: int = EVENTS, users: int = USERS, seed: int = SEED
) -> EventStream:
    """Return the first ``count`` commands of the stream of ``seed``, and its opening."""
    writer = _Writer(random.Random(seed), users)
    opening = list(writer.opening(events))
    return EventStream(opening, list(writer.commands(count)))


class _Writer:
    """Draws commands and carries each one out."""

    def __init__(self, draw: random.Random, users: int) -> None:
        self._draw = draw
        self._users = users
        self._exchange = Exchange()
        self._markets: list[Market] = []
        self._now = 0

    def opening(self, events: int) -> Iterator[Command]:
        """Yield funded users, the events, and a trade of each user in every market."""
        for user in range(1, self._users + 1):
            yield from self._done(OpenAccount(user, MAX_TRANSFER))
        for number in range(events):
            spread = (MOST_OUTCOMES - FEWEST_OUTCOMES) * number // max(1, events - 1)
            yield from self._done(_event(number, FEWEST_OUTCOMES + spread))
        self._markets = list(self._exchange.state.markets.values())
        for market in self._markets:
            crowd = list(range(1, self._users + 1))
            self._draw.shuffle(crowd)
            price = round(_even_chance(market) / TICK) * TICK
            for buyer, seller in zip(crowd[::2], crowd[1::2], strict=True):
                qty = self._draw.randint(1, MAX_QTY) * QTY_ONE
                for user, side in ((buyer, Side.BUY), (seller, Side.SELL)):
                    yield from self._done(_order(user, market, side, price, qty))

    def commands(self, count: int) -> Iterator[Command]:
        """Yield ``count`` orders and cancels."""
        draw = self._draw
        believed_live: list[tuple[int, int]] = []
        for _ in range(count):
            if believed_live and draw.random() >= PLACE_SHARE:
                seat = draw.randrange(len(believed_live))
                order_id, user = believed_live[seat]
                believed_live[seat] = believed_live[-1]
                believed_live.pop()
                yield from self._done(CancelOrder(user, order_id))
                continue
            order = self._covered() if draw.random() < COVERED_SHARE else self._uncovered()
            reply = self._apply(order)
            assert isinstance(reply, OrderDone), reply
            believed_live.append((reply.order.id, order.user_id))
            yield order

    def _covered(self) -> PlaceOrder:
        """Draw an order that gives nothing but what its user holds."""
        side = Side.SELL if self._draw.random() < _SELLS_COVERED else Side.BUY
        tries = 0
        while True:
            user, market = self._place(side)
            held = self._held(user, market, side) // QTY_ONE
            if held:
                qty = min(held, self._draw.randint(1, MAX_QTY))
                return self._priced(user, market, side, qty * QTY_ONE)
            tries += 1
            if tries == _TRIES:
                side = Side.SELL

    def _uncovered(self) -> PlaceOrder:
        """Draw an order for more than its user holds."""
        side = Side.SELL if self._draw.random() < _SELLS_UNCOVERED else Side.BUY
        while True:
            user, market = self._place(side)
            qty = self._draw.randint(1, MAX_QTY) * QTY_ONE
            if qty > self._held(user, market, side):
                return self._priced(user, market, side, qty)

    def _place(self, side: Side) -> tuple[int, Market]:
        """Draw a user and a market where nothing of the user's own would be traded with."""
        state, opposite = self._exchange.state, side is Side.SELL
        while True:
            user, market = self._draw.randint(1, self._users), self._draw.choice(self._markets)
            if state.own_side(user, market.id, is_buy=opposite) is None:
                return user, market

    def _held(self, user: int, market: Market, side: Side) -> Qty:
        return self._exchange.state.ledger.free_opposite(user, market, side is Side.BUY)

    def _priced(self, user: int, market: Market, side: Side, qty: Qty) -> PlaceOrder:
        middle = (BUY_MEAN + SELL_MEAN) / 2
        mean = (BUY_MEAN if side is Side.BUY else SELL_MEAN) - middle
        ticks = round(_even_chance(market) / TICK + self._draw.gauss(mean, DEVIATION))
        price = min(max(ticks, 1), PRICE_ONE // TICK - 1) * TICK
        return _order(user, market, side, price, qty)

    def _done(self, command: Command) -> Iterator[Command]:
        self._apply(command)
        yield command

    def _apply(self, command: Command) -> Reply:
        self._now += 1
        return self._exchange.apply(self._now, command)[0]


def _even_chance(market: Market) -> float:
    assert market.event is not None
    return PRICE_ONE / market.event.outcomes


def _event(number: int, outcomes: int) -> CreateEvent:
    exhaustive = number % 2 == 1
    markets = outcomes if exhaustive else outcomes - 1  # NONE has no market
    return CreateEvent(
        slug=f"event-{number}",
        title="?",
        description="",
        exhaustive=exhaustive,
        tick=TICK,
        maker_rate=0,
        taker_rate=0,
        closes_at=None,
        status=MarketStatus.OPEN,
        creator_id=1,
        markets=tuple(EventMarket(f"event-{number}-{k}", "?") for k in range(markets)),
    )


def _order(user: int, market: Market, side: Side, price: int, qty: Qty) -> PlaceOrder:
    gtc, limit = TimeInForce.GTC, OrderType.LIMIT
    return PlaceOrder(user, market.id, side, limit, price, qty, gtc)
