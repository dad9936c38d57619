"""Routes for admins: groups of users and their members."""

from typing import Annotated, TypeAlias

from litestar import Router, delete, get, post, put
from litestar.params import JSONBody, PathParameter
from sqlalchemy.exc import IntegrityError

from predmarket.contracts.user_groups import UserGroup, UserGroupList, UserGroupRequest
from predmarket.enums import AdminAction
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.principals import Revocation
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    UserPath,
    id_in_path,
)
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.read_model.queries.admin_log import add_act, of_user
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.user_groups import (
    add_group,
    add_member,
    group_by_name,
    list_groups,
    remove_member,
)
from predmarket.server.read_model.queries.users import user_by_id

GroupPath: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A group's name",
        schema_extra={"minLength": 1, "maxLength": 64, "pattern": "^[^/\\x00-\\x1f]+$"},
    ),
]


@post("/", opt=notes(E.NAME_TAKEN, E.LIMIT_EXCEEDED))
async def create_group(request: ApiRequest, data: JSONBody[UserGroupRequest]) -> UserGroup:
    """Make a group of users. An exchange has at most 1000, and they are never deleted.

    Names are compared whatever their case, blanks and style of letters.
    """
    actor_id, now = request.principal.user_id, request.services.core.now()
    try:
        async with request.services.db.write() as connection:
            made = await add_group(connection, data.name, now)
            said, action = {"name": made.name}, AdminAction.GROUP_CREATE
            await add_act(connection, now, actor_id, action, f"group:{made.id}", **said)
    except IntegrityError:
        raise Refusal(E.NAME_TAKEN) from None
    return identity_presenters.user_group(made)


@get("/", opt=notes())
async def groups(
    request: ApiRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> UserGroupList:
    """List groups, the oldest first. GET /v1/users?group= lists a group's members."""
    after = 0 if cursor is None else decode_cursor(cursor)
    async with request.services.db.read() as connection:
        found, total = await list_groups(connection, after=after, limit=limit + 1)
    shown, following = page(found, limit, lambda row: row.id)
    return UserGroupList([identity_presenters.user_group(row) for row in shown], total, following)


@put(
    "/{group:str}/members/{id:str}", status_code=204, opt=notes(E.GROUP_NOT_FOUND, E.USER_NOT_FOUND)
)
async def add_to_group(request: ApiRequest, group: GroupPath, id: UserPath) -> None:
    """Add a user to a group, from this moment on; a member stays one."""
    await _change(request, group, id, AdminAction.GROUP_ADD)


@delete("/{group:str}/members/{id:str}", opt=notes(E.GROUP_NOT_FOUND, E.USER_NOT_FOUND))
async def remove_from_group(request: ApiRequest, group: GroupPath, id: UserPath) -> None:
    """Remove a user from a group, from this moment on, if the user is in it."""
    await _change(request, group, id, AdminAction.GROUP_REMOVE)


async def _change(request: ApiRequest, group: str, id: str, action: AdminAction) -> None:
    """Add or remove a member. Raises Refusal GROUP_NOT_FOUND, USER_NOT_FOUND."""
    user_id = id_in_path(id, E.USER_NOT_FOUND)
    actor_id, now = request.principal.user_id, request.services.core.now()
    change = add_member if action is AdminAction.GROUP_ADD else remove_member
    async with request.services.db.write() as connection:
        group_id = await group_by_name(connection, group)
        if group_id is None:
            raise Refusal(E.GROUP_NOT_FOUND)
        if await user_by_id(connection, user_id) is None:
            raise Refusal(E.USER_NOT_FOUND)
        changed = await change(connection, group_id, user_id)
        if changed:
            target = of_user(user_id)
            await add_act(connection, now, actor_id, action, target, groupId=group_id)
    if changed:
        await request.context.principals.ended(Revocation("user", user_id))


router = Router(
    "/v1/groups",
    route_handlers=[create_group, groups, add_to_group, remove_from_group],
    guards=[admin],
    tags=["users"],
)
