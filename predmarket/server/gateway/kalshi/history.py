"""Kalshi's archive routes. This exchange archives nothing, so they show what the others show."""

from litestar import Response, Router, get

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi import market_data, own_orders
from predmarket.server.gateway.kalshi.answers import answer, rows
from predmarket.server.gateway.kalshi.candles import candles, period_of
from predmarket.server.gateway.kalshi.catalog import catalog_of
from predmarket.server.gateway.kalshi.guards import public, reader
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import ENDED, Json, ticker

_NEVER = "1970-01-01T00:00:00Z"


@get(["/cutoff", "/cutoff_timestamps"], guards=[public])
async def show_cutoff(request: ApiRequest) -> Response[bytes]:
    """Show the time before which only the archive has data; it has none."""
    Query(request)
    names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
    return answer(dict.fromkeys(names, _NEVER))


@get("/markets", guards=[public])
async def list_markets(request: ApiRequest) -> Response[bytes]:
    """List markets that have ended, the newest first."""
    query, catalog = Query(request), catalog_of(request)
    return await market_data.markets_page(request, query, catalog, ENDED)


@get("/markets/{name:str}", guards=[public])
async def show_market(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show one market."""
    Query(request)
    return await market_data.market_answer(request, name)


@get("/markets/{name:str}/candlesticks", guards=[public])
async def list_candles(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """List a market's candles; in the archive their fields have shorter names."""
    record = await catalog_of(request).market(name)
    found = await candles(request.context, record, period_of(Query(request)))
    told = [_archived(one) for one in found]
    return rows(request, "candlesticks", told, ticker=ticker(record.slug))


def _archived(candle: Json) -> Json:
    told: Json = {
        "end_period_ts": candle["end_period_ts"],
        "volume": candle["volume_fp"],
        "open_interest": candle["open_interest_fp"],
    }
    for name in ("price", "yes_bid", "yes_ask"):
        prices = candle[name]
        assert isinstance(prices, dict)
        told[name] = {key.removesuffix("_dollars"): value for key, value in prices.items()}
    return told


ROUTER = Router(
    "/historical",
    route_handlers=[
        show_cutoff,
        list_markets,
        show_market,
        list_candles,
        get("/trades", guards=[public])(market_data.list_trades.fn),
        get("/fills", guards=[reader])(own_orders.list_fills.fn),
        get("/orders", guards=[reader])(own_orders.list_orders.fn),
    ],
)
