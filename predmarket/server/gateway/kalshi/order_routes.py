"""Order entry: create, cancel, amend, decrease, and batches of them.

Orders are placed by the same functions as under /v1, under the same limits, and a client order id
is as durable as there. Creating orders bypasses the framework, as POST /v1/orders does.
"""

from collections.abc import Iterable
from functools import partial

from litestar import Response, Router, delete, post, route
from litestar.types import HTTPScope

from predmarket.contracts.orders import MAX_BATCH_ORDERS, PlaceOrderRequest
from predmarket.contracts.requests import weight
from predmarket.engine.commands import AmendOrder, CancelOrder, PlaceOrder
from predmarket.engine.replies import OrderDone, OrderRecord, Refused
from predmarket.enums import LIVE_STATUSES, ErrorCode, Scope
from predmarket.server.core.bus import BusError, BusReply, OutcomeUnknown
from predmarket.server.errors import Refusal
from predmarket.server.gateway import order_entry
from predmarket.server.gateway.api_request import ApiRequest, require_json
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.guards import cancel_entry
from predmarket.server.gateway.guards import order_entry as order_limit
from predmarket.server.gateway.http.params import order_id
from predmarket.server.gateway.http.responses import Headers
from predmarket.server.gateway.kalshi import order_requests as bodies
from predmarket.server.gateway.kalshi.answers import answer, encode
from predmarket.server.gateway.kalshi.errors import (
    InvalidOrder,
    KalshiRefusal,
    NotFound,
    body_of,
    envelope,
    explain,
)
from predmarket.server.gateway.kalshi.guards import require, trader
from predmarket.server.gateway.kalshi.order_presenters import acknowledgement, reduction
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import SIDES, Json, remaining, slug
from predmarket.server.gateway.order_entry import Taken
from predmarket.server.gateway.routes.place_order import MAX_BATCH_BYTES, PlaceRoute
from predmarket.server.gateway.services import Services
from predmarket.server.read_model.queries.orders import order_by_id, orders_by_id
from predmarket.units import Qty

PATH = "/trade-api/v2/portfolio/events/orders"


class CreateRoute(PlaceRoute):
    """The ASGI application behind POST /portfolio/events/orders."""

    path = PATH

    def _refused(self, error: Exception, id: str) -> tuple[int, bytes, Headers]:
        return refused(error, id)

    async def _who(self, scope: HTTPScope) -> Principal:
        """Return a request's sender; the second call takes the key from the cache."""
        return await require(self._context, scope, Scope.TRADE)

    def _check_query(self, scope: HTTPScope) -> None:
        """Accept any query: these routes ignore parameters that they do not know."""

    async def _answer(
        self, principal: Principal, scope: HTTPScope, raw: bytes
    ) -> tuple[int, bytes]:
        services = self._context.services
        await self._context.limits.orders.take(principal.user_id, weight(raw))
        request = bodies.order(raw)
        await order_entry.learn(services, [request.market_id])
        principal = await self._who(scope)
        try:
            status, taken = await order_entry.take(services, principal, request)
        except OutcomeUnknown as error:
            raise _unknown(error, request.client_order_id) from None
        return status, encode(acknowledgement(taken.order, services.view))


def _unknown(error: OutcomeUnknown, client_order_id: str | None) -> Exception:
    """Return the refusal for an unknown outcome.

    Clients repeat a request after a 503. An order without a client order id would be placed twice.
    """
    if client_order_id is not None:
        return error
    message = "no answer in time; the order may have been placed"
    return KalshiRefusal(409, "outcome_unknown", message)


class OrderTranslation:
    """Orders of this API for the fast path (protocol/order_fast_path.py)."""

    path = PATH

    def __init__(self, context: Context) -> None:
        self._view = context.services.view
        assert context.signatures is not None  # the routes are there with it alone
        self._signatures = context.signatures

    def sender(self, scope: HTTPScope) -> Principal | None:
        """Return the signer of a request if its key is cached; the route refuses a wrong one."""
        try:
            who = self._signatures.known(scope)
        except Refusal:
            return None
        return who if who is not None and who.may(Scope.TRADE) else None

    def read(self, raw: bytes) -> PlaceOrderRequest:
        """Return the order that a body asks for. Raises KalshiRefusal."""
        return bodies.order(raw)

    def shown(self, taken: Taken) -> bytes:
        """Return the answer to an accepted order."""
        return encode(acknowledgement(taken.order, self._view))

    def refused(
        self, error: BaseException, id: str, command: PlaceOrder | None
    ) -> tuple[int, bytes, Headers]:
        """Return the status, the body and the headers of an error."""
        if isinstance(error, OutcomeUnknown) and command is not None:
            error = _unknown(error, command.client_order_id)
        return refused(error, id)


