"""Events of the engine, in order: they and the reply are the engine's only output.

Order events carry ``n``, which counts the order's own events from 1: order id, type and n name one
event for ever. Amounts are integers (units.py). Balances and positions follow from these events;
the store reads their final values from the state.
"""

from typing import ClassVar, TypeAlias

import msgspec

from predmarket.engine.order_group import OrderGroupRecord
from predmarket.engine.proposal import EventProposal, MarketProposal
from predmarket.enums import CancelReason, ErrorCode, MarketStatus, OrderGroupChange, Side
from predmarket.units import Money, Price, Qty


class _Event(msgspec.Struct, frozen=True, gc=False):
    type: ClassVar[str]


class OrderAccepted(_Event, frozen=True):
    """The order passed every check; its funds and shares are reserved."""

    type = "ORDER_ACCEPTED"
    order_id: int
    n: int


class OrderRejected(_Event, frozen=True):
    """The order was refused; only its own record is new.

    A repeat gets the stored message and details again.
    """

    type = "ORDER_REJECTED"
    order_id: int
    n: int
    code: ErrorCode
    message: str
    details: dict[str, str | int] | None


class Match(_Event, frozen=True):
    """A trade. Cash is the amount that each side received, or paid if negative, before the fee."""

    type = "MATCH"
    trade_id: int
    market_id: int
    buy_order_id: int
    sell_order_id: int
    buy_user_id: int
    sell_user_id: int
    price: Price
    qty: Qty
    taker_side: Side
    buy_cash: Money
    sell_cash: Money
    buy_fee: Money
    sell_fee: Money


class OrderPartiallyFilled(_Event, frozen=True):
    """A trade filled part of the order. ``qty_filled`` is the order's total so far."""

    type = "ORDER_PARTIALLY_FILLED"
    order_id: int
    n: int
    trade_id: int
    qty_filled: Qty


class OrderFilled(_Event, frozen=True):
    """A trade filled the rest of the order."""

    type = "ORDER_FILLED"
    order_id: int
    n: int
    trade_id: int
    qty_filled: Qty


class OrderCanceled(_Event, frozen=True):
    """The rest of the order was cancelled, or expired."""

    type = "ORDER_CANCELED"
    order_id: int
    n: int
    reason: CancelReason


class OrderAmended(_Event, frozen=True):
    """The order's price or total quantity is now this."""

    type = "ORDER_AMENDED"
    order_id: int
    n: int
    price: Price
    qty: Qty


class BookDelta(_Event, frozen=True):
    """A level's absolute size after the command; ``seq`` counts the book's level changes."""

    type = "BOOK_DELTA"
    market_id: int
    side: Side
    price: Price
    qty: Qty
    seq: int


class Merged(_Event, frozen=True):
    """``qty`` complete sets of one user, free YES and NO shares, became ``qty`` dollars.

    In an event a set is one share of each outcome; ``market_id`` is the market whose fill, release
    or striking completed it.
    """

    type = "MERGED"
    user_id: int
    market_id: int
    qty: Qty


class AccountOpened(_Event, frozen=True):
    """The user has an account."""

    type = "ACCOUNT_OPENED"
    user_id: int


class Transferred(_Event, frozen=True):
    """Money came from outside, or, negative, left."""

    type = "TRANSFERRED"
    transfer_id: int
    user_id: int
    amount: Money


class PaidOut(_Event, frozen=True):
    """A resolution paid ``cash``; a VOID also gave ``fee`` of earlier fees back.

    A whole event pays a user at once: ``market_id`` is None then, otherwise ``event_id`` is.
    """

    type = "PAID_OUT"
    user_id: int
    market_id: int | None
    cash: Money
    fee: Money
    event_id: int | None = None


class MarketChanged(_Event, frozen=True):
    """A market was created, changed its status or its details."""

    type = "MARKET_CHANGED"
    market_id: int
    status: MarketStatus
    new_status: bool


class EventChanged(_Event, frozen=True):
    """An event was created or has ended, or its details or its list of markets changed."""

    type = "EVENT_CHANGED"
    event_id: int


class ProposalEnded(_Event, frozen=True):
    """A proposed resolution is being made, or was withdrawn."""

    type = "PROPOSAL_ENDED"
    proposal: MarketProposal | EventProposal


class OrderGroupChanged(_Event, frozen=True):
    """An order group was made, changed or deleted; ``group`` is how it stood then."""

    type = "ORDER_GROUP_CHANGED"
    group: OrderGroupRecord
    change: OrderGroupChange


class OrderGroupFilled(_Event, frozen=True):
    """A trade filled an order of a group, and counts for the group's limit."""

    type = "ORDER_GROUP_FILLED"
    group_id: int
    trade_id: int
    qty: Qty


OrderEvent: TypeAlias = (
    OrderAccepted
    | OrderRejected
    | OrderPartiallyFilled
    | OrderFilled
    | OrderCanceled
    | OrderAmended
)
Event: TypeAlias = (
    OrderEvent
    | Match
    | BookDelta
    | Merged
    | AccountOpened
    | Transferred
    | PaidOut
    | MarketChanged
    | EventChanged
    | ProposalEnded
    | OrderGroupChanged
    | OrderGroupFilled
)
