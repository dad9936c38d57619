"""An arbitrageur's trades on the real engine earn the predicted profit, to the last millionth."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.bots.arbitrage import Best, Leg, cash_flow, evening, profit, sets
from predmarket.bots.arbitrageur import Stock, Taken
from predmarket.engine.commands import PlaceOrder
from predmarket.engine.replies import OrderDone
from predmarket.enums import OrderType, Side, TimeInForce
from predmarket.units import PRICE_ONE, QTY_ONE, Money, Qty, Rate, parse_price, parse_rate
from tests.engine.event_desk import EventDesk, W, X, Y, Z

BOT, MANY = X, 100 * QTY_ONE


class ArbitrageDesk(EventDesk):
    """An event of three markets with the bot's view of it and the bot's trades."""

    def __init__(self, *, exhaustive: bool = True, fee: str = "0") -> None:
        super().__init__(exhaustive=exhaustive, taker_fee=fee)
        self.rate: Rate = parse_rate(fee)
        self.stock = Stock(dict.fromkeys(self.event.market_ids, 0))
        self.between: Callable[[Leg], object] = lambda _: None
        """Called before each leg arrives."""

    def offer(self, side: str, *prices: str, qty: str = "10") -> None:
        """Place a resting order of Y in each market."""
        for letter, price in zip("ABC", prices, strict=False):
            self.order(Y, side, qty, letter, price)

    def best(self) -> dict[int, Best]:
        """Return the best levels."""
        found = {}
        for market_id in self.stock.held:
            book = self.exchange.state.markets[market_id].book
            levels = (book.bids.best(), book.asks.best())
            found[market_id] = Best(*((one.price, one.qty) if one else None for one in levels))
        return found

    def sets(self, at_most: Qty = MANY) -> list[Leg]:
        """Return the legs worth trading."""
        exhaustive, cash = self.event.exhaustive, self.account(BOT).available
        return sets(self.best(), self.rate, exhaustive=exhaustive, at_most=at_most, cash=cash)

    async def take(self, leg: Leg) -> Taken:
        """Trade one leg."""
        self.between(leg)
        limit, ioc = OrderType.LIMIT, TimeInForce.IOC
        reply = self.apply(PlaceOrder(BOT, leg.market_id, leg.side, limit, leg.price, leg.qty, ioc))
        assert isinstance(reply, OrderDone), reply
        sign = -1 if leg.side is Side.BUY else 1
        cash = sign * sum(fill.price * fill.qty for fill in reply.fills)
        return Taken(sum(fill.qty for fill in reply.fills), cash - reply.order.fees_paid)

    async def even_out(self) -> None:
        """Close the positions that the legs left unequal."""
        for _ in range(5):
            await self.stock.take(evening(self.stock.held, self.best(), self.rate), self.take)
        assert not self.stock.uneven()

    @property
    def won(self) -> Money:
        """Return the bot's profit by its balance."""
        account = self.account(BOT)
        return account.available + account.locked - 100 * PRICE_ONE * QTY_ONE


@pytest.mark.parametrize("fee", ["0", "0.07"])
@pytest.mark.parametrize(
    ("side", "prices"),
    [("SELL", ("0.40", "0.27", "0.23")), ("BUY", ("0.52", "0.31", "0.29"))],
)
async def test_sets_win_what_was_reckoned(side: str, prices: tuple[str, ...], fee: str) -> None:
    """The balance grows by the predicted profit.

    Sets are bought below 1.00 or sold above it, and fees count.
    """
    desk = ArbitrageDesk(fee=fee)
    desk.offer(side, *prices, qty="7.77")
    legs = desk.sets()
    expected = profit(legs, desk.rate)
    whole = sum(map(parse_price, prices)) - PRICE_ONE
    fees = 3 * 777 * 130 if fee != "0" else 0  # about
    assert expected == pytest.approx(abs(whole) * 777 - fees, rel=0.5)
    assert await desk.stock.take_sets(legs, desk.take) == 777
    assert desk.won == desk.stock.certain() == expected > 0
    assert set(desk.payoffs(BOT).values()) == {0}
    assert desk.sets() == []
    desk.decide("B")
    assert desk.won == expected


@pytest.mark.parametrize(
    ("side", "prices"),
    [
        ("SELL", ("0.40", "0.30", "0.30")),
        ("SELL", ("0.39", "0.30")),
        ("BUY", ("0.40", "0.30", "0.30")),
    ],
)
def test_sets_that_earn_nothing_are_left_alone(side: str, prices: tuple[str, ...]) -> None:
    """The bot does not trade a set at exactly 1.00 or with a market without offers."""
    desk = ArbitrageDesk()
    desk.offer(side, *prices)
    assert desk.sets() == []


def test_fees_can_eat_the_profit() -> None:
    """The bot does not buy a set at 0.99 when the fees are 0.04."""
    cheap = ("0.36", "0.33", "0.30")
    for fee, found in (("0", 3), ("0.07", 0)):
        desk = ArbitrageDesk(fee=fee)
        desk.offer("SELL", *cheap)
        assert len(desk.sets()) == found


