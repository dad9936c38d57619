"""Order entry: turns a decoded request into the core's command, and the reply into JSON.

This is the hot path. All routes and sockets that place orders share these functions.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, NoReturn

import msgspec

from predmarket.contracts.errors import ErrorBody
from predmarket.contracts.orders import (
    BatchAnswer,
    BatchRequest,
    BatchResult,
    Order,
    PlaceOrderRequest,
)
from predmarket.contracts.requests import Invalid, decode
from predmarket.contracts.text import LINE
from predmarket.engine.commands import AmendOrder, PlaceOrder
from predmarket.engine.replies import Fill, OrderDone, OrderRecord, Refused
from predmarket.enums import ErrorCode, OrderType, SelfTradePrevention
from predmarket.server.core.bus import BusError, BusReply, RepeatedOrder
from predmarket.server.errors import Refusal
from predmarket.server.gateway import presenters
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.http.errors import code_of, refusal_of
from predmarket.server.gateway.http.params import CLIENT, order_id
from predmarket.server.gateway.order_preview import dry_run
from predmarket.server.gateway.services import Services
from predmarket.server.gateway.sight import sees, sees_id
from predmarket.server.read_model.market_view import is_id
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.orders import (
    PlacedBy,
    fills_of,
    id_of_client_order,
    orders_by_id,
    placed_by,
)
from predmarket.units import Price, Qty

_LONGEST_CLIENT_ID = 64
encode = msgspec.json.Encoder().encode
"""Returns an answer as JSON."""


async def place(
    services: Services, principal: Principal, request: PlaceOrderRequest
) -> tuple[int, Order]:
    """Place an order; return the HTTP status and the order. Raises Refusal, BusError."""
    status, found = await take(services, principal, request)
    return status, _shown(services, found)


class Taken(NamedTuple):
    """An order that was taken, now or before under its client order id, with its fills."""

    order: OrderRecord
    fills: Sequence[Fill]


async def take(
    services: Services, principal: Principal, request: PlaceOrderRequest
) -> tuple[int, Taken]:
    """Place an order; return the HTTP status and the record. Raises Refusal, BusError."""
    command = place_command(services, principal, request)
    if not command.market_id:
        await refuse_unknown(services, command)
    try:
        answer = await taken(services, await services.bus.submit(command))
    except (Refusal, BusError) as error:
        services.metrics.placement(command, code_of(error))
        raise
    services.metrics.placement(command, None)
    return answer


def knows(services: Services, ref: str | int) -> bool:
    """Tell whether a market's slug is in the view. The core checks ids."""
    return isinstance(ref, int) or is_id(ref) or services.view.find(ref) is not None


async def learn(services: Services, refs: Iterable[str | int]) -> None:
    """Let the view catch up if it lacks a slug: another process may have made the market."""
    if not all(knows(services, ref) for ref in refs):
        await services.catch_up()


async def refuse_unknown(services: Services, command: PlaceOrder) -> NoReturn:
    """Refuse an order for an unknown market, as the core would. Raises Refusal.

    The refusal is not recorded, so the client order id may be used again.
    """
    async with services.db.read() as connection:
        await dry_run(connection, command, services.core.now())
    raise Refusal(ErrorCode.MARKET_NOT_FOUND)


def place_command(
    services: Services, principal: Principal, request: PlaceOrderRequest
) -> PlaceOrder:
    """Return a request's command with all defaults.

    A market's id goes to the core, which knows all markets. For an unknown slug the id is 0, and
    the core is not asked.
    """
    ref = request.market_id
    market_id = int(ref) if isinstance(ref, int) or is_id(ref) else 0
    if not market_id:
        market = services.view.find(ref)
        market_id = 0 if market is None or not sees(principal, market) else market.id
    elif not 0 < market_id <= LARGEST_ID:
        market_id = 0
    is_market = request.type is OrderType.MARKET
    slippage: Price | None = None
    if is_market:
        given = request.max_slippage
        slippage = services.settings.max_price_slippage if given is None else given.units
    command = PlaceOrder(  # by position: with names it would cost 2 µs more an order
        principal.user_id,
        market_id,
        request.side,
        request.type,
        None if request.price is None else request.price.units,
        request.qty.units,
        request.tif,
        None if request.expires_at is None else request.expires_at.micros,
        bool(request.post_only),
        bool(request.reduce_only),
        slippage,
        request.self_trade_prevention or SelfTradePrevention.SKIP,
        request.client_order_id,
        None if request.deadline is None else request.deadline.micros,
        as_admin=principal.is_admin,
        max_open_orders=services.settings.max_open_orders,
        order_group_id=request.order_group_id,
        groups=_groups(services, principal),
    )
    if request.client_order_id is None:
        return command
    return msgspec.structs.replace(command, request=_content(command, request.market_id))


