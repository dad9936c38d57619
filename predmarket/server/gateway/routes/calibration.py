"""How right the prices of resolved markets were, for everybody."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from predmarket.contracts.calibration import Ahead, Calibration
from predmarket.enums import ErrorCode as E
from predmarket.server.gateway.calibration import MAX_MARKETS, calibration, is_binary
from predmarket.server.gateway.context import ApiRequest, anyone
from predmarket.server.gateway.metadata import (
    CategoryFilter,
    SourceFilter,
    TagsFilter,
    metadata_filter,
)
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.gateway.sight import sees

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
    view = request.services.view
    resolved = [
        one
        for one in view
        if is_binary(one)
        and of in (None, one.event_id)
        and sees(request.user, one)
        and matches(view.metadata_of(one))
    ]
    request.charge(min(len(resolved), MAX_MARKETS))
    return await calibration(request.services.db, resolved, before)


router = Router("/v1/calibration", route_handlers=[show_calibration], tags=["market data"])
