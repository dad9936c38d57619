"""Placing, amending and cancelling orders.

Invariant: a refusal is decided before anything changes, so a refused command leaves nothing
behind but, for a placement, the record of the rejected order.
"""

from __future__ import annotations

from . import order_groups
from .ledger import Ledger, crosses, lock_for
from .matching import execute, takeable
from .records import CLOSES, OPPOSITE, Command, Market, Notice, Order
from .units import ONE_DOLLAR_PRICE, parse_price, parse_qty, show_price, show_qty


def place(ledger: Ledger, command: Command) -> list[Notice]:
    """Accept or reject a new order; either way it takes the next order id."""
    price = None if command["price"] is None else parse_price(command["price"])
    order = Order(
        id=len(ledger.orders) + 1,
        user=command["user"],
        market=command["market"],
        side=command["side"],
        type=command["type"],
        tif=command["tif"],
        stp=command["stp"],
        post_only=command["post_only"],
        reduce_only=command["reduce_only"],
        expires_at=command["expires_at"],
        price=price,
        limit=0 if price is None else price,
        qty=parse_qty(command["qty"]),
        connection=command.get("connection"),
        group=command.get("group"),
    )
    asked_qty = order.qty
    ledger.orders[order.id] = order
    code = _refusal(ledger, order, command)
    if code is not None:
        # The record of a rejected order shows what was asked for, not what it was capped to.
        order.qty, order.close_left, order.open_left = asked_qty, 0, 0
        order.status, order.reason = "REJECTED", code
        return [("ORDER_REJECTED", order.id, code)]
    order.arrival = ledger.next_arrival()
    ledger.live.append(order)
    notices: list[Notice] = [("ORDER_ACCEPTED", order.id), *execute(ledger, order)]
    return notices + order_groups.cancel_tripped(ledger, notices)


def _refusal(ledger: Ledger, order: Order, command: Command) -> str | None:
    """Return the first refusal that applies; on the way settle limit, quantity and split."""
    if _too_late(order, command):
        return "DEADLINE_PASSED"
    market = ledger.markets.get(order.market)
    if market is None:
        return "MARKET_NOT_FOUND"
    if market.status != "OPEN":
        return "MARKET_NOT_OPEN"
    facing = ledger.resting(market.id, OPPOSITE[order.side])
    if order.type == "MARKET":
        if not facing:
            return "NO_LIQUIDITY"
        slippage = parse_price(command["max_slippage"])
        order.limit = _collar(market, order.side, facing[0].limit, slippage)
    elif order.limit % market.tick != 0:
        return "PRICE_OFF_TICK"
    if order.reduce_only:
        order.qty = min(order.qty, ledger.reducible(order))
        if order.qty == 0:
            return "NOTHING_TO_REDUCE"
    if _one_too_many(ledger, order, command):
        return "TOO_MANY_OPEN_ORDERS"
    code = order_groups.why_not(ledger, order)
    if code is not None:
        return code
    return _cannot_be_carried_out(ledger, order, facing)


def _one_too_many(ledger: Ledger, order: Order, command: Command) -> bool:
    """Tell whether the user has as many open orders as may be; what cannot rest is not counted."""
    at_most = command.get("max_open_orders")
    may_rest = order.tif in ("GTC", "GTD")
    return at_most is not None and may_rest and len(ledger.of_user(order.user)) >= at_most


def _cannot_be_carried_out(ledger: Ledger, order: Order, facing: list[Order]) -> str | None:
    """Return the refusals that come last; on the way settle the split."""
    if order.post_only and facing and crosses(order.side, order.limit, facing[0].limit):
        return "POST_ONLY_WOULD_CROSS"
    if order.tif == "FOK" and takeable(ledger, order) < order.qty:
        return "FOK_NOT_FILLABLE"
    order.close_left = min(order.qty, ledger.free(order.user, order.market, CLOSES[order.side]))
    order.open_left = order.qty - order.close_left
    lock = ledger.lock(order)
    if lock > 0 and lock > ledger.available(order.user):
        return "INSUFFICIENT_FUNDS"
    return None


def _too_late(order: Order, command: Command) -> bool:
    """Tell whether the deadline or the order's own expiry has passed; a deadline may be met."""
    ts, deadline = command["ts"], command["deadline"]
    past_deadline = deadline is not None and ts > deadline
    return past_deadline or (order.expires_at is not None and ts >= order.expires_at)


