"""Placing, amending and cancelling orders: the checks in their order, then the trade.

Invariant: every refusal comes before the first change.

Source: docs/market_rules.md, Collateral, Matching.
"""

from predmarket.engine.book import Order
from predmarket.engine.commands import AmendOrder, CancelOrder, PlaceOrder
from predmarket.engine.events import (
    OrderAccepted,
    OrderAmended,
    OrderRejected,
)
from predmarket.engine.market import Market
from predmarket.engine.matching import collar, fillable
from predmarket.engine.order_groups import cancel_tripped, own_group, refused_by_group
from predmarket.engine.replies import OrderDone, Refused, record
from predmarket.engine.sight import belongs, sees
from predmarket.engine.state import State
from predmarket.engine.steps import SweepSteps
from predmarket.engine.sweeps import RESTING, trade
from predmarket.engine.timers import TimerKind
from predmarket.enums import (
    CancelReason,
    ErrorCode,
    MarketStatus,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from predmarket.units import Qty, format_money, format_price, format_qty

_MARKET, _FOK = OrderType.MARKET, TimeInForce.FOK


def place(state: State, command: PlaceOrder) -> OrderDone | Refused:
    """Accept, trade and rest an order, or reject it. Either way it takes the next order id."""
    if command.user_id not in state.ledger.accounts:
        return Refused(ErrorCode.USER_NOT_FOUND, "the user has no account")
    state.last_order_id += 1
    order = _order(state, command)
    market = state.markets.get(command.market_id)
    if market is None or not sees(state, market, command):
        market, order.market_id = None, 0
    elif not belongs(market.group_id, command):
        order.reduce_only = True
    refusal = _why_not(state, command, order, market)
    if refusal is not None:
        order.qty = order.remaining = command.qty  # a record shows what was asked, not a cap
        return _reject(state, order, refusal)
    assert market is not None  # a missing market was refused
    ledger = state.ledger
    account = ledger.account(order.user_id)
    if order.close:
        ledger.position(order.user_id, market).reserve(order.is_buy, order.close)
    ledger.relock(order, account, market)
    order.events = 1
    state.events.append(OrderAccepted(order.id, 1))
    state.changed(order)
    fills, unfinished = trade(state, order, market)
    if order.status is OrderStatus.OPEN or order.status is OrderStatus.PARTIALLY_FILLED:
        state.keep(order)
        if order.expires_at is not None:
            state.timers.set(order.expires_at, TimerKind.EXPIRY, order.id)
    if state.tripped:
        cancel_tripped(state, market.id, unfinished)
    return OrderDone(record(order), fills, unfinished)


def _order(state: State, command: PlaceOrder) -> Order:
    order = Order(
        state.last_order_id,
        command.user_id,
        command.market_id,
        command.side,
        command.price or 0,
        command.qty,
        type=command.type,
        tif=command.tif,
        stp=command.stp,
        now=state.now,
    )
    order.expires_at = command.expires_at
    order.post_only = command.post_only
    order.reduce_only = command.reduce_only
    order.client_order_id = command.client_order_id
    order.request = command.request
    order.connection = command.connection
    if command.order_group_id is not None:
        order.group = own_group(state, command.user_id, command.order_group_id)
    return order


def _why_not(
    state: State, command: PlaceOrder, order: Order, market: Market | None
) -> Refused | None:
    """Return the first refusal that applies, else leave the order sized, priced and split."""
    now = state.now
    if (command.deadline is not None and now > command.deadline) or (
        command.expires_at is not None and now >= command.expires_at
    ):
        return Refused(ErrorCode.DEADLINE_PASSED, "the deadline has passed")
    if market is None:
        return Refused(ErrorCode.MARKET_NOT_FOUND, "there is no such market")
    if market.status is not MarketStatus.OPEN:
        return _not_open(market)
    if command.type is _MARKET:
        assert command.max_slippage is not None  # written in before the command was numbered
        limit = collar(market.book, order.is_buy, command.max_slippage, market.tick)
        if limit is None:
            return Refused(ErrorCode.NO_LIQUIDITY, "nothing rests on the other side")
        order.price = limit
    elif order.price % market.tick:
        return _off_tick(market)
    free = state.ledger.free_opposite(order.user_id, market, order.is_buy)
    if order.reduce_only:
        at_most = _reducible(state, order, market, free)
        if at_most <= 0:
            return _nothing_to_reduce()
        if at_most < order.qty:
            order.qty = order.remaining = at_most
    refusal = _refused_by_book(state, command, order, market)
    if refusal is not None:
        return refusal
    close = free if free < order.qty else order.qty
    lock = state.ledger.required_lock(order, market, order.qty - close)
    account = state.ledger.accounts[order.user_id]
    if lock and lock > account.available:
        return _short_of_funds(lock, account.available)
    order.close = close
    return None


def _refused_by_book(
    state: State, command: PlaceOrder, order: Order, market: Market
) -> Refused | None:
    """Return the refusal of an order too many, one whose group takes none, a crossing post-only
    order or an unfillable FOK."""
    if order.tif in RESTING and _has_too_many(state, command):
        return too_many_open_orders(command.max_open_orders or 0)
    if command.order_group_id is not None:
        refusal = refused_by_group(order, command.order_group_id)
        if refusal is not None:
            return refusal
    if order.post_only and market.book.crosses(order.is_buy, order.price):
        return _would_cross()
    if order.tif is _FOK and not fillable(
        market.book,
        order,
        state.own_side(order.user_id, market.id, is_buy=not order.is_buy),
    ):
        return Refused(ErrorCode.FOK_NOT_FILLABLE, "the order cannot be filled whole now")
    return None


def too_many_open_orders(at_most: int) -> Refused:
    """Return the refusal of one open order too many."""
    return Refused(
        ErrorCode.TOO_MANY_OPEN_ORDERS,
        f"an account has at most {at_most} open orders",
        {"maxOpenOrders": at_most},
    )


def _has_too_many(state: State, command: PlaceOrder) -> bool:
    """Tell whether the account has reached its bound of open orders.

    An order under way that cannot rest (IOC, FOK, MARKET) does not count.
    """
    at_most = command.max_open_orders
    orders = state.ledger.accounts[command.user_id].orders
    if at_most is None or len(orders) < at_most:
        return False
    passing = sum(
        1
        for steps in state.unfinished.values()
        if isinstance(steps, SweepSteps)
        and steps.order_id in orders
        and orders[steps.order_id].tif not in RESTING
    )
    return len(orders) - passing >= at_most


def _reducible(state: State, order: Order, market: Market, free: Qty) -> Qty:
    """Return the quantity to which reduceOnly caps an order.

    That is the free opposite shares. In an event it is the quantity that brings the position to 0,
    less the remaining quantity of the user's other orders of that side.
    """
    if market.event is None:
        return free
    position = market.positions.get(order.user_id)
    if position is None:
        return 0
    left = position.no if order.is_buy else position.yes
    own = state.own_side(order.user_id, market.id, is_buy=order.is_buy)
    if own is not None:
        left -= own.depth.total()
    return left if order.level is None else left + order.remaining


def _nothing_to_reduce() -> Refused:
    return Refused(ErrorCode.NOTHING_TO_REDUCE, "there are no free opposite shares to reduce")


def _not_open(market: Market) -> Refused:
    return Refused(
        ErrorCode.MARKET_NOT_OPEN,
        f"the market is {market.status.value}",
        {"status": market.status.value},
    )


def _off_tick(market: Market) -> Refused:
    tick = format_price(market.tick)
    return Refused(
        ErrorCode.PRICE_OFF_TICK, f"the price is off the tick of {tick}", {"tickSize": tick}
    )


def _would_cross() -> Refused:
    return Refused(ErrorCode.POST_ONLY_WOULD_CROSS, "the order would trade at the best price")


def _short_of_funds(required: int, available: int) -> Refused:
    return Refused(
        ErrorCode.INSUFFICIENT_FUNDS,
        f"the order needs {format_money(required)}, available is {format_money(available)}",
        {"required": format_money(required), "available": format_money(available)},
    )


def _reject(state: State, order: Order, refusal: Refused) -> Refused:
    order.status = OrderStatus.REJECTED
    order.reason = refusal.code.value
    order.events = 1
    state.events.append(OrderRejected(order.id, 1, refusal.code, refusal.message, refusal.details))
    state.changed(order)
    return Refused(refusal.code, refusal.message, refusal.details, order.id)


def amend(state: State, command: AmendOrder) -> OrderDone | Refused:
    """Change an open order's price or quantity, or refuse and change nothing."""
    order = _open_order(state, command.order_id, command.user_id)
    if isinstance(order, Refused):
        return order
    market = state.markets[order.market_id]
    if market.status is not MarketStatus.OPEN:
        return _not_open(market)
    price = order.price if command.price is None else command.price
    if price % market.tick:
        return _off_tick(market)
    qty = order.qty if command.qty is None else command.qty
    if qty <= order.filled:
        return Refused(
            ErrorCode.QTY_BELOW_FILLED,
            f"{format_qty(order.filled)} is filled already",
            {"qtyFilled": format_qty(order.filled)},
        )
    giveable = order.close + state.ledger.free_opposite(order.user_id, market, order.is_buy)
    shrinks = price == order.price and qty < order.qty
    if order.reduce_only or not (shrinks or belongs(market.group_id, command)):
        qty = min(qty, order.filled + _reducible(state, order, market, giveable))
        if qty <= order.filled:
            return _nothing_to_reduce()
    if price == order.price and qty == order.qty:
        return OrderDone(record(order))
    if price == order.price and qty < order.qty:
        _shrink(state, order, market, qty)
        return OrderDone(record(order))
    return _requeue(state, order, market, price, qty, giveable)


def _shrink(state: State, order: Order, market: Market, qty: Qty) -> None:
    """Make an order smaller; it keeps its place. The open part is released first."""
    ledger = state.ledger
    cut = order.qty - qty
    order.qty = qty
    state.shrink(order, market, cut)
    state.dirty_markets[market.id] = market
    _amended(state, order)
    freed = max(0, order.close - order.remaining)
    order.close -= freed
    ledger.relock(order, ledger.account(order.user_id), market)
    if freed:
        position = ledger.position(order.user_id, market)
        position.reserve(order.is_buy, -freed)
        state.merged(order.user_id, market, ledger.merge(position, market))


def _requeue(
    state: State, order: Order, market: Market, price: int, qty: Qty, giveable: Qty
) -> OrderDone | Refused:
    """Set an order's new terms at the back of the queue, and let it trade."""
    ledger = state.ledger
    if order.post_only and market.book.crosses(order.is_buy, price):
        return _would_cross()
    remaining = qty - order.filled
    close = min(remaining, giveable)
    before = order.price
    order.price = price
    lock = ledger.required_lock(order, market, remaining - close)
    order.price = before
    account = ledger.accounts[order.user_id]
    if lock and lock > account.available + order.lock:
        return _short_of_funds(lock, account.available + order.lock)
    ledger.account(order.user_id)  # marked as changed only now: a refusal changes nothing
    state.remove_from_book(order, market)
    order.rank = 0  # until it rests again
    order.price, order.qty, order.remaining = price, qty, remaining
    _amended(state, order)
    if close != order.close:
        position = ledger.position(order.user_id, market)
        position.reserve(order.is_buy, close - order.close)
        order.close = close
    ledger.relock(order, account, market)
    if order.user_id in market.positions:
        position = ledger.position(order.user_id, market)
        state.merged(order.user_id, market, ledger.merge(position, market))
    fills, unfinished = trade(state, order, market)
    if state.tripped:
        cancel_tripped(state, market.id, unfinished)
    return OrderDone(record(order), fills, unfinished)


def _amended(state: State, order: Order) -> None:
    order.events += 1
    state.changed(order)
    state.events.append(OrderAmended(order.id, order.events, order.price, order.qty))


def cancel(state: State, command: CancelOrder) -> OrderDone | Refused:
    """Cancel one open order of the user's own, or of anyone's as an admin."""
    order = _open_order(state, command.order_id, None if command.as_admin else command.user_id)
    if isinstance(order, Refused):
        return order
    own = order.user_id == command.user_id
    state.cancel(order, CancelReason.USER if own else CancelReason.ADMIN)
    return OrderDone(record(order))


def _open_order(state: State, order_id: int, user_id: int | None) -> Order | Refused:
    """Find an open order. ``user_id`` None skips the check of its owner.

    Memory has no ended orders, so their owner is unknown here: ORDER_NOT_OPEN for anybody's.
    """
    order = state.orders.get(order_id)
    if order is None:
        if 0 < order_id <= state.last_order_id:
            return Refused(ErrorCode.ORDER_NOT_OPEN, "the order is not open any more")
        return Refused(ErrorCode.ORDER_NOT_FOUND, "there is no such order")
    if user_id is not None and order.user_id != user_id:
        return Refused(ErrorCode.FORBIDDEN, "the order is another user's")
    return order
