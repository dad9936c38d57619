"""Trades, own executions and cash as the screen keeps them, and what happened in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from predmarket.client import response_types
from predmarket.enums import Liquidity, MarketStatus, Side
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.events import Event, Holding
from predmarket.tui.state.markets import Market
from predmarket.tui.state.positions import Position
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty


@dataclass(frozen=True, slots=True)
class Print:
    """One trade on the tape."""

    id: int
    at: Micros
    price: Price
    qty: Qty
    taker: Side


@dataclass(frozen=True, slots=True)
class OwnFill:
    """One of the trader's executions."""

    id: int
    order: int
    market: int
    slug: str
    side: Side
    price: Price
    qty: Qty
    fee: Money
    maker: bool
    at: Micros


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash."""

    available: Money
    locked: Money
    total: Money


def in_words(order: response_types.OrderState, tick: Price) -> str:
    """Return an order in a few words: "BUY 10 @ 0.60"."""
    price = order["price"]
    at = "at market" if price is None else f"@ {formatting.price(parse.price(price), tick)}"
    return f"{order['side']} {formatting.qty(parse.qty(order['qty']))} {at}"


def paid_by_market(market: Market, held: Position) -> str:
    """Return what the end of a market paid, in words."""
    if market.status is MarketStatus.VOIDED or market.settlement is None:
        return f"{market.slug} is void: what was paid there comes back"
    paid = held.yes * market.settlement + held.no * (PRICE_ONE - market.settlement)
    return f"{market.slug} resolved {market.outcome}: {formatting.money(paid)} paid to you"


def paid_by_event(event: Event, held: Holding, markets: Iterable[Market]) -> str:
    """Return what the end of an event paid, in words."""
    if event.status is MarketStatus.VOIDED:
        return f"{event.slug} is void: what was paid there comes back"
    weights = {market.id: market.settlement or 0 for market in markets}
    paid = sum(held.payoffs.get(each, 0) * weight for each, weight in weights.items())
    paid += (held.none or 0) * (PRICE_ONE - sum(weights.values()))
    words = formatting.money(paid // PRICE_ONE)
    return f"{event.slug} resolved {event.outcome}: {words} paid to you"


def own_fill(item: response_types.Fill) -> OwnFill:
    """Return an execution as the wire has it."""
    return OwnFill(
        id=item["tradeId"],
        order=item["orderId"],
        market=item["marketId"],
        slug=item["marketSlug"],
        side=Side(item["side"]),
        price=parse.price(item["price"]),
        qty=parse.qty(item["qty"]),
        fee=parse.money(item["fee"]),
        maker=item["liquidity"] == Liquidity.MAKER,
        at=parse.time(item["createdAt"]),
    )