def _collar(market: Market, side: str, best: int, slippage: int) -> int:
    """Return the worst price a MARKET order accepts (docs/market_rules.md, Matching)."""
    tick = market.tick
    if side == "BUY":
        price = (best + slippage) // tick * tick
    else:
        price = -(-(best - slippage) // tick) * tick
    return max(tick, min(price, ONE_DOLLAR_PRICE - tick))


def amend(ledger: Ledger, command: Command) -> list[Notice]:
    """Change price or total quantity of an open order, keeping or losing its place."""
    order = ledger.orders.get(command["order"])
    if order is None:
        return [("REFUSED", "ORDER_NOT_FOUND")]
    if order.user != command["user"]:
        return [("REFUSED", "FORBIDDEN")]
    if order not in ledger.live:
        return [("REFUSED", "ORDER_NOT_OPEN")]
    market = ledger.markets[order.market]
    if market.status != "OPEN":
        return [("REFUSED", "MARKET_NOT_OPEN")]
    price = order.limit if command["price"] is None else parse_price(command["price"])
    qty = order.qty if command["qty"] is None else parse_qty(command["qty"])
    if price % market.tick != 0:
        return [("REFUSED", "PRICE_OFF_TICK")]
    if qty <= order.filled:
        return [("REFUSED", "QTY_BELOW_FILLED")]
    if order.reduce_only:
        qty = min(qty, order.filled + ledger.reducible(order))
        if qty == order.filled:
            return [("REFUSED", "NOTHING_TO_REDUCE")]
    if price == order.limit and qty == order.qty:
        return []
    if price == order.limit and qty < order.qty:
        return _shrink(ledger, order, qty)
    return _move(ledger, order, price, qty)


def _shrink(ledger: Ledger, order: Order, qty: int) -> list[Notice]:
    """Lower the total quantity; the order keeps its place and lets go its open part first."""
    surplus = order.qty - qty
    from_open = min(surplus, order.open_left)
    order.open_left -= from_open
    order.close_left -= surplus - from_open
    order.qty = qty
    return [_amended(order), *ledger.merge(order.user, ledger.markets[order.market])]


def _move(ledger: Ledger, order: Order, price: int, qty: int) -> list[Notice]:
    """Move an order: release, lock again, queue at the back, trade if it crosses; or refuse."""
    facing = ledger.resting(order.market, OPPOSITE[order.side])
    if order.post_only and facing and crosses(order.side, price, facing[0].limit):
        return [("REFUSED", "POST_ONLY_WOULD_CROSS")]
    market = ledger.markets[order.market]
    # What the order itself reserves counts as free here: it is let go before being taken again.
    closable = ledger.free(order.user, market.id, CLOSES[order.side]) + order.close_left
    close_left = min(qty - order.filled, closable)
    open_left = qty - order.filled - close_left
    lock = lock_for(market, order.side, price, open_left, order.exact_fee)
    if lock > 0 and lock > ledger.available(order.user) + ledger.lock(order):
        return [("REFUSED", "INSUFFICIENT_FUNDS")]
    order.price = order.limit = price
    order.qty = qty
    order.close_left, order.open_left = close_left, open_left
    order.arrival = ledger.next_arrival()
    events = [_amended(order), *ledger.merge(order.user, market)]
    events += execute(ledger, order)
    return events + order_groups.cancel_tripped(ledger, events)


def _amended(order: Order) -> Notice:
    return ("ORDER_AMENDED", order.id, show_price(order.limit), show_qty(order.qty))


def cancel(ledger: Ledger, command: Command) -> list[Notice]:
    """Cancel one order, by its owner or by an admin."""
    order = ledger.orders.get(command["order"])
    if order is None:
        return [("REFUSED", "ORDER_NOT_FOUND")]
    own = order.user == command["user"]
    if not own and not command["admin"]:
        return [("REFUSED", "FORBIDDEN")]
    if order not in ledger.live:
        return [("REFUSED", "ORDER_NOT_OPEN")]
    return ledger.end(order, "USER" if own else "ADMIN")


def cancel_all(ledger: Ledger, command: Command) -> list[Notice]:
    """Cancel a user's open orders, of one market, one event or one side if asked so."""
    chosen = [
        order
        for order in ledger.of_user(command["user"])
        if command["market"] in (None, order.market)
        and command["event"] in (None, ledger.markets[order.market].event.id)
        and command["side"] in (None, order.side)
    ]
    return ledger.end_all(chosen, "USER")


def disconnect(ledger: Ledger, command: Command) -> list[Notice]:
    """Cancel the open orders of one connection, or of all connections of a gateway."""
    gateway, connection, user = command["gateway"], command["connection"], command["user"]
    chosen = []
    for order in ledger.live:
        if order.connection is None or user not in (None, order.user):
            continue
        of_gateway, _ = order.connection.split("-")
        if order.connection == connection or (connection is None and of_gateway == gateway):
            chosen.append(order)
    return ledger.end_all(sorted(chosen, key=lambda order: order.arrival), "DISCONNECT")
