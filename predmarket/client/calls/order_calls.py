"""Calls about orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predmarket.client.calls.call import (
    Call,
    EventRef,
    MarketRef,
    Moment,
    Number,
    OrderRef,
    get,
    given,
    list_of,
    market_id,
    moment,
    number,
    of_user,
    order_in_path,
)
from predmarket.client.response_types import Batch, CancelAfter, Canceled, Order, Page, Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place, preview or batch. None selects the exchange's default."""

    market: MarketRef
    side: str
    qty: Number
    price: Number | None = None
    type: str = "LIMIT"
    time_in_force: str | None = None
    expires_at: Moment | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    max_slippage: Number | None = None
    self_trade_prevention: str | None = None
    client_order_id: str | None = None
    deadline: Moment | None = None
    order_group_id: int | None = None

    def body(self) -> dict[str, object]:
        """Return the order as the API's JSON."""
        return given(
            marketId=market_id(self.market),
            side=self.side.upper(),
            type=self.type.upper(),
            price=number(self.price),
            qty=number(self.qty),
            timeInForce=self.time_in_force and self.time_in_force.upper(),
            expiresAt=moment(self.expires_at),
            postOnly=self.post_only,
            reduceOnly=self.reduce_only,
            maxSlippage=number(self.max_slippage),
            selfTradePrevention=self.self_trade_prevention,
            clientOrderId=self.client_order_id,
            deadline=moment(self.deadline),
            orderGroupId=self.order_group_id,
        )


def place_order(order: NewOrder) -> Call[Order]:
    """Place an order; repeatable if it has a client order id."""
    repeatable = order.client_order_id is not None
    return Call("POST", "/v1/orders", body=order.body(), repeatable=repeatable)


def preview_order(order: NewOrder) -> Call[Preview]:
    """The effect that the order would have now; changes nothing."""
    return Call("POST", "/v1/orders/preview", body=order.body(), repeatable=True)


def place_batch(orders: Sequence[NewOrder | Mapping[str, object]]) -> Call[Batch]:
    """Place 1 to 100 orders, each on its own, in order; a mapping is the JSON body of an order.

    Repeatable if every one has a client order id.
    """
    bodies = [order.body() if isinstance(order, NewOrder) else order for order in orders]
    repeatable = all(body.get("clientOrderId") is not None for body in bodies)
    return Call("POST", "/v1/orders/batch", body={"orders": bodies}, repeatable=repeatable)


def orders(
    *,
    market: MarketRef | None = None,
    status: str | Sequence[str] | None = None,
    client_order_id: str | None = None,
    order_group_id: int | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    user_id: int | None = None,
) -> Call[Page[Order]]:
    """The user's orders, newest first. ``status`` is one or several; LIVE means resting orders.

    ``since`` and ``until`` bound the time of their placement: from, and before. ``user_id`` names
    another user (admin).
    """
    return list_of(
        "/v1/orders" if user_id is None else of_user(user_id, "orders"),
        market=market,
        status=status if status is None or isinstance(status, str) else ",".join(status),
        clientOrderId=client_order_id,
        orderGroupId=order_group_id,
        since=moment(since),
        until=moment(until),
        limit=limit,
        cursor=cursor,
    )


def order(order_id: OrderRef) -> Call[Order]:
    """One order."""
    return get(f"/v1/orders/{order_in_path(order_id)}")


def amend_order(
    order_id: OrderRef, *, price: Number | None = None, qty: Number | None = None
) -> Call[Order]:
    """Change a resting order's price or total quantity."""
    body = given(price=number(price), qty=number(qty))
    return Call("PATCH", f"/v1/orders/{order_in_path(order_id)}", body=body)


def cancel_order(order_id: OrderRef) -> Call[Order]:
    """Cancel one order."""
    return Call("POST", f"/v1/orders/{order_in_path(order_id)}/cancel")


def cancel_all(
    *, market: MarketRef | None = None, side: str | None = None, event: EventRef | None = None
) -> Call[Canceled]:
    """Cancel all of the user's open orders, or those of one market or event or side."""
    body = given(marketId=None if market is None else market_id(market), side=side, eventId=event)
    return Call("POST", "/v1/orders/cancel-all", body=body)


def cancel_after(seconds: int) -> Call[CancelAfter]:
    """Arm the dead-man switch; 0 turns it off."""
    return Call("POST", "/v1/orders/cancel-after", body={"seconds": seconds})
