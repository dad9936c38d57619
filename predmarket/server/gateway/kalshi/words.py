"""Kalshi's words and spellings for ours, and back: tickers, sides, statuses, amounts, times."""

from collections.abc import Collection
from decimal import Decimal
from typing import TypeAlias

from predmarket import units
from predmarket.contracts.amounts import format_time
from predmarket.engine.replies import OrderRecord
from predmarket.enums import LIVE_STATUSES, MarketStatus, OrderStatus, SelfTradePrevention, Side
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty, format_price, format_qty

Json: TypeAlias = dict[str, object]
"""A JSON object of an answer."""

SECOND: Micros = 1_000_000
_CENT: Money = 10_000
_PRICE_UNIT: Money = 100
"""One unit of a price, as money."""

MARKET_STATUS = {
    MarketStatus.DRAFT: "initialized",
    MarketStatus.OPEN: "active",
    MarketStatus.HALTED: "inactive",
    MarketStatus.CLOSED: "closed",
    MarketStatus.RESOLVED: "finalized",
    MarketStatus.VOIDED: "finalized",
}
ENDED = (MarketStatus.RESOLVED, MarketStatus.VOIDED)
STATUS_FILTER: dict[str, Collection[MarketStatus]] = {
    "unopened": (MarketStatus.DRAFT,),
    "initialized": (MarketStatus.DRAFT,),
    "open": (MarketStatus.OPEN,),
    "active": (MarketStatus.OPEN,),
    "paused": (MarketStatus.HALTED,),
    "inactive": (MarketStatus.HALTED,),
    "closed": (MarketStatus.CLOSED,),
    "determined": (),
    "settled": ENDED,
    "finalized": ENDED,
}
"""Statuses of markets as filters and answers of Kalshi's name them."""

ORDER_STATUS = {
    OrderStatus.OPEN: "resting",
    OrderStatus.PARTIALLY_FILLED: "resting",
    OrderStatus.FILLED: "executed",
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "canceled",
    OrderStatus.REJECTED: "canceled",
}
ORDER_FILTER: dict[str, Collection[OrderStatus]] = {
    "resting": LIVE_STATUSES,
    "executed": (OrderStatus.FILLED,),
    "canceled": (OrderStatus.CANCELED, OrderStatus.EXPIRED),
}
ACCEPTED = tuple(status for status in OrderStatus if status is not OrderStatus.REJECTED)
"""Kalshi keeps no record of a refused order."""

SELF_TRADE = {
    "taker_at_cross": SelfTradePrevention.CANCEL_TAKER,
    "maker": SelfTradePrevention.CANCEL_MAKER,
}
SIDES = {"bid": Side.BUY, "ask": Side.SELL}
BOOK_SIDE = {Side.BUY: "bid", Side.SELL: "ask"}
OUTCOME_SIDE = {Side.BUY: "yes", Side.SELL: "no"}
ACTION = {Side.BUY: "buy", Side.SELL: "sell"}


def ticker(slug: str) -> str:
    """Return the ticker of a slug."""
    return slug.upper()


def slug(ticker: str) -> str:
    """Return the slug of a ticker, in any case."""
    return ticker.lower()


def complement(price: Price) -> Price:
    """Return the price of the other outcome."""
    return PRICE_ONE - price


def dollars(money: Money) -> str:
    """Return money with 4 decimals, or with all 6 when it has more than 4."""
    if money % _PRICE_UNIT:
        return units.format_money(money)
    return units.format(money // _PRICE_UNIT, units.PRICE_DECIMALS)


def cents(money: Money) -> int:
    """Return money in whole cents, rounded down."""
    return money // _CENT


def both_prices(price: Price) -> Json:
    """Return the fields of a price, as the price of YES and of NO."""
    return {
        "yes_price_dollars": format_price(price),
        "no_price_dollars": format_price(complement(price)),
    }


def directions(side: Side) -> Json:
    """Return the canonical fields of a direction."""
    return {"book_side": BOOK_SIDE[side], "outcome_side": OUTCOME_SIDE[side]}


def order_directions(side: Side) -> Json:
    """Return all the fields of an order's direction; the legacy ones speak of YES alone."""
    return {**directions(side), "action": ACTION[side], "side": "yes"}


def fill_directions(side: Side) -> Json:
    """Return all the fields of a fill's direction; the legacy side is the outcome acquired."""
    return {**directions(side), "action": ACTION[side], "side": OUTCOME_SIDE[side]}


def remaining(order: OrderRecord) -> Qty:
    """Return the quantity of an order that may still trade."""
    return order.qty - order.filled if order.status in LIVE_STATUSES else 0


def count(qty: Qty) -> str:
    """Return a count of contracts with 2 decimals."""
    return format_qty(qty)


def time(micros: Micros) -> str:
    """Return a time in RFC 3339."""
    return format_time(micros)


def seconds(micros: Micros) -> int:
    """Return a time in whole seconds since 1970."""
    return micros // SECOND


def milliseconds(micros: Micros) -> int:
    """Return a time in whole milliseconds since 1970."""
    return micros // 1_000


def number(qty: Qty) -> int | Decimal:
    """Return a count as a JSON number, whole if it is."""
    return qty // units.QTY_ONE if qty % units.QTY_ONE == 0 else Decimal(qty) / units.QTY_ONE
