"""Orders, order groups and the answers of what changes them."""

from typing import NotRequired, TypedDict

from predmarket.client.response_types.common import ErrorBody


class OrderFill(TypedDict):
    tradeId: int
    price: str
    qty: str
    fee: str
    liquidity: str


class OrderState(TypedDict):
    """An order without its executions, as the feed sends it."""

    id: int
    clientOrderId: str | None
    marketId: int | None
    marketSlug: str | None
    userId: int
    side: str
    type: str
    price: str | None
    qty: str
    qtyFilled: str
    qtyRemaining: str
    avgFillPrice: str | None
    feesPaid: str
    status: str
    reason: str | None
    timeInForce: str
    expiresAt: str | None
    createdAt: str
    updatedAt: str
    orderGroupId: NotRequired[int]


class OrderGroup(TypedDict):
    """limit is what the group's orders may fill within 15 seconds; a TRIPPED one takes none."""

    id: int
    limit: str
    status: str
    createdAt: str
    updatedAt: str


class OrderGroupUpdate(OrderGroup):
    """What happened to a group, and how it stood then."""

    change: str


class OrderGroupsSnapshot(TypedDict):
    items: list[OrderGroup]


class Order(OrderState):
    """queueAhead is present in the answer for a single resting order."""

    fills: list[OrderFill]
    queueAhead: NotRequired[str]


class Preview(TypedDict):
    """coveredQty gives shares held already, and so locks no cash."""

    fillQty: str
    restQty: str
    avgPrice: str | None
    worstPrice: str | None
    fees: str
    locked: str
    queueAhead: str | None
    coveredQty: str


class BatchResult(TypedDict, total=False):
    """Either the order or the error that refused it."""

    order: Order
    error: ErrorBody


class Batch(TypedDict):
    results: list[BatchResult]


class Canceled(TypedDict):
    canceled: list[int]


class OrdersSnapshot(TypedDict):
    """The user's open orders, newest first; more means that there are others."""

    items: list[OrderState]
    more: NotRequired[bool]
    missed: NotRequired[bool]


class OrderAck(TypedDict, total=False):
    """The order, or the cancelled orders of a cancel-all."""

    order: Order
    canceled: list[int]


class CancelAfter(TypedDict):
    """The time at which the dead-man switch cancels all orders; null if it is off."""

    cancelAt: str | None
