"""Orders: preview, list, show, amend, cancel. place_order.py places them."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Router, get, patch, post
from litestar.params import JSONBody, QueryParameter

from predmarket.contracts.amounts import format_time
from predmarket.contracts.errors import Problem
from predmarket.contracts.orders import (
    AmendOrderRequest,
    CancelAfter,
    CancelAfterRequest,
    CancelAllRequest,
    CanceledOrders,
    Order,
    OrderPage,
    PlaceOrderRequest,
    Preview,
    QueuedOrder,
)
from predmarket.contracts.requests import Invalid, NoFields
from predmarket.contracts.text import LINE
from predmarket.engine.commands import CancelAfter as ArmSwitch
from predmarket.engine.commands import CancelAll, CancelOrder
from predmarket.engine.replies import Canceled
from predmarket.enums import LIVE_STATUSES, OrderStatus
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import account_views, presenters
from predmarket.server.gateway import order_entry as entry
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import cancel_entry, order_entry, preview_entry, signed_in
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    MarketFilter,
    OrderGroupFilter,
    OrderPath,
    Since,
    Until,
    span_of,
)
from predmarket.server.gateway.openapi.notes import COMMAND, ORDER, notes
from predmarket.server.gateway.order_preview import dry_run
from predmarket.server.gateway.routes import order_signatures
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.books import queue_ahead
from predmarket.server.read_model.queries.orders import (
    PlacedBy,
    fills_of,
    order_by_id,
)

_LIVE = "LIVE"
_ANY_STATUS = "|".join([_LIVE, *OrderStatus])
Statuses = Annotated[
    list[str] | None,
    QueryParameter(
        description="A status, or several with commas; given more than once they add up. LIVE: "
        "OPEN and PARTIALLY_FILLED",
        schema_extra={
            "items": {"type": "string", "pattern": f"^({_ANY_STATUS})(,({_ANY_STATUS}))*$"}
        },
    ),
]
ClientOrderId = Annotated[
    str | None,
    QueryParameter(
        name="clientOrderId",
        max_length=64,
        pattern=LINE,
        description="The one order placed under that id",
    ),
]


@post("/preview", status_code=200, guards=[preview_entry], opt=notes(*ORDER))
async def preview_order(request: ApiRequest, data: JSONBody[PlaceOrderRequest]) -> Preview:
    """Show what an order would do now, or why it would be refused; nothing is changed.

    Placing it does just this when nothing happens in between. A client order id counts only in
    that one which stands for another order is refused, as it is when placing.
    """
    services = request.services
    await entry.learn(services, [data.market_id])
    command = entry.place_command(services, request.principal, data)
    async with services.db.read() as connection:
        return presenters.preview(await dry_run(connection, command, services.core.now()))


@get("/", opt=notes(E.MARKET_NOT_FOUND))
async def list_orders(
    request: ApiRequest,
    market: MarketFilter = None,
    status: Statuses = None,
    client_order_id: ClientOrderId = None,
    order_group_id: OrderGroupFilter = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> OrderPage:
    """List one's own orders, newest first.

    With a filter a page may hold fewer than ``limit`` orders, even none, although another follows:
    no page looks at more than 5000 orders.
    """
    return await account_views.list_orders(
        request,
        request.principal.user_id,
        market=market,
        statuses=statuses_of(status),
        client_order_id=client_order_id,
        order_group_id=order_group_id,
        span=span_of(since, until),
        limit=limit,
        cursor=cursor,
    )


@get("/{id:str}", opt=notes(E.ORDER_NOT_FOUND, E.FORBIDDEN))
async def show_order(request: ApiRequest, id: OrderPath) -> QueuedOrder:
    """Show one order; while it rests, with the quantity that trades before it at its price."""
    services, who = request.services, request.principal
    wanted = await entry.id_of_order(services, who, id)
    async with services.db.read() as connection:
        record = await order_by_id(connection, wanted)
        if record is None:
            raise Refusal(E.ORDER_NOT_FOUND)
        if not who.is_admin:
            placed = PlacedBy(record.user_id, record.market_id)
            entry.refuse_others(placed, who, services)
        fills = await fills_of(connection, [wanted]) if record.filled else {}
        ahead = await queue_ahead(connection, wanted)
    return presenters.queued_order(record, fills.get(wanted, ()), services.view, ahead)


@patch(
    "/{id:str}",
    guards=[order_entry],
    opt=notes(
        E.ORDER_NOT_FOUND,
        E.FORBIDDEN,
        E.ORDER_NOT_OPEN,
        E.MARKET_NOT_OPEN,
        E.PRICE_OFF_TICK,
        E.POST_ONLY_WOULD_CROSS,
        E.INSUFFICIENT_FUNDS,
        E.QTY_BELOW_FILLED,
        E.NOTHING_TO_REDUCE,
        E.TOO_MANY_OPEN_ORDERS,
        *COMMAND,
    ),
)
async def amend_order(
    request: ApiRequest, id: OrderPath, data: JSONBody[AmendOrderRequest]
) -> Order:
    """Change an open order's price or total quantity."""
    who = request.principal
    command = entry.amend_command(
        request.services,
        who,
        await entry.id_of_order(request.services, who, id),
        None if data.price is None else data.price.units,
        None if data.qty is None else data.qty.units,
    )
    reply = await request.services.bus.submit(command)
    return await entry.changed(request.services, reply, command.order_id, who, as_admin=False)


