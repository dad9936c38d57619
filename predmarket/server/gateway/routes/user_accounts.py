"""A user's account as the user sees it, for admins."""

from litestar import Router, get

from predmarket.contracts.accounts import Balance, EntryKind, FillPage, LedgerPage, PositionList
from predmarket.contracts.orders import OrderPage
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import account_views
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    MarketFilter,
    Since,
    Until,
    UserPath,
    id_in_path,
    span_of,
    word,
)
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.gateway.routes.account import Kind
from predmarket.server.gateway.routes.orders import ClientOrderId, Statuses, statuses_of
from predmarket.server.read_model.queries.users import user_by_id


@get("/balance", opt=notes(E.USER_NOT_FOUND))
async def balance_of_user(request: ApiRequest, id: UserPath) -> Balance:
    """Show a user's cash."""
    return await account_views.balance_of(request, await _user(request, id))


@get("/positions", opt=notes(E.USER_NOT_FOUND, E.MARKET_NOT_FOUND))
async def positions_of_user(
    request: ApiRequest, id: UserPath, market: MarketFilter = None
) -> PositionList:
    """List a user's positions, flat ones too for what they realized."""
    return await account_views.list_positions(request, await _user(request, id), market)


@get("/orders", opt=notes(E.USER_NOT_FOUND, E.MARKET_NOT_FOUND))
async def orders_of_user(
    request: ApiRequest,
    id: UserPath,
    market: MarketFilter = None,
    status: Statuses = None,
    client_order_id: ClientOrderId = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> OrderPage:
    """List a user's orders, newest first.

    With a filter a page may hold fewer than ``limit`` orders, even none, although another follows:
    no page looks at more than 5000 orders.
    """
    statuses, span = statuses_of(status), span_of(since, until)
    return await account_views.list_orders(
        request,
        await _user(request, id),
        market=market,
        statuses=statuses,
        client_order_id=client_order_id,
        span=span,
        limit=limit,
        cursor=cursor,
    )


@get("/fills", opt=notes(E.USER_NOT_FOUND))
async def fills_of_user(
    request: ApiRequest,
    id: UserPath,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> FillPage:
    """List a user's executions, newest first."""
    span, user_id = span_of(since, until), await _user(request, id)
    return await account_views.list_fills(request, user_id, span, limit, cursor)


@get("/ledger", opt=notes(E.USER_NOT_FOUND, E.MARKET_NOT_FOUND))
async def ledger_of_user(
    request: ApiRequest,
    id: UserPath,
    market: MarketFilter = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> LedgerPage:
    """Show a user's account statement, newest first: its amounts add up to the user's cash.

    With a filter a page may hold fewer than ``limit`` lines, even none, although another follows:
    no page looks at more than 5000 lines.
    """
    span, wanted = span_of(since, until), None if kind is None else word("kind", EntryKind, kind)
    user_id = await _user(request, id)
    return await account_views.list_ledger(request, user_id, market, wanted, span, limit, cursor)


async def _user(request: ApiRequest, text: str) -> int:
    """Return the id of the user in a path. Raises Refusal USER_NOT_FOUND."""
    user_id = id_in_path(text, E.USER_NOT_FOUND)
    async with request.services.db.look_up() as connection:
        if await user_by_id(connection, user_id) is None:
            raise Refusal(E.USER_NOT_FOUND)
    return user_id


router = Router(
    "/v1/users/{id:str}",
    route_handlers=[
        balance_of_user,
        positions_of_user,
        orders_of_user,
        fills_of_user,
        ledger_of_user,
    ],
    guards=[admin],
    tags=["users"],
)
