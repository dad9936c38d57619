"""Orders in the API."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from predmarket.contracts.amounts import Price, Qty, Share, Time
from predmarket.contracts.errors import ErrorBody, Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import ClientOrderId, EventRef, MarketRef
from predmarket.enums import (
    Liquidity,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

MAX_BATCH_ORDERS = 100
MAX_CANCEL_AFTER_S = 86_400

_GroupId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


class PlaceOrderRequest(Request, frozen=True):
    """POST /v1/orders."""

    market_id: MarketRef
    side: Side
    type: OrderType
    qty: Qty
    price: Price | None = None
    time_in_force: TimeInForce | None = None
    expires_at: Time | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    max_slippage: Share | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    client_order_id: ClientOrderId | None = None
    deadline: Time | None = None
    order_group_id: _GroupId | None = None

    @property
    def tif(self) -> TimeInForce:
        """Return the time in force, its default filled in."""
        if self.time_in_force is not None:
            return self.time_in_force
        return TimeInForce.GTC if self.type is OrderType.LIMIT else TimeInForce.IOC

    def problems(self) -> list[Problem]:
        """Return the problems; docs/market_rules.md, Matching, lists what is malformed."""
        found: list[Problem] = []
        tif = self.tif
        if self.type is OrderType.LIMIT:
            if self.price is None:
                found.append(Problem("price", "is required with LIMIT"))
            if self.max_slippage is not None:
                found.append(Problem("maxSlippage", "goes only with MARKET"))
        else:
            if self.price is not None:
                found.append(Problem("price", "does not go with MARKET"))
            if tif not in _AT_ONCE:
                found.append(Problem("timeInForce", "must be IOC or FOK with MARKET"))
        if tif is TimeInForce.GTD:
            if self.expires_at is None:
                found.append(Problem("expiresAt", "is required with GTD"))
        elif self.expires_at is not None:
            found.append(Problem("expiresAt", "goes only with GTD"))
        if self.post_only and (self.type is OrderType.MARKET or tif in _AT_ONCE):
            found.append(Problem("postOnly", "does not go with MARKET, IOC or FOK"))
        return found


class BatchRequest(Request, frozen=True):
    """POST /v1/orders/batch; each order is decoded separately, as a PlaceOrderRequest."""

    orders: Annotated[list[Raw], Meta(min_length=1, max_length=MAX_BATCH_ORDERS)]

    def problems(self) -> list[Problem]:
        """Return a problem for each element that is not an object; decoding finds the others."""
        return [
            Problem(f"orders.{number}", "must be an object")
            for number, order in enumerate(self.orders)
            if bytes(order)[:1] != b"{"
        ]


class AmendOrderRequest(Request, frozen=True):
    """PATCH /v1/orders/{id}; qty is the order's total."""

    price: Price | None = None
    qty: Qty | None = None


class CancelAllRequest(Request, frozen=True):
    """POST /v1/orders/cancel-all."""

    market_id: MarketRef | None = None
    side: Side | None = None
    event_id: EventRef | None = None


class CancelAfterRequest(Request, frozen=True):
    """POST /v1/orders/cancel-after; 0 disarms the switch."""

    seconds: Annotated[int, Meta(ge=0, le=MAX_CANCEL_AFTER_S)]


class OrderFill(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One execution of an order."""

    trade_id: int
    price: str
    qty: str
    fee: str
    liquidity: Liquidity


class OrderStanding(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """The fields that every order shows. ``market_id`` is null if its market does not exist."""

    id: int
    client_order_id: str | None
    market_id: int | None
    market_slug: str | None
    user_id: int
    side: Side
    type: OrderType
    price: str | None
    qty: str
    qty_filled: str
    qty_remaining: str
    avg_fill_price: str | None
    fees_paid: str
    status: OrderStatus
    reason: str | None
    time_in_force: TimeInForce
    expires_at: str | None
    created_at: str
    updated_at: str


class OrderState(OrderStanding, frozen=True, rename="camel", gc=False, kw_only=True):
    """An order as it stands; ``order_group_id`` is there when it belongs to a group."""

    order_group_id: int | UnsetType = UNSET


class Order(OrderState, frozen=True, rename="camel", gc=False):
    """An order's present state, with its executions."""

    fills: list[OrderFill]


class QueuedOrder(Order, frozen=True, rename="camel", gc=False):
    """A single order; while it rests, with the quantity ahead of it at its price."""

    queue_ahead: str | UnsetType = UNSET


class Preview(msgspec.Struct, frozen=True, rename="camel"):
    """The result that an order would have now.

    ``locked`` is the cash that the order would lock at rest, ``queue_ahead`` the quantity before it
    there, null if it does not rest. ``covered_qty`` gives shares that the user holds, and so locks
    no cash.
    """

    fill_qty: str
    rest_qty: str
    avg_price: str | None
    worst_price: str | None
    fees: str
    locked: str
    queue_ahead: str | None
    covered_qty: str


class BatchResult(msgspec.Struct, frozen=True, gc=False):
    """The result of one order of a batch: the order, or the error if it was refused.

    A repeat under the same client order id gets the original order.
    """

    order: Order | UnsetType = UNSET
    error: ErrorBody | UnsetType = UNSET


class BatchAnswer(msgspec.Struct, frozen=True, gc=False):
    """The results of a batch, in the order of its orders."""

    results: list[BatchResult]


class OrderPage(msgspec.Struct, frozen=True, rename="camel"):
    """Orders, newest first."""

    items: list[Order]
    next_cursor: str | None


class CanceledOrders(msgspec.Struct, frozen=True, rename="camel"):
    """The orders that a cancel-all ended."""

    canceled: list[int]


class CancelAfter(msgspec.Struct, frozen=True, rename="camel"):
    """The time at which the dead-man switch cancels all orders; null while it is off."""

    cancel_at: str | None
