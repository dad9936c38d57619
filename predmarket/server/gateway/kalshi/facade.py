"""The way into the Kalshi-shaped API: its routes, put together for the application (app.py)."""

from litestar import Response, Router, route

from predmarket.server.gateway.context import ApiRequest
from predmarket.server.gateway.kalshi import exchange, market_data
from predmarket.server.gateway.kalshi.errors import NotFound, answer_error

PATH = "/trade-api/v2"


@route(["/", "/{rest:path}"], http_method=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def nothing_here(request: ApiRequest) -> Response[bytes]:
    """Answer what has no counterpart here."""
    del request
    raise NotFound("there is nothing at this address; docs/kalshi.md lists what is there")


ROUTER = Router(
    PATH,
    route_handlers=[exchange.ROUTER, *market_data.ROUTERS, nothing_here],
    exception_handlers={Exception: answer_error},
    include_in_schema=False,
)
"""Everything but the routes without the framework."""
