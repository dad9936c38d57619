"""The admin log, as admins see it."""

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from predmarket.contracts.administration import AdminLogPage
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid, must_be
from predmarket.server import wire
from predmarket.server.documents.notes import notes
from predmarket.server.queries.admin_log import acts
from predmarket.server.queries.cursors import LARGEST_ID, decode_cursor, page
from predmarket.server.routes.context import ApiRequest, admin
from predmarket.server.routes.params import DEFAULT_LIMIT, Cursor, Limit
from predmarket.terms import AdminAction

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
    before, wanted = decode_cursor(cursor), _action(action)
    async with request.services.db.read() as connection:
        rows = await acts(connection, before=before, limit=limit + 1, actor_id=actor, action=wanted)
    shown, following = page(rows, limit, lambda row: row.id)
    return AdminLogPage([wire.admin_act(row) for row in shown], following)


def _action(text: str | None) -> AdminAction | None:
    try:
        return None if text is None else AdminAction(text)
    except ValueError:
        raise Invalid(Problem("action", must_be([word.value for word in AdminAction]))) from None


router = Router("/v1/admin", route_handlers=[admin_log], guards=[admin], tags=["administration"])