def amend_command(
    services: Services, who: Principal, order_id: int, price: Price | None, qty: Qty | None
) -> AmendOrder:
    """Return the command that changes one of the sender's orders."""
    groups = _groups(services, who)
    return AmendOrder(who.user_id, order_id, price, qty, as_admin=who.is_admin, groups=groups)


def _groups(services: Services, who: Principal) -> tuple[int, ...]:
    """Return those of the sender's groups for the core to which markets belong."""
    return tuple(sorted(who.groups & services.view.hidden.keys())) if who.groups else ()


def _content(c: PlaceOrder, ref: str | int) -> str:
    """Return the content that a repeat with the same client order id must match (API,
    clientOrderId).

    It holds the market's id and its name in the request; the name counts if there was no market.
    """
    price = "" if c.price is None else c.price
    expires_at = "" if c.expires_at is None else c.expires_at
    slippage = "" if c.max_slippage is None else c.max_slippage
    # %s takes half the time of f"{…}" for the words, which are members of enumerations
    content = "%s~%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s" % (  # noqa: UP031 -- see above
        c.market_id, ref, c.side, c.type, price, c.qty, c.tif, expires_at, c.post_only,
        c.reduce_only, slippage, c.stp,
    )  # fmt: skip
    return content if c.order_group_id is None else f"{content}|{c.order_group_id}"


async def placed(services: Services, reply: BusReply) -> tuple[int, Order]:
    """Return the HTTP status and the order that a reply to PlaceOrder means. Raises Refusal."""
    status, found = await taken(services, reply)
    return status, _shown(services, found)


async def taken(services: Services, reply: BusReply) -> tuple[int, Taken]:
    """Return the HTTP status and the record that a reply to PlaceOrder means. Raises Refusal."""
    if isinstance(reply, OrderDone):
        return 201, Taken(reply.order, reply.fills)
    if isinstance(reply, Refused):
        raise Refusal.of(reply)
    assert isinstance(reply, RepeatedOrder)
    return 200, (await _stored(services, [reply.order_id]))[reply.order_id]


def _shown(services: Services, taken: Taken) -> Order:
    return presenters.order(taken.order, taken.fills, services.view)


async def id_of_order(services: Services, who: Principal, ref: str | int) -> int:
    """Return the id of the order that ``ref`` names, by its id or by one's own client order id.
    Raises Refusal ORDER_NOT_FOUND.
    """
    text = str(ref)
    if not text.startswith(CLIENT):
        return order_id(text)
    own, found = text.removeprefix(CLIENT), None
    if len(own) <= _LONGEST_CLIENT_ID and re.match(LINE, own):  # no other has ever been stored
        async with services.db.look_up() as connection:
            found = await id_of_client_order(connection, who.user_id, own)
    if found is None:
        raise Refusal(ErrorCode.ORDER_NOT_FOUND)
    return found


