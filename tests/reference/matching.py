"""Matching: one taker walks along the opposite side of the book.

Invariants: each fill happens at the resting order's price; a fill never leaves its user with
less available than before, since all it costs was locked or comes with it.
"""

from __future__ import annotations

from math import ceil

from . import order_groups
from .ledger import Ledger, cost_of_open, crosses, proceeds_of_close
from .records import CLOSES, OPPOSITE, Notice, Order
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


def execute(ledger: Ledger, taker: Order) -> list[Notice]:
    """Trade the taker against the book, then rest or cancel what is left of it."""
    events: list[Notice] = []
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


def _trade(ledger: Ledger, taker: Order, maker: Order) -> list[Notice]:
    """Fill taker and maker against each other as far as both go, at the maker's price."""
    market = ledger.markets[taker.market]
    price = maker.limit
    qty = min(taker.left, maker.left)
    ledger.trades += 1
    market.last_price = price
    market.volume += qty
    # Both sides are booked before either merges (docs/market_rules.md, Collateral).
    maker_fee = _book_fill(ledger, maker, qty, price, market.maker_rate)
    taker_fee = _book_fill(ledger, taker, qty, price, market.taker_rate)
    if taker.side == "BUY":
        buy, buy_fee, sell, sell_fee = taker, taker_fee, maker, maker_fee
    else:
        buy, buy_fee, sell, sell_fee = maker, maker_fee, taker, taker_fee
    match: Notice = (
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
    events += ledger.merge(buy.user, market)
    events += ledger.merge(sell.user, market)
    for order in (maker, taker):
        events += order_groups.count_fill(ledger, order, qty)
    return events


def _book_fill(ledger: Ledger, order: Order, qty: int, price: int, rate: int) -> int:
    """Book one side of a trade, close part first; return the fee charged, in money units."""
    lock_before = ledger.lock(order)
    market = ledger.markets[order.market]
    closed = min(qty, order.close_left)
    opened = qty - closed
    given = market.event.given_by_closing(order.side, market.id)
    received = market.event.given_by_closing(OPPOSITE[order.side], market.id)
    ledger.give(order.user, market.event, given, -closed)
    ledger.give(order.user, market.event, received, opened)
    brought = proceeds_of_close(order.side, price, closed)
    brought -= cost_of_open(order.side, price, opened)

    charged_before = ceil(order.exact_fee)
    order.exact_fee += exact_fee(rate, qty, price)
    fee = ceil(order.exact_fee) - charged_before
    order.fees_paid += fee
    market.fees += fee

    order.close_left -= closed
    order.open_left -= opened
    order.filled += qty
    ledger.pay(order.user, market.event, brought - fee)
    _book_position(ledger, order, qty, price, closed)
    ledger.position(order.user, market.id).realized -= fee

    released = lock_before - ledger.lock(order)
    assert brought - fee + released >= 0, "a fill took more than its order had locked"
    return fee


def _book_position(ledger: Ledger, order: Order, qty: int, price: int, closed: int) -> None:
    """Book a fill as the position shows it, cost removed first (docs/market_rules.md, Positions).

    A market that stands alone counts YES and NO apart, so the close part is what the fill reduces.
    In an event the position is net, so the fill reduces the opposite side as far as there is any.
    """
    position = ledger.position(order.user, order.market)
    opposite = position.holding(CLOSES[order.side])
    reduced = closed
    if not ledger.markets[order.market].stands_alone:
        reduced = min(qty, opposite.count)
    proceeds = proceeds_of_close(order.side, price, reduced)
    position.realized += proceeds - opposite.remove(reduced)
    added = qty - reduced
    position.holding(CLOSES[OPPOSITE[order.side]]).add(
        added, cost_of_open(order.side, price, added)
    )
    if order.side == "BUY":
        position.bought += qty
    else:
        position.sold += qty


def _progress(ledger: Ledger, order: Order) -> Notice:
    """Say how far the order is filled; a filled one is open no more."""
    if order.left > 0:
        order.status = "PARTIALLY_FILLED"
    else:
        order.status = "FILLED"
        ledger.live.remove(order)
    return ("ORDER_" + order.status, order.id, show_qty(order.filled))
