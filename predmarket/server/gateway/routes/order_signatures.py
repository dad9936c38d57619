"""The signatures of POST /v1/orders and /v1/orders/batch. place_order.py answers them.

Litestar needs a handler to know the methods of an address, and the OpenAPI document to describe
them. app.py sends every such request to place_order.py before Litestar sees it.
"""

from litestar import Response, post
from litestar.params import JSONBody

from predmarket.contracts.orders import BatchAnswer, BatchRequest, Order, PlaceOrderRequest
from predmarket.enums import ErrorCode as E
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import order_entry
from predmarket.server.gateway.openapi.notes import COMMAND, ORDER, notes

_ELSEWHERE = "place_order.py answers this"


@post(
    "/",
    status_code=201,
    guards=[order_entry],
    opt=notes(*ORDER, *COMMAND, answers={200: "The original, placed before under that id"}),
)
async def place_order(request: ApiRequest, data: JSONBody[PlaceOrderRequest]) -> Response[Order]:
    """Place an order."""
    raise AssertionError(_ELSEWHERE)


@post(
    "/batch",
    status_code=200,
    guards=[order_entry],
    opt=notes(E.RATE_LIMITED, *COMMAND),
)
async def place_batch(request: ApiRequest, data: JSONBody[BatchRequest]) -> BatchAnswer:
    """Place 1 to 100 orders, each on its own, in order."""
    raise AssertionError(_ELSEWHERE)


HANDLERS = [place_order, place_batch]
