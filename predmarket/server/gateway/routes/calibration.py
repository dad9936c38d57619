"""How right the prices of resolved markets were, for everybody."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from predmarket.contracts.calibration import Ahead, Calibration
from predmarket.enums import ErrorCode as E
from predmarket.enums import MarketStatus
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.calibration import MAX_MARKETS, is_binary
from predmarket.server.gateway.guards import anyone
from predmarket.server.gateway.lists import LOOKED_A_ROW, in_pieces
from predmarket.server.gateway.metadata import (
    CategoryFilter,
    SourceFilter,
    TagsFilter,
    metadata_filter,
)
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.gateway.sight import kinds_seen, sees
from predmarket.server.read_model.records import MarketRecord

Before = Annotated[
    Ahead, QueryParameter(description="How long before a market closed its price is taken")
]
Event = Annotated[
    str | None, QueryParameter(max_length=64, description="Of one event, by id or slug")
]


@get("/", guards=[anyone], opt=notes(E.EVENT_NOT_FOUND))
async def show_calibration(
    request: ApiRequest,
    before: Before = Ahead.DAY,
    event: Event = None,
    category: CategoryFilter = None,
    tags: TagsFilter = None,
    source: SourceFilter = None,
) -> Calibration:
    """Show how right prices were: the Brier score and reliability table of resolved markets.

    A market's price is that of its last trade at least ``before`` it closed. VOID and SCALAR are
    left out. The newest 1000 markets are scored.
    """
    of = None if event is None else (await request.context.find_event(event, request.user)).id
    matches = metadata_filter(category, tags, source)
    view, who = request.services.view, request.user
    kinds = kinds_seen(who, view, (MarketStatus.RESOLVED,))

    def read(id: int) -> MarketRecord | None:
        one = view.market(id)
        counts = is_binary(one) and of in (None, one.event_id) and sees(who, one)
        return one if counts and matches(view.metadata_of(one)) else None

    request.charge(view.market_list.count(kinds) // LOOKED_A_ROW)
    resolved: list[MarketRecord] = []
    async for piece in in_pieces(view.market_list, kinds, read):
        resolved += piece
        if len(resolved) > MAX_MARKETS:
            break
    request.charge(min(len(resolved), MAX_MARKETS))
    more = len(resolved) > MAX_MARKETS
    return await request.context.forecasts.calibration(resolved[:MAX_MARKETS], before, more=more)


router = Router("/v1/calibration", route_handlers=[show_calibration], tags=["market data"])
