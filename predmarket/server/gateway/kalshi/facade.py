"""The way into the Kalshi-shaped API: its routes, put together for the application (app.py)."""

from litestar import Response, Router, route

from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.kalshi import (
    absent,
    event_routes,
    exchange,
    groups,
    history,
    keys,
    market_data,
    order_routes,
    own_orders,
    portfolio,
    socket_endpoint,
)
from predmarket.server.gateway.kalshi.errors import NotFound, answer_error, envelope, explain
from predmarket.server.gateway.protocol.order_fast_path import Translation
from predmarket.server.gateway.realtime.endpoint import Realtime
from predmarket.server.gateway.routes.place_order import PlaceRoute

PATH = "/trade-api/v2"


@route(["/", "/{rest:path}"], http_method=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def nothing_here(request: ApiRequest) -> Response[bytes]:
    """Answer 404 for an address that has no counterpart here."""
    del request
    raise NotFound("there is nothing at this address; docs/kalshi.md lists what is there")


ROUTER = Router(
    PATH,
    route_handlers=[
        exchange.ROUTER,
        event_routes.ROUTER,
        market_data.ROUTER,
        portfolio.ROUTER,
        own_orders.ROUTER,
        order_routes.ROUTER,
        order_routes.FORMER,
        groups.ROUTER,
        history.ROUTER,
        *keys.ROUTERS,
        absent.ROUTER,
        nothing_here,
    ],
    exception_handlers={Exception: answer_error},
    include_in_schema=False,
)
"""The routes that go through the framework."""


def bare_routes(context: Context) -> dict[str, PlaceRoute]:
    """Return the routes that bypass the framework, by address."""
    routes = [order_routes.CreateRoute(context), order_routes.BatchRoute(context)]
    return {one.path: one for one in routes}


def sockets(context: Context) -> dict[str, Realtime]:
    """Return the applications of sockets, by address."""
    return {socket_endpoint.PATH: socket_endpoint.KalshiRealtime(context)}


def translations(context: Context) -> dict[str, Translation]:
    """Return the spellings of orders for the fast path, by address."""
    return {order_routes.PATH: order_routes.OrderTranslation(context)}


def refused(path: str, refusal: Refusal, id: str) -> tuple[int, bytes] | None:
    """Return the status and the body of a refusal that no route made; None: not of this API."""
    if not path.startswith(f"{PATH}/"):
        return None
    told = explain(refusal)
    return told.answer.status, envelope(told, id)
