"""Replies: each command returns one to its caller, beside the events for everybody.

A reply is a copy; later commands do not change it. Amounts are integers (units.py). ``unfinished``
is the key of the command's further steps (steps.py), None after the last one.
"""

from typing import TypeAlias

import msgspec

from predmarket.engine.book import Order
from predmarket.engine.order_group import OrderGroupRecord
from predmarket.enums import (
    ErrorCode,
    Liquidity,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from predmarket.units import Micros, Money, Price, Qty


class _Reply(msgspec.Struct, frozen=True, gc=False):
    pass


class OrderRecord(_Reply, frozen=True, array_like=True):
    """An order's present state. ``price`` is None for MARKET, ``market_id`` without a market."""

    id: int
    user_id: int
    market_id: int | None
    side: Side
    type: OrderType
    price: Price | None
    qty: Qty
    filled: Qty
    notional: Money
    fees_paid: Money
    status: OrderStatus
    reason: str | None
    tif: TimeInForce
    client_order_id: str | None
    expires_at: Micros | None
    created_at: Micros
    updated_at: Micros
    order_group_id: int | None = None


class Fill(_Reply, frozen=True):
    """One order's half of a trade."""

    trade_id: int
    price: Price
    qty: Qty
    fee: Money
    liquidity: Liquidity


class Refused(_Reply, frozen=True):
    """The command changed nothing; ``order_id`` names the record of a rejected order."""

    code: ErrorCode
    message: str
    details: dict[str, str | int] | None = None
    order_id: int | None = None


class OrderDone(_Reply, frozen=True):
    """An order was placed, amended or canceled; ``fills`` are those of this step."""

    order: OrderRecord
    fills: tuple[Fill, ...] = ()
    unfinished: str | None = None


class Canceled(_Reply, frozen=True):
    """The orders that this step of a cancel-all ended."""

    order_ids: tuple[int, ...]
    unfinished: str | None = None


class OrderGroupDone(_Reply, frozen=True):
    """An order group was made, changed or deleted; ``group`` is how it stood after this step."""

    group: OrderGroupRecord
    unfinished: str | None = None


class AccountDone(_Reply, frozen=True):
    """A user's account was opened, or its dead-man switch set."""

    user_id: int


class TransferDone(_Reply, frozen=True):
    """A transfer was booked; the balance is that after it."""

    transfer_id: int
    user_id: int
    available: Money
    locked: Money


class MarketDone(_Reply, frozen=True):
    """A market was created or changed."""

    market_id: int
    unfinished: str | None = None


class Resolved(_Reply, frozen=True):
    """A market is final; ``accounts`` users received ``total`` together."""

    market_id: int
    accounts: int
    total: Money


class EventDone(_Reply, frozen=True):
    """An event was created or changed."""

    event_id: int
    unfinished: str | None = None


class AllCreated(_Reply, frozen=True):
    """Markets and events were created, in the order of the command."""

    market_ids: tuple[int, ...]
    event_ids: tuple[int, ...]


class EventResolved(_Reply, frozen=True):
    """An event is final with all its markets; ``accounts`` users received ``total`` together."""

    event_id: int
    accounts: int
    total: Money


Reply: TypeAlias = (
    Refused
    | OrderDone
    | Canceled
    | OrderGroupDone
    | AccountDone
    | TransferDone
    | MarketDone
    | Resolved
    | EventDone
    | AllCreated
    | EventResolved
)


def record(order: Order) -> OrderRecord:
    """Return a copy of an order's present state."""
    return OrderRecord(
        order.id,
        order.user_id,
        order.market_id or None,
        order.side,
        order.type,
        order.price if order.type is OrderType.LIMIT else None,
        order.qty,
        order.filled,
        order.notional,
        order.fees_paid,
        order.status,
        order.reason,
        order.tif,
        order.client_order_id,
        order.expires_at,
        order.created_at,
        order.updated_at,
        None if order.group is None else order.group.id,
    )
