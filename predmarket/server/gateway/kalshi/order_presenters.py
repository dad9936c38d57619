"""Orders, fills and answers to order entry as this API shows them."""

from collections.abc import Iterable
from typing import NamedTuple

from predmarket.engine.replies import Fill, OrderRecord
from predmarket.enums import Liquidity, Side
from predmarket.server.gateway import presenters
from predmarket.server.gateway.kalshi.words import (
    ORDER_STATUS,
    SECOND,
    Json,
    both_prices,
    complement,
    count,
    dollars,
    fill_directions,
    milliseconds,
    order_directions,
    remaining,
    ticker,
    time,
)
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import UserFill
from predmarket.units import Money, Price

_NO_PRICES = {"yes_price_dollars": "0.0000", "no_price_dollars": "0.0000"}


def market_ticker(view: MarketView, market_id: int | None) -> str:
    """Return the ticker of a known market."""
    found = None if market_id is None else view.find(market_id)
    return "" if found is None else ticker(found.slug)


class Split(NamedTuple):
    """What an order's fills cost, and their fees, as taker and as maker."""

    taker_cost: Money = 0
    maker_cost: Money = 0
    taker_fees: Money = 0
    maker_fees: Money = 0

    def plus(self, side: Side, fill: Fill | UserFill) -> "Split":
        """Return the split with one fill more."""
        cost = _cost(side, fill.price) * fill.qty
        if fill.liquidity is Liquidity.TAKER:
            return self._replace(
                taker_cost=self.taker_cost + cost, taker_fees=self.taker_fees + fill.fee
            )
        return self._replace(
            maker_cost=self.maker_cost + cost, maker_fees=self.maker_fees + fill.fee
        )

    def shown(self) -> Json:
        """Return the fields."""
        return {
            "taker_fill_cost_dollars": dollars(self.taker_cost),
            "maker_fill_cost_dollars": dollars(self.maker_cost),
            "taker_fees_dollars": dollars(self.taker_fees),
            "maker_fees_dollars": dollars(self.maker_fees),
        }


def split(side: Side, fills: Iterable[Fill]) -> Split:
    """Return the split of an order's fills."""
    found = Split()
    for one in fills:
        found = found.plus(side, one)
    return found


def order(record: OrderRecord, fills: Iterable[Fill], view: MarketView) -> Json:
    """Return an order with the cost and the fees of its fills, as taker and as maker."""
    return {
        "order_id": str(record.id),
        "user_id": str(record.user_id),
        "client_order_id": record.client_order_id or "",
        "ticker": market_ticker(view, record.market_id),
        **order_directions(record.side),
        "type": record.type.lower(),
        "status": ORDER_STATUS[record.status],
        **(_NO_PRICES if record.price is None else both_prices(record.price)),
        "fill_count_fp": count(record.filled),
        "remaining_count_fp": count(remaining(record)),
        "initial_count_fp": count(record.qty),
        **split(record.side, fills).shown(),
        "expiration_time": None if record.expires_at is None else time(record.expires_at),
        "created_time": time(record.created_at),
        "last_update_time": time(record.updated_at),
        "order_group_id": None if record.order_group_id is None else str(record.order_group_id),
        "cancel_order_on_pause": False,
        "subaccount_number": 0,
    }


def _cost(side: Side, price: Price) -> Price:
    """Return the price of the outcome that a side acquires."""
    return price if side is Side.BUY else complement(price)


def fill(record: UserFill, view: MarketView) -> Json:
    """Return one of a user's fills."""
    name = market_ticker(view, record.market_id)
    return {
        "fill_id": str(record.trade_id),
        "trade_id": str(record.trade_id),
        "order_id": str(record.order_id),
        "ticker": name,
        "market_ticker": name,
        **fill_directions(record.side),
        "count_fp": count(record.qty),
        **both_prices(record.price),
        "is_taker": record.liquidity is Liquidity.TAKER,
        "fee_cost": dollars(record.fee),
        "created_time": time(record.created_at),
        "ts": record.created_at // SECOND,
        "subaccount_number": 0,
    }


def acknowledgement(record: OrderRecord, view: MarketView) -> Json:
    """Return the answer to an order or to a change of one, as the order stands."""
    told = {
        **_identity(record, view),
        "fill_count": count(record.filled),
        "remaining_count": count(remaining(record)),
        "ts_ms": milliseconds(record.updated_at),
    }
    if record.filled:
        told["average_fill_price"] = presenters.average(record.notional, record.filled)
        told["average_fee_paid"] = presenters.average(record.fees_paid, record.filled)
    return told


def reduction(record: OrderRecord, by: int, view: MarketView) -> Json:
    """Return the answer to a cancel that took ``by`` off the book."""
    return {
        **_identity(record, view),
        "reduced_by": count(by),
        "ts_ms": milliseconds(record.updated_at),
    }


def _identity(record: OrderRecord, view: MarketView) -> Json:
    told: Json = {
        "order_id": str(record.id),
        "ticker": market_ticker(view, record.market_id),
    }
    if record.client_order_id is not None:
        told["client_order_id"] = record.client_order_id
    return told
