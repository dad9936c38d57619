"""Order books and trades, for everybody."""

from typing import Annotated

from litestar import Router, get
from litestar.params import FromPath, QueryParameter

from predmarket.contracts.markets import OrderBook, TradePage
from predmarket.server import wire
from predmarket.server.queries.cursors import decode_cursor, page
from predmarket.server.queries.trades import trades_of
from predmarket.server.routes.context import ApiRequest, anyone
from predmarket.server.routes.params import DEFAULT_LIMIT, Cursor, Limit
from predmarket.units import PRICE_ONE

Depth = Annotated[int | None, QueryParameter(ge=1, le=PRICE_ONE, description="Levels a side")]


@get("/orderbook/{market:str}", guards=[anyone])
async def order_book(request: ApiRequest, market: FromPath[str], depth: Depth = None) -> OrderBook:
    """Show a market's order book."""
    record = request.context.market(market, request.user)
    return wire.order_book(record.id, request.services.view.book(record.id), depth)


@get("/trades/{market:str}", guards=[anyone])
async def list_trades(
    request: ApiRequest, market: FromPath[str], limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> TradePage:
    """List a market's trades, newest first."""
    record = request.context.market(market, request.user)
    before = decode_cursor(cursor)
    async with request.services.db.read() as connection:
        rows = await trades_of(connection, record.id, before=before, limit=limit + 1)
    shown, following = page(rows, limit, lambda row: row.id)
    return TradePage([wire.trade(row) for row in shown], following)


router = Router("/v1", route_handlers=[order_book, list_trades], tags=["market data"])
