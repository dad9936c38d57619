"""The contents of a user's account, for the user and for admins."""

from predmarket.contracts.accounts import (
    Balance,
    EntryKind,
    FillPage,
    LedgerPage,
    PositionList,
)
from predmarket.contracts.orders import OrderPage
from predmarket.enums import OrderStatus
from predmarket.server.gateway import presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.loop_turns import in_turns
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.cursors import decode_cursor, encode_cursor, page
from predmarket.server.read_model.queries.ledger import page_of_ledger
from predmarket.server.read_model.queries.orders import fills_of, page_of_orders
from predmarket.server.read_model.queries.positions import positions_of
from predmarket.server.read_model.queries.spans import Span
from predmarket.server.read_model.queries.trades import fills_of_user


async def balance_of(request: ApiRequest, user_id: int) -> Balance:
    """Return a user's cash."""
    async with request.services.db.look_up() as connection:
        account = await account_of(connection, user_id)
    return (
        presenters.balance(0, 0) if account is None else presenters.balance(account[0], account[1])
    )


async def list_positions(request: ApiRequest, user_id: int, market: str | None) -> PositionList:
    """Return a user's positions. Raises Refusal MARKET_NOT_FOUND."""
    services, market_id = request.services, await _market_id(request, market)
    async with services.db.read() as connection:
        rows = await positions_of(connection, user_id, market_id)
    return PositionList(await in_turns(rows, lambda row: presenters.position(row, services.view)))


async def list_orders(
    request: ApiRequest,
    user_id: int,
    *,
    market: str | None,
    statuses: list[OrderStatus],
    client_order_id: str | None,
    order_group_id: int | None = None,
    span: Span,
    limit: int,
    cursor: str | None,
) -> OrderPage:
    """Return a page of a user's orders with their fills. Raises Refusal MARKET_NOT_FOUND, and
    Invalid.
    """
    services, market_id = request.services, await _market_id(request, market)
    before = decode_cursor(cursor)
    async with services.db.read() as connection:
        shown, following = await page_of_orders(
            connection,
            user_id,
            before=before,
            limit=limit,
            market_ids=None if market_id is None else [market_id],
            statuses=statuses,
            client_order_id=client_order_id,
            order_group_id=order_group_id,
            span=span,
        )
        fills = await fills_of(connection, [row.id for row in shown if row.filled])
    items = [presenters.order(row, fills.get(row.id, ()), services.view) for row in shown]
    return OrderPage(items, None if following is None else encode_cursor(following))


async def list_fills(
    request: ApiRequest, user_id: int, span: Span, limit: int, cursor: str | None
) -> FillPage:
    """Return a page of a user's executions. Raises Invalid."""
    services, before = request.services, decode_cursor(cursor)
    async with services.db.read() as connection:
        rows = await fills_of_user(connection, user_id, before=before, limit=limit + 1, span=span)
    shown, following = page(rows, limit, lambda row: row.trade_id)
    return FillPage([presenters.user_fill(row, services.view) for row in shown], following)


async def list_ledger(
    request: ApiRequest,
    user_id: int,
    market: str | None,
    kind: EntryKind | None,
    span: Span,
    limit: int,
    cursor: str | None,
) -> LedgerPage:
    """Return a page of a user's statement. Raises Refusal MARKET_NOT_FOUND, and Invalid."""
    services, market_id = request.services, await _market_id(request, market)
    before = decode_cursor(cursor)
    async with services.db.read() as connection:
        shown, following = await page_of_ledger(
            connection, user_id, before=before, limit=limit, market_id=market_id, kind=kind,
            span=span,
        )  # fmt: skip
    lines = [presenters.ledger_line(row, services.view) for row in shown]
    return LedgerPage(lines, None if following is None else encode_cursor(following))


async def _market_id(request: ApiRequest, market: str | None) -> int | None:
    if market is None:
        return None
    return (await request.context.find_market(market, request.principal)).id