@post(
    "/{id:str}/cancel",
    status_code=200,
    guards=[cancel_entry],
    opt=notes(E.ORDER_NOT_FOUND, E.FORBIDDEN, E.ORDER_NOT_OPEN, *COMMAND),
)
async def cancel_order(
    request: ApiRequest, id: OrderPath, data: JSONBody[NoFields | None] = None
) -> Order:
    """Cancel one open order."""
    del data  # decoding has refused any content
    who = request.principal
    wanted = await entry.id_of_order(request.services, who, id)
    command = CancelOrder(who.user_id, wanted, as_admin=who.is_admin)
    reply = await request.services.bus.submit(command)
    return await entry.changed(
        request.services, reply, command.order_id, who, as_admin=who.is_admin
    )


@post(
    "/cancel-all",
    status_code=200,
    guards=[cancel_entry],
    opt=notes(E.MARKET_NOT_FOUND, E.EVENT_NOT_FOUND, *COMMAND),
)
async def cancel_all(
    request: ApiRequest, data: JSONBody[CancelAllRequest | None] = None
) -> CanceledOrders:
    """Cancel one's open orders, of one market, event or side if given."""
    who = request.principal
    wanted = data or CancelAllRequest()
    market_id = event_id = None
    if wanted.market_id is not None:
        market_id = (await request.context.find_market(wanted.market_id, who)).id
    if wanted.event_id is not None:
        event_id = (await request.context.find_event(wanted.event_id, who)).id
    command = CancelAll(who.user_id, market_id, wanted.side, event_id=event_id)
    reply = await request.services.bus.submit(command)
    assert isinstance(reply, Canceled)
    return CanceledOrders(list(reply.order_ids))


@post("/cancel-after", status_code=200, guards=[cancel_entry], opt=notes(*COMMAND))
async def cancel_after(request: ApiRequest, data: JSONBody[CancelAfterRequest]) -> CancelAfter:
    """Arm the dead-man switch anew, or disarm it."""
    services, who = request.services, request.principal
    await services.submit(ArmSwitch(who.user_id, data.seconds))
    async with services.db.read() as connection:
        account = await account_of(connection, who.user_id)
    armed = None if account is None else account.deadman_at
    return CancelAfter(None if armed is None else format_time(armed))


def statuses_of(texts: Sequence[str] | None) -> list[OrderStatus]:
    """Return the statuses that a parameter names. Raises Invalid."""
    try:
        parts = {part for text in texts or () for part in text.split(",")}
        return [
            status
            for part in sorted(parts)
            for status in (LIVE_STATUSES if part == _LIVE else [OrderStatus(part)])
        ]
    except ValueError:
        known = ", ".join([_LIVE, *OrderStatus])
        raise Invalid(Problem("status", f"must be among {known}")) from None


router = Router(
    "/v1/orders",
    route_handlers=[
        *order_signatures.HANDLERS,
        preview_order,
        list_orders,
        show_order,
        amend_order,
        cancel_order,
        cancel_all,
        cancel_after,
    ],
    guards=[signed_in],
    tags=["orders"],
)
