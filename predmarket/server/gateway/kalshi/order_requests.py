"""Translates Kalshi's orders, and changes of orders, into the exchange's own.

Fields that mean nothing here are ignored, as at Kalshi. A field that asks for something that the
exchange does not do is refused.
"""

from typing import Any, TypeAlias

import msgspec

from predmarket.contracts.amounts import Price, Qty, Time
from predmarket.contracts.orders import MAX_BATCH_ORDERS, PlaceOrderRequest
from predmarket.enums import OrderType, SelfTradePrevention, Side, TimeInForce
from predmarket.server.gateway.kalshi.errors import InvalidOrder, NotFound
from predmarket.server.gateway.kalshi.query import no_subaccounts
from predmarket.server.gateway.kalshi.words import SELF_TRADE, SIDES, slug
from predmarket.units import PRICE_ONE, Money, UnitError, parse, parse_money

Number: TypeAlias = object
"""A decimal string or a JSON number, which never becomes a float."""

MAX_CLIENT_ID = 64
_CENTS = 100
"""Units of a price in a cent."""
_MONEY_OF_A_CENT: Money = 10_000
_TIMES = {
    "good_till_canceled": TimeInForce.GTC,
    "immediate_or_cancel": TimeInForce.IOC,
    "fill_or_kill": TimeInForce.FOK,
}
_SHARDS = (None, 0, -1)
_MAX_SECONDS = 2**33


class OrderBody(msgspec.Struct, frozen=True):
    """An order. ``side`` is bid or ask; with ``action`` it is yes or no, as in the older API."""

    ticker: str
    side: str
    action: str | None = None
    client_order_id: str | None = None
    count: Number | None = None
    count_fp: Number | None = None
    price: Number | None = None
    yes_price: Number | None = None
    no_price: Number | None = None
    yes_price_dollars: Number | None = None
    no_price_dollars: Number | None = None
    time_in_force: str | None = None
    expiration_time: int | None = None
    expiration_ts: int | None = None
    self_trade_prevention_type: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    cancel_order_on_pause: bool | None = None
    buy_max_cost: Number | None = None
    buy_max_cost_dollars: Number | None = None
    subaccount: int | None = None
    exchange_index: int | None = None
    order_group_id: str | None = None


class AmendBody(msgspec.Struct, frozen=True):
    """A change of an order; the count is its total."""

    price: Number
    count: Number
    ticker: str | None = None
    side: str | None = None
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    subaccount: int | None = None
    exchange_index: int | None = None


class DecreaseBody(msgspec.Struct, frozen=True):
    """A decrease of what is left of an order: by a count, or to one."""

    reduce_by: Number | None = None
    reduce_to: Number | None = None
    reduce_by_fp: Number | None = None
    reduce_to_fp: Number | None = None
    subaccount: int | None = None
    exchange_index: int | None = None


class OrderName(msgspec.Struct, frozen=True):
    """An order to be cancelled."""

    order_id: str
    subaccount: int | None = None
    exchange_index: int | None = None


class BatchBody(msgspec.Struct, frozen=True):
    """Orders, each read on its own."""

    orders: list[msgspec.Raw]


class CancelBody(msgspec.Struct, frozen=True):
    """Orders to be cancelled."""

    orders: list[OrderName] = []
    ids: list[str] = []


