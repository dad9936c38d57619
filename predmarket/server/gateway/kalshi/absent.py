"""Empty lists of things that do not exist here, for clients that ask for them."""

from collections.abc import Awaitable, Callable

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi.answers import answer
from predmarket.server.gateway.kalshi.guards import public, reader
from predmarket.server.gateway.kalshi.query import Query

_PUBLIC = {
    "/multivariate_event_collections": "multivariate_contracts",
    "/milestones": "milestones",
    "/structured_targets": "structured_targets",
    "/incentive_programs": "incentive_programs",
    "/live_data/batch": "live_datas",
}
_PRIVATE = {
    "/communications/rfqs": "rfqs",
    "/communications/quotes": "quotes",
    "/portfolio/subaccounts/transfers": "transfers",
    "/portfolio/subaccounts/balances": "subaccount_balances",
    "/portfolio/subaccounts/netting": "netting_configs",
    "/fcm/orders": "orders",
    "/fcm/positions": "market_positions",
}
_TAGS = {"/search/tags_by_categories": "tags_by_categories", "/search/filters_by_sport": "filters"}


def _empty(name: str, content: object) -> Callable[[ApiRequest], Awaitable[Response[bytes]]]:
    async def list_nothing(request: ApiRequest) -> Response[bytes]:
        """Return an empty list."""
        Query(request)
        return answer({name: content, "cursor": ""})

    return list_nothing


def _routes() -> list[HTTPRouteHandler]:
    found = []
    for guard, lists in ((public, _PUBLIC), (reader, _PRIVATE)):
        for path, name in lists.items():
            found.append(get(path, guards=[guard])(_empty(name, [])))
    for path, name in _TAGS.items():
        found.append(get(path, guards=[public])(_empty(name, {})))
    return found


ROUTER = Router("/", route_handlers=_routes())
