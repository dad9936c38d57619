"""Routes for admins: invitations with which new users register."""

from typing import Annotated, TypeAlias

from litestar import Router, delete, get, post
from litestar.params import JSONBody, PathParameter

from predmarket.contracts.identity import InviteList, InviteRequest, NewInvite
from predmarket.enums import AdminAction
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.codes import (
    LIFETIME,
    add_invite,
    invite_by_id,
    list_invites,
    revoke_invite,
)
from predmarket.server.gateway.group_making import group_named
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    ID_SCHEMA,
    Cursor,
    Limit,
    future,
    id_in_path,
)
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.read_model.queries.admin_log import add_act
from predmarket.server.read_model.queries.cursors import decode_cursor, page

InvitePath: TypeAlias = Annotated[
    str, PathParameter(description="An invitation's id", schema_extra=ID_SCHEMA)
]


@post("/", opt=notes(E.LIMIT_EXCEEDED))
async def create_invite(request: ApiRequest, data: JSONBody[InviteRequest]) -> NewInvite:
    """Make an invitation: a code with which as many users as ``uses`` can register.

    Each gets ``credit`` on top of the setting SIGNUP_CREDIT, and joins ``group``, which is made if
    it does not exist. Without ``expiresAt`` it ends after seven days.
    """
    actor_id, now = request.principal.user_id, request.services.core.now()
    expires_at = future("expiresAt", data.expires_at, now) or now + LIFETIME
    async with request.services.db.write() as connection:
        group_id = await group_named(connection, data.group, actor_id, now)
        id, code = await add_invite(
            connection,
            uses=data.uses,
            expires_at=expires_at,
            credit=0 if data.credit is None else data.credit.units,
            group_id=group_id,
            creator_id=actor_id,
            now=now,
        )
        made = await invite_by_id(connection, id)
        assert made is not None  # just added
        shown = identity_presenters.invite(made)
        said = {"uses": shown.uses, "expiresAt": shown.expires_at, "credit": shown.credit}
        action, group = AdminAction.INVITE_CREATE, shown.group
        await add_act(connection, now, actor_id, action, f"invite:{id}", group=group, **said)
    return identity_presenters.new_invite(shown, code)


@get("/", opt=notes())
async def invites(
    request: ApiRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> InviteList:
    """List invitations, newest first, without their codes."""
    before = decode_cursor(cursor)
    async with request.services.db.read() as connection:
        found = await list_invites(connection, before=before, limit=limit + 1)
    shown, following = page(found, limit, lambda row: row.id)
    return InviteList([identity_presenters.invite(row) for row in shown], following)


@delete("/{id:str}", opt=notes(E.NOT_FOUND))
async def end_invite(request: ApiRequest, id: InvitePath) -> None:
    """Revoke an invitation, at once and for ever. Users who registered by it stay."""
    invite_id = id_in_path(id, E.NOT_FOUND)
    actor_id, now = request.principal.user_id, request.services.core.now()
    async with request.services.db.write() as connection:
        if await invite_by_id(connection, invite_id) is None:
            raise Refusal(E.NOT_FOUND, "there is no such invitation")
        if await revoke_invite(connection, invite_id, now):
            target = f"invite:{invite_id}"
            await add_act(connection, now, actor_id, AdminAction.INVITE_REVOKE, target)


router = Router(
    "/v1/invites",
    route_handlers=[create_invite, invites, end_invite],
    guards=[admin],
    tags=["users"],
)