async def test_sets_of_an_event_that_may_end_with_none_are_sold_alone() -> None:
    """In an event where NONE may win, the bot only sells sets: bought ones may pay nothing."""
    desk = ArbitrageDesk(exhaustive=False)
    desk.offer("SELL", "0.20", "0.20", "0.20")
    assert desk.sets() == []
    desk.cancel_all(Y)
    desk.offer("BUY", "0.50", "0.40", "0.30")
    legs = desk.sets()
    await desk.stock.take_sets(legs, desk.take)
    assert desk.won == desk.stock.certain() == profit(legs, 0) == 2 * 10**6
    desk.decide("NONE")
    assert desk.won == 12 * 10**6


def test_the_size_is_bounded_by_levels_limit_and_cash() -> None:
    """Levels, the limit and cash bound the size; the leg with the least quantity comes first."""
    desk = ArbitrageDesk()
    for letter, qty in zip("ABC", ("30", "10", "20"), strict=True):
        desk.order((Y, Z, W)["ABC".index(letter)], "SELL", qty, letter, "0.30")
    b, c, a = desk.id("B"), desk.id("C"), desk.id("A")
    assert [(leg.market_id, leg.qty) for leg in desk.sets()] == [
        (b, 1_000), (c, 1_000), (a, 1_000)
    ]  # fmt: skip
    assert {leg.qty for leg in desk.sets(at_most=500)} == {500}
    desk.transfer(BOT, "-97")
    assert {leg.qty for leg in desk.sets()} == {300}
    desk.transfer(BOT, "-2.5")
    assert desk.sets() == []


@pytest.mark.parametrize("fee", ["0", "0.02"])
@pytest.mark.parametrize(
    ("side", "number", "left", "won"),
    [
        ("SELL", 0, "4", 400_000),  # the legs are equal
        ("SELL", 1, "4", 4 * 100_000 - 6 * 50_000),
        ("SELL", 2, "4", 4 * 100_000 - 6 * 100_000),
        ("SELL", 1, "0", -10 * 50_000),
        ("BUY", 1, "4", 4 * 120_000 - 6 * 50_000),
        ("BUY", 2, "0", -10 * 100_000),
    ],
)
async def test_a_leg_filled_in_part_costs_the_spread_of_what_is_left_over(
    side: str, number: int, left: str, won: Money, fee: str
) -> None:
    """A partly filled leg reduces the later legs; the remainder is closed at the best price.

    The balance equals the sum of the trades to the millionth.
    """
    desk = ArbitrageDesk(fee=fee)
    sells = side == "SELL"
    desk.offer(side, *(("0.40", "0.27", "0.23") if sells else ("0.52", "0.31", "0.29")))
    back = ("0.35", "0.22", "0.18") if sells else ("0.57", "0.36", "0.34")
    for letter, price in zip("ABC", back, strict=True):
        desk.order(Z, "BUY" if sells else "SELL", "50", letter, price)
    arriving = []

    def shrink(leg: Leg) -> None:
        arriving.append(leg)
        if len(arriving) == number + 1:
            order = next(one for one in desk.exchange.state.orders.values()
                         if (one.user_id, one.market_id) == (Y, leg.market_id))  # fmt: skip
            if left == "0":
                desk.cancel(Y, order.id)
            else:
                desk.amend(Y, order.id, None, left)

    desk.between = shrink
    traded = await desk.stock.take_sets(desk.sets(), desk.take)
    assert traded == float(left) * QTY_ONE
    assert [leg.qty for leg in arriving[number + 1 :]] == [traded] * (2 - number if traded else 0)
    uneven = desk.stock.uneven()
    assert uneven == (QTY_ONE * 10 - traded if number else 0)
    await desk.even_out()
    assert desk.won == desk.stock.certain()
    assert set(desk.payoffs(BOT).values()) == {0}
    assert desk.won == won if fee == "0" else won - 200_000 < desk.won < won
    assert desk.won >= -uneven * PRICE_ONE


@given(
    held=st.lists(st.integers(-500, 500), min_size=2, max_size=6),
    prices=st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=6, max_size=6),
    rate=st.sampled_from([0, 700]),
)
def test_positions_become_even_the_better_way(
    held: list[int], prices: list[tuple[int, int]], rate: int
) -> None:
    """The bot closes unequal legs in the way that earns more."""
    positions = dict(enumerate(held))
    best = {
        id: Best((min(pair) * 100, 1_000), (max(pair) * 100, 1_000))
        for id, pair in zip(positions, prices, strict=False)
    }
    legs = evening(positions, best, rate)
    after = dict(positions)
    for leg in legs:
        after[leg.market_id] += leg.qty if leg.side is Side.BUY else -leg.qty
    assert len(set(after.values())) == 1
    reached = cash_flow(legs, rate) + after[0] * PRICE_ONE
    for end in (min(held), max(held)):
        other = []
        for id, qty in positions.items():
            side = Side.BUY if end > qty else Side.SELL
            level = best[id].against(side)
            assert level is not None
            other.append(Leg(id, side, level[0], abs(end - qty)))
        assert cash_flow(other, rate) + end * PRICE_ONE <= reached