def refused(error: BaseException, id: str) -> tuple[int, bytes, Headers]:
    """Return the status, the body and the headers of an error."""
    told = explain(error)
    headers = [(name.encode(), value.encode()) for name, value in told.headers.items()]
    return told.answer.status, envelope(told, id), headers


class BatchRoute(CreateRoute):
    """The ASGI application behind POST /portfolio/events/orders/batched."""

    path = f"{PATH}/batched"
    max_body_bytes = MAX_BATCH_BYTES

    async def _answer(
        self, principal: Principal, scope: HTTPScope, raw: bytes
    ) -> tuple[int, bytes]:
        limit, services = self._context.limits.orders, self._context.services
        taken = weight(raw)
        await limit.take(principal.user_id, taken)
        asked = bodies.read_batch(raw)
        if len(asked) > taken:
            await limit.take(principal.user_id, len(asked) - taken)
        requests: dict[int, PlaceOrderRequest] = {}
        refused: dict[int, Exception] = {}
        for place, one in enumerate(asked):
            try:
                requests[place] = bodies.order(one)
            except KalshiRefusal as error:
                refused[place] = error
        found = await order_entry.take_many(services, partial(self._who, scope), requests)
        told: list[Json] = []
        for place in range(len(asked)):
            result = refused.get(place) or found[place]
            if isinstance(result, Exception):
                given = requests.get(place)
                named = None if given is None else given.client_order_id
                told.append({"client_order_id": named, "error": body_of(explain(result))})
            else:
                told.append(acknowledgement(result.order, services.view))
        return 201, encode({"orders": told})


async def _own(services: Services, who: Principal, id: int) -> OrderRecord:
    """Return one of the sender's orders. Raises NotFound."""
    async with services.db.read_account() as connection:
        found = await order_by_id(connection, id)
    if found is None or found.user_id != who.user_id:
        raise NotFound("there is no such order")
    return found


async def _submit(services: Services, command: AmendOrder | CancelOrder) -> OrderRecord:
    """Have the core execute a command on an order. Raises Refusal, BusError."""
    reply = await services.submit(command)
    assert isinstance(reply, OrderDone)
    return reply.order


