"""Routes of the admin log and the overview."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from predmarket.contracts.administration import AdminLogPage, Overview
from predmarket.enums import AdminAction
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.http.params import DEFAULT_LIMIT, Cursor, Limit, word
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.gateway.overview import overview
from predmarket.server.read_model.queries.admin_log import acts
from predmarket.server.read_model.queries.cursors import LARGEST_ID, decode_cursor, page

Actor = Annotated[
    int | None, QueryParameter(ge=1, le=LARGEST_ID, description="Of the admin with that id")
]
Action = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        description="Of one kind",
        schema_extra={"enum": [word.value for word in AdminAction]},
    ),
]


@get("/log", opt=notes())
async def admin_log(
    request: ApiRequest,
    actor: Actor = None,
    action: Action = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> AdminLogPage:
    """List acts of admins, newest first."""
    before = decode_cursor(cursor)
    wanted = None if action is None else word("action", AdminAction, action)
    async with request.services.db.read() as connection:
        rows = await acts(connection, before=before, limit=limit + 1, actor_id=actor, action=wanted)
    shown, following = page(rows, limit, lambda row: row.id)
    return AdminLogPage([identity_presenters.admin_act(row) for row in shown], following)


@get("/overview", opt=notes())
async def show_overview(request: ApiRequest) -> Overview:
    """Show totals of all markets, and the unresolved ones whose closing time has passed."""
    services = request.services
    return await overview(services.view, services.core.now())


router = Router(
    "/v1/admin", route_handlers=[admin_log, show_overview], guards=[admin], tags=["administration"]
)
