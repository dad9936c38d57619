"""Matching: one taker walks along the opposite side of the book.

Invariants: each fill happens at the resting order's price; a fill never leaves its user with
less available than before, since all it costs was locked or comes with it.
"""

from __future__ import annotations

from math import ceil

from .ledger import Ledger, cost_of_open, crosses, proceeds_of_close
from .records import CLOSES, OPPOSITE, Event, Order
from .units import exact_fee, show_money, show_price, show_qty


def takeable(ledger: Ledger, taker: Order) -> int:
    """Return how much the taker could fill now, as its self-trade mode allows (for FOK)."""
    total = 0
    for maker in ledger.resting(taker.market, OPPOSITE[taker.side]):
        if not crosses(taker.side, taker.limit, maker.limit):
            break
        if maker.user != taker.user:
            total += maker.left
        elif taker.stp in ("CANCEL_TAKER", "CANCEL_BOTH"):
            break
    return total


def execute(ledger: Ledger, taker: Order) -> list[Event]:
    """Trade the taker against the book, then rest or cancel what is left of it."""
    events: list[Event] = []
    met_itself = False
    for maker in ledger.resting(taker.market, OPPOSITE[taker.side]):
        if taker.left == 0 or not crosses(taker.side, taker.limit, maker.limit):
            break
        if maker.user != taker.user:
            events += _trade(ledger, taker, maker)
            continue
        if taker.stp in ("CANCEL_MAKER", "CANCEL_BOTH"):
            events += ledger.end(maker, "SELF_TRADE")
        if taker.stp in ("CANCEL_TAKER", "CANCEL_BOTH"):
            met_itself = True
            break
    if taker.left > 0:
        reason = _why_not_rest(ledger, taker, met_itself)
        if reason is not None:
            events += ledger.end(taker, reason)
    return events


def _why_not_rest(ledger: Ledger, taker: Order, met_itself: bool) -> str | None:
    """Return the reason to cancel what is left of the taker, None if it may rest."""
    if met_itself:
        return "SELF_TRADE"
    if taker.type == "MARKET":
        return "MARKET_REMAINDER"
    if taker.tif == "IOC":
        return "IOC"
    assert taker.tif != "FOK", "a FOK order was let in that could not be filled"
    # Whoever still stands in the way is the taker itself under SKIP, or it would have traded.
    facing = ledger.resting(taker.market, OPPOSITE[taker.side])
    if facing and crosses(taker.side, taker.limit, facing[0].limit):
        return "SELF_TRADE"
    return None


def _trade(ledger: Ledger, taker: Order, maker: Order) -> list[Event]:
    """Fill taker and maker against each other as far as both go, at the maker's price."""
    market = ledger.markets[taker.market]
    price = maker.limit
    qty = min(taker.left, maker.left)
    ledger.trades += 1
    market.last_price = price
    market.volume += qty
    # Both sides are booked before either merges (MARKET_RULES, Collateral).
    maker_fee = _book_fill(ledger, maker, qty, price, market.maker_rate)
    taker_fee = _book_fill(ledger, taker, qty, price, market.taker_rate)
    if taker.side == "BUY":
        buy, buy_fee, sell, sell_fee = taker, taker_fee, maker, maker_fee
    else:
        buy, buy_fee, sell, sell_fee = maker, maker_fee, taker, taker_fee
    match: Event = (
        "MATCH",
        ledger.trades,
        buy.id,
        sell.id,
        show_price(price),
        show_qty(qty),
        taker.side,
        show_money(buy_fee),
        show_money(sell_fee),
    )
    events = [match, _progress(ledger, maker), _progress(ledger, taker)]
    events += ledger.merge(buy.user, market.id)
    events += ledger.merge(sell.user, market.id)
    return events


def _book_fill(ledger: Ledger, order: Order, qty: int, price: int, rate: int) -> int:
    """Book one side of a trade, close part first; return the fee charged, in money units."""
    lock_before = ledger.lock(order)
    closed = min(qty, order.close_left)
    opened = qty - closed
    position = ledger.position(order.user, order.market)

    proceeds = proceeds_of_close(order.side, price, closed)
    cost_removed = position.holding(CLOSES[order.side]).remove(closed)
    cost = cost_of_open(order.side, price, opened)
    position.holding(CLOSES[OPPOSITE[order.side]]).add(opened, cost)

    charged_before = ceil(order.exact_fee)
    order.exact_fee += exact_fee(rate, qty, price)
    fee = ceil(order.exact_fee) - charged_before
    order.fees_paid += fee
    ledger.markets[order.market].fees += fee

    order.close_left -= closed
    order.open_left -= opened
    order.filled += qty
    position.realized += proceeds - cost_removed - fee
    ledger.pay(order.user, order.market, proceeds - cost - fee)

    released = lock_before - ledger.lock(order)
    assert proceeds - cost - fee + released >= 0, "a fill took more than its order had locked"
    return fee


def _progress(ledger: Ledger, order: Order) -> Event:
    """Say how far the order is filled; a filled one is open no more."""
    if order.left > 0:
        order.status = "PARTIALLY_FILLED"
    else:
        order.status = "FILLED"
        ledger.live.remove(order)
    return ("ORDER_" + order.status, order.id, show_qty(order.filled))
