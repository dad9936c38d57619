"""An order's way through the book, in steps, and the booking of its trades.

Invariants:
- until its last step the order holds its market, so no command comes between the steps;
- all its trades have the time of its first step, so a market's trades are in the order of time.

Source: docs/market_rules.md, Matching, Bounds.
"""

from predmarket.engine import steps
from predmarket.engine.book import Order
from predmarket.engine.events import Match, OrderFilled, OrderPartiallyFilled
from predmarket.engine.market import Market
from predmarket.engine.matching import Sweep, sweep
from predmarket.engine.order_groups import cancel_tripped, count_fill
from predmarket.engine.own_orders import OwnSide
from predmarket.engine.replies import Fill, OrderDone, record
from predmarket.engine.state import State
from predmarket.engine.steps import Key, SweepSteps
from predmarket.enums import CancelReason, Liquidity, OrderStatus, OrderType, TimeInForce
from predmarket.units import Qty

RESTING = frozenset({TimeInForce.GTC, TimeInForce.GTD})
"""Times in force of orders that may rest."""

_UNFINISHED, _STOPPED = Sweep.UNFINISHED, Sweep.STOPPED


def trade(state: State, order: Order, market: Market) -> tuple[tuple[Fill, ...], Key | None]:
    """Match an accepted order with the book, then rest or cancel the remaining quantity.

    It stops at the step's bound. Returns the fills, and the key of the remaining steps.
    """
    state.dirty_markets[market.id] = market
    if order.tif in RESTING and not market.book.crosses(order.is_buy, order.price):
        state.rest(order, market)  # what most orders do
        return (), None
    fills: list[Fill] = []

    def on_fill(taker: Order, maker: Order, qty: Qty) -> None:
        fills.append(_book_trade(state, market, taker, maker, qty))

    def on_own(maker: Order) -> None:
        state.cancel(maker, CancelReason.SELF_TRADE)

    def find_own() -> OwnSide | None:
        return state.own_side(order.user_id, market.id, is_buy=not order.is_buy)

    end = sweep(market.book, order, on_fill, on_own, find_own, steps.STEP)
    if not order.remaining:
        return tuple(fills), None
    if end is _UNFINISHED:
        under_way = SweepSteps(market.id, order.id, order.price, state.happens_at)
        return tuple(fills), state.begin(under_way)
    if end is _STOPPED:
        state.cancel(order, CancelReason.SELF_TRADE)
    elif order.type is OrderType.MARKET:
        state.cancel(order, CancelReason.MARKET_REMAINDER)
    elif order.tif not in RESTING:
        state.cancel(order, CancelReason.IOC)
    elif market.book.crosses(order.is_buy, order.price):
        # Own orders that the sweep passed over still cross: resting would cross the book.
        state.cancel(order, CancelReason.SELF_TRADE)
    else:
        state.rest(order, market)
    return tuple(fills), None


def proceed(state: State, under_way: SweepSteps) -> OrderDone:
    """Take the next step of an order's way through the book, at the time of the first."""
    state.happens_at = under_way.began
    order = state.orders[under_way.order_id]
    state.ledger.account(order.user_id)
    fills, unfinished = trade(state, order, state.markets[under_way.market_id])
    if state.tripped:
        cancel_tripped(state, under_way.market_id, unfinished)
    return OrderDone(record(order), fills, unfinished)


def _book_trade(state: State, market: Market, taker: Order, maker: Order, qty: Qty) -> Fill:
    """Book one match on both sides, report it, and merge free sets."""
    price = maker.price
    ledger = state.ledger
    buy, sell = (taker, maker) if taker.is_buy else (maker, taker)
    # New sets less returned sets: the market's totals change by it, apart from the positions.
    (market.event or market).open_interest += qty - min(buy.close, qty) - min(sell.close, qty)
    buy_cash, buy_fee = ledger.fill(buy, market, qty, price, buy is taker)
    sell_cash, sell_fee = ledger.fill(sell, market, qty, price, sell is taker)
    market.last_price = price
    market.volume += qty
    state.touched_levels[market.id, maker.is_buy, price] = None
    state.last_trade_id += 1
    state.events.append(
        Match(
            state.last_trade_id,
            market.id,
            buy.id,
            sell.id,
            buy.user_id,
            sell.user_id,
            price,
            qty,
            taker.side,
            buy_cash,
            sell_cash,
            buy_fee,
            sell_fee,
        )
    )
    own = ledger.accounts[maker.user_id].own
    if own is not None:
        own.fill(maker, market.book.side(maker.is_buy).index(price), qty)
    _filled(state, maker)
    _filled(state, taker)
    for order in (buy, sell):
        position = market.positions[order.user_id]
        if position.holding is not None or (position.yes and position.no):
            state.merged(order.user_id, market, ledger.merge(position, market))
    if maker.group is not None:
        count_fill(state, maker.group, qty)
    if taker.group is not None:
        count_fill(state, taker.group, qty)
    fee = buy_fee if buy is taker else sell_fee
    return Fill(state.last_trade_id, price, qty, fee, Liquidity.TAKER)


def _filled(state: State, order: Order) -> None:
    """Report that the last trade filled the order, in part or whole."""
    trade_id = state.last_trade_id
    order.events += 1
    if order.remaining:
        order.status = OrderStatus.PARTIALLY_FILLED
        state.events.append(OrderPartiallyFilled(order.id, order.events, trade_id, order.filled))
    else:
        order.status = OrderStatus.FILLED
        state.events.append(OrderFilled(order.id, order.events, trade_id, order.filled))
        state.forget(order)
    state.changed(order)