_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a body. Numbers never become floats."""
    known = _decoders.get(kind)
    if known is None:
        known = _decoders[kind] = msgspec.json.Decoder(kind, float_hook=str)
    return known


def read(raw: bytes, kind: type[Any]) -> Any:  # noqa: ANN401 -- of that kind
    """Return a body. Raises InvalidOrder."""
    try:
        return _decoder(kind).decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        said = "is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise InvalidOrder(f"the body is malformed: {said}") from None


def read_batch(raw: bytes) -> list[bytes]:
    """Return the orders of a batch. Raises InvalidOrder."""
    orders = read(raw, BatchBody).orders
    if not 1 <= len(orders) <= MAX_BATCH_ORDERS:
        raise InvalidOrder(f"a batch holds 1 to {MAX_BATCH_ORDERS} orders")
    return [bytes(one) for one in orders]


def check_account(subaccount: int | None, exchange_index: int | None) -> None:
    """Refuse every account but the first. Raises KalshiRefusal."""
    if subaccount:
        raise no_subaccounts()
    if exchange_index not in _SHARDS:
        raise InvalidOrder("exchange_index must be 0: there is one exchange here")


def qty(name: str, value: Number) -> Qty:
    """Return a count of contracts. Raises InvalidOrder."""
    try:
        return Qty.read(value)
    except UnitError as error:
        raise InvalidOrder(f"{name} {error}") from None


def price(name: str, value: Number, unit: int = PRICE_ONE) -> Price:
    """Return a price, in dollars or in cents. Raises InvalidOrder."""
    try:
        if unit == PRICE_ONE:
            return Price.read(value)
        if type(value) is int and 0 < value < PRICE_ONE // unit:
            return Price(value * unit)
        raise UnitError("must be whole cents from 1 to 99")
    except UnitError as error:
        raise InvalidOrder(f"{name} {error}") from None


def order(raw: bytes) -> PlaceOrderRequest:
    """Return the order that a body asks for. Raises KalshiRefusal."""
    body: OrderBody = read(raw, OrderBody)
    check_account(body.subaccount, body.exchange_index)
    side, limit = _direction(body)
    given = [one for one in (body.count, body.count_fp) if one is not None]
    counts = {qty("count", one) for one in given}
    if len(counts) != 1:
        raise InvalidOrder("count is required, and must equal count_fp when both are given")
    (wanted,) = counts
    tif, expires = _time_in_force(body)
    client_id = body.client_order_id or None
    if client_id is not None and (len(client_id) > MAX_CLIENT_ID or not client_id.isprintable()):
        raise InvalidOrder(
            f"client_order_id must have at most {MAX_CLIENT_ID} printable characters"
        )
    if body.cancel_order_on_pause:
        raise InvalidOrder("cancel_order_on_pause is not supported: a halt keeps orders")
    _check_cost(body, side, limit, wanted, tif)
    if body.post_only and tif in (TimeInForce.IOC, TimeInForce.FOK):
        raise InvalidOrder("post_only does not go with immediate_or_cancel or fill_or_kill")
    stp = SELF_TRADE.get(body.self_trade_prevention_type or "taker_at_cross")
    if stp is None:
        raise InvalidOrder("self_trade_prevention_type must be taker_at_cross or maker")
    return _request(body, side, limit, wanted, tif, expires, stp, client_id)


def _request(
    body: OrderBody,
    side: Side,
    limit: Price,
    wanted: Qty,
    tif: TimeInForce,
    expires: Time | None,
    stp: SelfTradePrevention,
    client_id: str | None,
) -> PlaceOrderRequest:
    return PlaceOrderRequest(
        market_id=_market(body.ticker),
        side=side,
        type=OrderType.LIMIT,
        qty=wanted,
        price=limit,
        time_in_force=tif,
        expires_at=expires,
        post_only=body.post_only,
        reduce_only=body.reduce_only,
        self_trade_prevention=stp,
        client_order_id=client_id,
        order_group_id=_group(body.order_group_id),
    )


def _group(name: str | None) -> int | None:
    """Return the id of an order group. Raises NotFound for what is none."""
    if not name:
        return None
    if not (name.isascii() and name.isdigit() and 0 < len(name) < 19 and int(name)):
        raise NotFound("there is no such order group")
    return int(name)


def _market(name: str) -> str:
    """Return a market's slug; "-", which names none, for an id or a text that is no ticker."""
    by_slug = slug(name)
    return by_slug if by_slug and not by_slug.isdigit() and len(by_slug) <= 64 else "-"


def _direction(body: OrderBody) -> tuple[Side, Price]:
    """Return an order's side and its price of YES."""
    if body.action is None:
        side = SIDES.get(body.side)
        if side is None:
            raise InvalidOrder("side must be bid or ask")
        of_yes = [
            _priced("price", body.price),
            _priced("yes_price_dollars", body.yes_price_dollars),
        ]
        return side, _one_price(of_yes)
    if body.action not in ("buy", "sell") or body.side not in ("yes", "no"):
        raise InvalidOrder("action must be buy or sell, and side yes or no")
    side = Side.BUY if (body.action == "buy") == (body.side == "yes") else Side.SELL
    return side, _one_price(
        [
            _priced("price", body.price),
            _priced("yes_price_dollars", body.yes_price_dollars),
            _priced("yes_price", body.yes_price, _CENTS),
            _complement(_priced("no_price_dollars", body.no_price_dollars)),
            _complement(_priced("no_price", body.no_price, _CENTS)),
        ]
    )


def _priced(name: str, value: Number | None, unit: int = PRICE_ONE) -> Price | None:
    return None if value is None else price(name, value, unit)


def _complement(found: Price | None) -> Price | None:
    return None if found is None else Price(PRICE_ONE - found.units)


def _one_price(found: list[Price | None]) -> Price:
    prices = {one for one in found if one is not None}
    if len(prices) != 1:
        raise InvalidOrder("price is required, and all prices given must be the same")
    return prices.pop()


def _time_in_force(body: OrderBody) -> tuple[TimeInForce, Time | None]:
    tif = _TIMES.get(body.time_in_force or "good_till_canceled")
    if tif is None:
        raise InvalidOrder(f"time_in_force must be one of {', '.join(_TIMES)}")
    expires = body.expiration_time or body.expiration_ts
    if not expires:
        return tif, None
    if tif is not TimeInForce.GTC:
        raise InvalidOrder("expiration_time goes with good_till_canceled alone")
    if not 0 < expires < _MAX_SECONDS:
        raise InvalidOrder("expiration_time must be in seconds since 1970")
    return TimeInForce.GTD, Time(expires * 1_000_000)


def _check_cost(body: OrderBody, side: Side, limit: Price, wanted: Qty, tif: TimeInForce) -> None:
    """Refuse a maximum cost that would have an effect: at Kalshi it makes the order FOK."""
    most: Money | None = None
    try:
        if body.buy_max_cost is not None:
            most = parse(str(body.buy_max_cost), 0) * _MONEY_OF_A_CENT
        elif body.buy_max_cost_dollars is not None:
            most = parse_money(str(body.buy_max_cost_dollars))
    except UnitError as error:
        raise InvalidOrder(f"buy_max_cost {error}") from None
    if most is None:
        return
    each = limit.units if side is Side.BUY else PRICE_ONE - limit.units
    if tif is not TimeInForce.FOK or each * wanted.units > most:
        raise InvalidOrder("buy_max_cost is not supported: give a price and fill_or_kill")


def total(name: str, value: Number) -> int:
    """Return a count that may be 0, in units. Raises InvalidOrder."""
    if str(value) in ("0", "0.0", "0.00"):
        return 0
    return qty(name, value).units
