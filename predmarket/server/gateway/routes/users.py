"""Routes for admins: list and change users."""

from collections.abc import Iterator
from typing import Annotated

from litestar import Router, get, patch, post
from litestar.params import JSONBody, QueryParameter

from predmarket.contracts.identity import ManagedUser, UpdateUserRequest, UserList
from predmarket.contracts.text import LINE
from predmarket.engine.commands import CancelAll
from predmarket.enums import AdminAction, CancelReason
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.auth.principals import Revocation
from predmarket.server.gateway.auth.sessions import end_all
from predmarket.server.gateway.context import ApiRequest, admin
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    Offset,
    UserPath,
    id_in_path,
)
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.read_model.queries.admin_log import add_act, of_user
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.user_groups import group_by_name
from predmarket.server.read_model.queries.users import change_user, find_users, normal_search

Group = Annotated[
    str | None,
    QueryParameter(max_length=64, pattern=LINE, description="Only members of that group"),
]
Search = Annotated[
    str | None,
    QueryParameter(max_length=254, pattern=LINE, description="Part of an e-mail or a name"),
]


@get("/", opt=notes(E.GROUP_NOT_FOUND))
async def list_users(
    request: ApiRequest,
    q: Search = None,
    group: Group = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    cursor: Cursor = None,
) -> UserList:
    """List users; ``q`` is looked for in e-mail and name, and an e-mail given whole comes first."""
    after = None if cursor is None else decode_cursor(cursor)
    async with request.services.db.read() as connection:
        group_id = None if group is None else await group_by_name(connection, group)
        if group is not None and group_id is None:
            raise Refusal(E.GROUP_NOT_FOUND)
        found, total = await find_users(
            connection, q, after=after, limit=limit + 1, offset=offset, group_id=group_id
        )
    whole = normal_search(q)
    rows, following = page(found, limit, lambda row: 0 if row.email == whole else row.id)
    return UserList([identity_presenters.managed_user(record) for record in rows], total, following)


@patch("/{id:str}", opt=notes(E.USER_NOT_FOUND, E.LAST_ADMIN, *COMMAND))
async def update_user(
    request: ApiRequest, id: UserPath, data: JSONBody[UpdateUserRequest]
) -> ManagedUser:
    """Change what a user may do, from this moment on.

    Disabling also ends the user's sessions and API keys and cancels the open orders; enabling
    brings none of them back. After a 503 the user is disabled, and the same call again cancels the
    orders that were left open.
    """
    user_id = id_in_path(id, E.USER_NOT_FOUND)
    actor_id, now = request.principal.user_id, request.services.core.now()
    async with request.services.db.write() as connection:
        changed = await change_user(connection, user_id, data.role, data.disabled)
        if changed is not None:
            if changed.disabled:
                await end_all(connection, user_id)
            for action, said in _acts(data):
                await add_act(connection, now, actor_id, action, of_user(user_id), **said)
    if changed is None:
        raise Refusal(E.USER_NOT_FOUND)
    await request.context.principals.ended(Revocation("user", user_id))
    if data.disabled:  # last, so that orders placed until the end are cancelled too
        await request.services.bus.submit(CancelAll(user_id, reason=CancelReason.ADMIN))
    return identity_presenters.managed_user(changed)


def _acts(data: UpdateUserRequest) -> Iterator[tuple[AdminAction, dict[str, object]]]:
    if data.role is not None:
        yield AdminAction.USER_ROLE, {"role": data.role}
    if data.disabled is not None:
        yield AdminAction.USER_DISABLE if data.disabled else AdminAction.USER_ENABLE, {}


@post("/{id:str}/revoke-all", status_code=204, opt=notes(E.USER_NOT_FOUND))
async def revoke_all_of_user(request: ApiRequest, id: UserPath) -> None:
    """End all sessions and API keys of a user. The user may log in again."""
    user_id = id_in_path(id, E.USER_NOT_FOUND)
    actor_id, now = request.principal.user_id, request.services.core.now()
    async with request.services.db.write() as connection:
        if not await end_all(connection, user_id):
            raise Refusal(E.USER_NOT_FOUND)
        action, target = AdminAction.USER_REVOKE_ALL, of_user(user_id)
        await add_act(connection, now, actor_id, action, target)
    await request.context.principals.ended(Revocation("user", user_id))


router = Router(
    "/v1/users",
    route_handlers=[list_users, update_user, revoke_all_of_user],
    guards=[admin],
    tags=["users"],
)