async def changed(
    services: Services, reply: BusReply, order_id: int, who: Principal, *, as_admin: bool
) -> Order:
    """Return the order that a reply to an amend or a cancel means. Raises Refusal."""
    if isinstance(reply, Refused):
        # The core keeps only open orders; the database knows the owner of an ended one.
        if reply.code in (ErrorCode.ORDER_NOT_OPEN, ErrorCode.FORBIDDEN) and not as_admin:
            async with services.db.look_up() as connection:
                refuse_others(await placed_by(connection, order_id), who, services)
        raise Refusal.of(reply)
    assert isinstance(reply, OrderDone)
    if not reply.order.filled:
        return presenters.order(reply.order, (), services.view)
    async with services.db.read_account() as connection:
        fills = await fills_of(connection, [order_id])
    # A later trade may be stored by now; this answer shows the moment of the command.
    mine = fills[order_id]
    while sum(fill.qty for fill in mine) > reply.order.filled:
        mine.pop()
    return presenters.order(reply.order, mine, services.view)


def refuse_others(placed: PlacedBy | None, who: Principal, services: Services) -> None:
    """Refuse an order of another user. Raises Refusal FORBIDDEN, and ORDER_NOT_FOUND where the
    sender does not see its market.
    """
    if placed is not None and placed.user_id == who.user_id:
        return
    if placed is None or not sees_id(who, placed.market_id, services.view):
        raise Refusal(ErrorCode.ORDER_NOT_FOUND)
    raise Refusal(ErrorCode.FORBIDDEN, "the order is another user's")


async def place_batch(
    services: Services, ask: Callable[[], Awaitable[Principal]], batch: BatchRequest
) -> BatchAnswer:
    """Place each order of a batch on its own; ``ask`` returns the user, and is called last.

    The orders go to the core together. A wrong order does not affect the others, and all of them
    wait for the same commit.
    """
    refused: dict[int, Exception] = {}
    requests: dict[int, PlaceOrderRequest] = {}
    for place, raw in enumerate(batch.orders):
        try:
            requests[place] = decode(bytes(raw), PlaceOrderRequest)
        except Invalid as error:
            refused[place] = error
    found = await take_many(services, ask, requests)
    results = [BatchResult()] * len(batch.orders)
    for place, result in {**found, **refused}.items():
        if isinstance(result, Taken):
            results[place] = BatchResult(order=_shown(services, result))
        else:
            refusal = refusal_of(result)
            body = ErrorBody(refusal.code, refusal.message, refusal.details)
            results[place] = BatchResult(error=body)
    return BatchAnswer(results)


async def take_many(
    services: Services,
    ask: Callable[[], Awaitable[Principal]],
    requests: Mapping[int, PlaceOrderRequest],
) -> dict[int, Taken | Exception]:
    """Place several orders at once, as ``place_batch`` does; return what became of each."""
    await learn(services, [request.market_id for request in requests.values()])
    principal = await ask()
    asked = {place: place_command(services, principal, one) for place, one in requests.items()}
    commands = {place: command for place, command in asked.items() if command.market_id}
    replies = await services.bus.submit_many(list(commands.values())) if commands else []
    repeated = [reply.order_id for reply in replies if isinstance(reply, RepeatedOrder)]
    known = await _stored(services, repeated)
    found: dict[int, Taken | Exception] = {}
    for place, reply in zip(commands, replies, strict=True):
        if isinstance(reply, OrderDone):
            found[place] = Taken(reply.order, reply.fills)
        elif isinstance(reply, RepeatedOrder):
            found[place] = known[reply.order_id]
        else:
            assert isinstance(reply, Refused | BusError)
            found[place] = Refusal.of(reply) if isinstance(reply, Refused) else reply
        result = found[place]
        code = code_of(result) if isinstance(result, Refusal | BusError) else None
        services.metrics.placement(commands[place], code)
    for place in asked.keys() - commands.keys():
        try:
            await refuse_unknown(services, asked[place])
        except Refusal as error:
            found[place] = error
    return found


async def _stored(services: Services, order_ids: Sequence[int]) -> dict[int, Taken]:
    """Return existing orders in their present state with all their fills, from one snapshot."""
    if not order_ids:
        return {}
    async with services.db.read_account() as connection:
        records = await orders_by_id(connection, order_ids)
        fills = await fills_of(connection, [id for id, order in records.items() if order.filled])
    return {id: Taken(record, fills.get(id, ())) for id, record in records.items()}
