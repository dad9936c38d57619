"""The sender's orders, fills and places in the queue."""

from collections.abc import Collection

from litestar import Response, Router, get

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.http.params import order_id
from predmarket.server.gateway.kalshi import order_presenters
from predmarket.server.gateway.kalshi.answers import answer, cursor, rows
from predmarket.server.gateway.kalshi.catalog import catalog_of, market_ids
from predmarket.server.gateway.kalshi.errors import NotFound, invalid
from predmarket.server.gateway.kalshi.guards import reader
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import (
    ACCEPTED,
    ORDER_FILTER,
    Json,
    cents,
    count,
    dollars,
    number,
)
from predmarket.server.read_model.queries.books import queue_ahead, queues_ahead
from predmarket.server.read_model.queries.orders import fills_of, order_by_id, page_of_orders
from predmarket.server.read_model.queries.traded import resting_of
from predmarket.server.read_model.queries.trades import fills_of_order, page_of_fills

MAX_QUEUES = 1_000
"""Maximum orders in one answer about places in the queue."""


@get("/orders", guards=[reader])
async def list_orders(request: ApiRequest) -> Response[bytes]:
    """List the sender's orders, newest first.

    With a filter a page may hold fewer orders than asked for, although another page follows.
    """
    query, catalog = Query(request), catalog_of(request)
    statuses = {s for word in query.one_of("status", ORDER_FILTER) for s in ORDER_FILTER[word]}
    wanted = await market_ids(query, catalog)
    async with request.services.db.read() as connection:
        found, following = await page_of_orders(
            connection,
            request.principal.user_id,
            before=query.before(),
            limit=query.limit(),
            market_ids=wanted,
            statuses=statuses or ACCEPTED,
            span=query.span(),
        )
        fills = await fills_of(connection, [one.id for one in found if one.filled])
    told = [order_presenters.order(one, fills.get(one.id, ()), catalog.view) for one in found]
    return rows(request, "orders", told, cursor=cursor(following))


@get("/orders/{name:str}", guards=[reader])
async def show_order(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show one of the sender's orders."""
    Query(request)
    wanted = order_id(name)
    async with request.services.db.read_account() as connection:
        found = await order_by_id(connection, wanted)
        if found is None or found.user_id != request.principal.user_id:
            raise NotFound("there is no such order")
        fills = await fills_of(connection, [wanted]) if found.filled else {}
    told = order_presenters.order(found, fills.get(wanted, ()), request.services.view)
    return answer({"order": told})


@get("/fills", guards=[reader])
async def list_fills(request: ApiRequest) -> Response[bytes]:
    """List the sender's fills, newest first, in pages like those of orders."""
    query, catalog = Query(request), catalog_of(request)
    wanted, named = await market_ids(query, catalog), query.text("order_id")
    user_id, before, limit = request.principal.user_id, query.before(), query.limit()
    async with request.services.db.read() as connection:
        if named:
            order = await order_by_id(connection, order_id(named))
            if order is None or order.user_id != user_id:
                raise NotFound("there is no such order")
            found = await fills_of_order(connection, order, before=before, limit=limit + 1)
            following = found[limit - 1].trade_id if len(found) > limit else None
            found = found[:limit]
        else:
            found, following = await page_of_fills(
                connection,
                user_id,
                before=before,
                limit=limit,
                market_ids=wanted,
                span=query.span(),
            )
    told = [order_presenters.fill(one, catalog.view) for one in found]
    return rows(request, "fills", told, cursor=cursor(following))


@get("/orders/{name:str}/queue_position", guards=[reader])
async def show_queue_position(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show the quantity ahead of one of the sender's resting orders at its price."""
    Query(request)
    wanted = order_id(name)
    async with request.services.db.read_account() as connection:
        found = await order_by_id(connection, wanted)
        ahead = await queue_ahead(connection, wanted)
    if found is None or found.user_id != request.principal.user_id or ahead is None:
        raise NotFound("no such order rests")
    return answer({"queue_position_fp": count(ahead), "queue_position": number(ahead)})


@get("/orders/queue_positions", guards=[reader])
async def list_queue_positions(request: ApiRequest) -> Response[bytes]:
    """Show the quantity ahead of each of the sender's resting orders."""
    query, catalog = Query(request), catalog_of(request)
    wanted: Collection[int] | None = None
    if names := query.words("market_tickers"):
        wanted = [one.id for one in catalog.known(names)]
    elif event := query.text("event_ticker"):
        wanted = [one.id for one in (await catalog.event(event)).markets]
    async with request.services.db.read() as connection:
        found = await queues_ahead(
            connection, request.principal.user_id, wanted, most=MAX_QUEUES + 1
        )
    if len(found) > MAX_QUEUES:
        raise invalid("market_tickers", f"must leave at most {MAX_QUEUES} resting orders")
    told: list[Json] = [
        {
            "order_id": str(id),
            "market_ticker": order_presenters.market_ticker(catalog.view, market_id),
            "queue_position_fp": count(ahead),
        }
        for id, market_id, ahead in found
    ]
    return rows(request, "queue_positions", told)


@get("/summary/total_resting_order_value", guards=[reader])
async def show_resting_value(request: ApiRequest) -> Response[bytes]:
    """Show the cost of the sender's resting orders if they fill."""
    Query(request)
    async with request.services.db.read() as connection:
        resting = await resting_of(connection, request.principal.user_id)
    value = sum(one.value for one in resting.values())
    return answer(
        {
            "total_resting_order_value": cents(value),
            "total_resting_order_value_dollars": dollars(value),
        }
    )


ROUTER = Router(
    "/portfolio",
    route_handlers=[
        list_orders,
        show_order,
        list_fills,
        show_queue_position,
        list_queue_positions,
        show_resting_value,
    ],
)