@delete("/{name:str}", guards=[trader, cancel_entry], status_code=200)
async def cancel_order(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Cancel the rest of one of the sender's orders."""
    Query(request)
    services, who = request.services, request.principal
    order = await _own(services, who, order_id(name))
    gone = await _submit(services, CancelOrder(who.user_id, order.id))
    return answer(reduction(gone, gone.qty - gone.filled, services.view))


@post("/{name:str}/amend", guards=[trader, order_limit], status_code=200)
async def amend_order(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Change an order's price and its total count."""
    Query(request)
    services, who = request.services, request.principal
    body: bodies.AmendBody = bodies.read(await _raw(request), bodies.AmendBody)
    bodies.check_account(body.subaccount, body.exchange_index)
    price, qty = bodies.price("price", body.price), bodies.qty("count", body.count)
    order = await _own(services, who, order_id(name))
    _check_unchanged(services, order, body)
    command = order_entry.amend_command(services, who, order.id, price.units, qty.units)
    changed = await _submit(services, command)
    return answer(acknowledgement(changed, services.view))


def _check_unchanged(services: Services, order: OrderRecord, body: bodies.AmendBody) -> None:
    """Refuse a change of an order's market, side or client order id."""
    market = None if body.ticker is None else services.view.find(slug(body.ticker))
    if body.ticker is not None and (market is None or market.id != order.market_id):
        raise InvalidOrder("ticker is not that of the order")
    if body.side is not None and SIDES.get(body.side) is not order.side:
        raise InvalidOrder("side is not that of the order")
    new = body.updated_client_order_id
    if new and new != order.client_order_id:
        raise InvalidOrder("an order keeps its client_order_id")


@post("/{name:str}/decrease", guards=[trader, order_limit], status_code=200)
async def decrease_order(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Decrease the remaining count of an order; a decrease to 0 cancels it."""
    Query(request)
    services, who = request.services, request.principal
    body: bodies.DecreaseBody = bodies.read(await _raw(request), bodies.DecreaseBody)
    bodies.check_account(body.subaccount, body.exchange_index)
    order = await _own(services, who, order_id(name))
    if order.status not in LIVE_STATUSES:
        raise Refusal(ErrorCode.ORDER_NOT_OPEN)
    total = _decreased(body, order)
    if total > order.filled:
        try:
            command = order_entry.amend_command(services, who, order.id, None, total)
            changed = await _submit(services, command)
            return answer(acknowledgement(changed, services.view))
        except Refusal as refusal:
            if refusal.code is not ErrorCode.QTY_BELOW_FILLED:  # else it traded meanwhile
                raise
    gone = await _submit(services, CancelOrder(who.user_id, order.id))
    return answer(acknowledgement(gone, services.view))


def _decreased(body: bodies.DecreaseBody, order: OrderRecord) -> Qty:
    """Return an order's total after a decrease. Raises InvalidOrder."""
    by = body.reduce_by if body.reduce_by is not None else body.reduce_by_fp
    to = body.reduce_to if body.reduce_to is not None else body.reduce_to_fp
    if (by is None) == (to is None):
        raise InvalidOrder("give reduce_by or reduce_to")
    if by is not None:
        return order.qty - bodies.qty("reduce_by", by).units
    left = bodies.total("reduce_to", to)
    if left >= remaining(order):
        raise InvalidOrder("reduce_to must be less than what is left")
    return order.filled + left


@delete("/batched", guards=[trader, cancel_entry], status_code=200)
async def cancel_batch(request: ApiRequest) -> Response[bytes]:
    """Cancel several of the sender's orders, each on its own."""
    Query(request)
    services, who = request.services, request.principal
    body: bodies.CancelBody = bodies.read(await _raw(request), bodies.CancelBody)
    for one in body.orders:
        bodies.check_account(one.subaccount, one.exchange_index)
    names = [*(one.order_id for one in body.orders), *body.ids]
    if not 1 <= len(names) <= MAX_BATCH_ORDERS:
        raise InvalidOrder(f"a batch holds 1 to {MAX_BATCH_ORDERS} orders")
    if len(names) > 1:
        await request.context.limits.cancels.take(who.user_id, len(names) - 1)
    ids: dict[int, int] = {}
    told: list[Json] = [{} for _ in names]
    for place, name in enumerate(names):
        try:
            ids[place] = order_id(name)
        except Refusal as refusal:
            told[place] = {"order_id": name, "error": body_of(explain(refusal))}
    commands = [CancelOrder(who.user_id, id) for id in ids.values()]
    replies = await services.bus.submit_many(commands) if commands else []
    others = await _of_others(services, who, ids.values(), replies)
    for (place, id), reply in zip(ids.items(), replies, strict=True):
        if isinstance(reply, OrderDone):
            left = reply.order.qty - reply.order.filled
            told[place] = reduction(reply.order, left, services.view)
            continue
        assert isinstance(reply, Refused | BusError)
        error: Exception = Refusal.of(reply) if isinstance(reply, Refused) else reply
        if id in others:
            error = NotFound("there is no such order")
        told[place] = {"order_id": str(id), "error": body_of(explain(error))}
    return answer({"orders": told})


async def _of_others(
    services: Services, who: Principal, ids: Iterable[int], replies: Iterable[BusReply | BusError]
) -> set[int]:
    """Return those of the refused orders that are not the sender's."""
    refused = [
        id for id, reply in zip(ids, replies, strict=True) if not isinstance(reply, OrderDone)
    ]
    if not refused:
        return set()
    async with services.db.read_account() as connection:
        known = await orders_by_id(connection, refused)
    return {id for id in refused if id not in known or known[id].user_id != who.user_id}


async def _raw(request: ApiRequest) -> bytes:
    require_json(request.scope["headers"])
    return await request.body()


@route(
    ["/", "/batched", "/{name:str}", "/{name:str}/amend", "/{name:str}/decrease"],
    http_method=["POST", "DELETE"],
)
async def former_address(request: ApiRequest) -> Response[bytes]:
    """Answer an address that the venue has retired."""
    del request
    raise KalshiRefusal(410, "endpoint_deprecated", "orders go by /portfolio/events/orders")


ROUTER = Router(
    "/portfolio/events/orders",
    route_handlers=[cancel_order, amend_order, decrease_order, cancel_batch],
)
FORMER = Router("/portfolio/orders", route_handlers=[former_address])
