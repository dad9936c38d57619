"""Routes for admins: list and change users."""

from collections.abc import Iterator
from typing import Annotated

from litestar import Router, get, patch, post
from litestar.params import JSONBody, QueryParameter
from sqlalchemy.exc import IntegrityError

from predmarket.contracts.identity import (
    CreateUserRequest,
    ManagedUser,
    NewUser,
    UpdateUserRequest,
    UserCode,
    UserList,
)
from predmarket.contracts.requests import NoFields
from predmarket.contracts.text import LINE, normal_email
from predmarket.engine.commands import CancelAll
from predmarket.enums import AdminAction, CancelReason
from predmarket.enums import ErrorCode as E
from predmarket.server.clock import wall_clock
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.codes import drop_code, give_code
from predmarket.server.gateway.auth.passwords import nobodys_hash
from predmarket.server.gateway.auth.principals import Revocation
from predmarket.server.gateway.group_making import group_named
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    MembersOf,
    Offset,
    UserPath,
    id_in_path,
)
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.gateway.routes.auth import open_account
from predmarket.server.read_model.queries.admin_log import add_act, of_user
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.user_groups import add_member, group_by_name
from predmarket.server.read_model.queries.users import (
    add_user,
    change_user,
    find_users,
    money_of_users,
    normal_search,
    user_by_email,
    user_by_id,
)
from predmarket.units import format_money

Search = Annotated[
    str | None,
    QueryParameter(max_length=254, pattern=LINE, description="Part of an e-mail or a name"),
]


@get("/", opt=notes(E.GROUP_NOT_FOUND))
async def list_users(
    request: ApiRequest,
    q: Search = None,
    group: MembersOf = None,
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
        money = await money_of_users(connection, [row.id for row in rows])
    items = [identity_presenters.listed_user(row, money.get(row.id)) for row in rows]
    return UserList(items, total, following)


@post("/", opt=notes(E.EMAIL_TAKEN, E.LIMIT_EXCEEDED, *COMMAND))
async def create_user(request: ApiRequest, data: JSONBody[CreateUserRequest]) -> NewUser:
    """Make an account. Its user chooses a password with the code, by POST /v1/auth/claim.

    The code ends with its use or after seven days. After a 503 the account is there, and opens
    with its credit at the first login; POST /v1/users/{id}/reset gives another code.
    """
    services, email = request.services, normal_email(data.email)
    actor_id, now = request.principal.user_id, services.core.now()
    credit = 0 if data.credit is None else data.credit.units
    said = {"email": email, "fullName": data.full_name, "role": data.role, "group": data.group}
    async with services.db.look_up() as connection:
        if await user_by_email(connection, data.email) is not None:
            raise Refusal(E.EMAIL_TAKEN)
    try:
        async with services.db.write() as connection:
            user = await add_user(
                connection, email, nobodys_hash(), data.full_name, data.role, wall_clock(), credit
            )
            group_id = await group_named(connection, data.group, actor_id, now)
            if group_id is not None:
                await add_member(connection, group_id, user.id)
            code, action = await give_code(connection, user.id, now), AdminAction.USER_CREATE
            money = format_money(credit)
            await add_act(connection, now, actor_id, action, of_user(user.id), credit=money, **said)
    except IntegrityError:  # another request was a moment faster
        raise Refusal(E.EMAIL_TAKEN) from None
    await open_account(request.context, user)
    return NewUser(identity_presenters.managed_user(user), code)


@post("/{id:str}/reset", status_code=200, opt=notes(E.USER_NOT_FOUND))
async def reset_user(
    request: ApiRequest, id: UserPath, data: JSONBody[NoFields | None] = None
) -> UserCode:
    """Give a user a new one-time code, for one who forgot the password.

    The password goes on until the code is claimed. The code before it ends.
    """
    del data  # decoding has refused any content
    user_id = id_in_path(id, E.USER_NOT_FOUND)
    actor_id, now = request.principal.user_id, request.services.core.now()
    async with request.services.db.write() as connection:
        if await user_by_id(connection, user_id) is None:
            raise Refusal(E.USER_NOT_FOUND)
        code = await give_code(connection, user_id, now)
        await add_act(connection, now, actor_id, AdminAction.USER_RESET, of_user(user_id))
    return UserCode(code)


@patch("/{id:str}", opt=notes(E.USER_NOT_FOUND, E.LAST_ADMIN, *COMMAND))
async def update_user(
    request: ApiRequest, id: UserPath, data: JSONBody[UpdateUserRequest]
) -> ManagedUser:
    """Change what a user may do, from this moment on.

    Disabling also ends the user's sessions, API keys and one-time code, and cancels the open
    orders; enabling brings none of them back. After a 503 the user is disabled, and the same call
    again cancels the orders that were left open.
    """
    user_id = id_in_path(id, E.USER_NOT_FOUND)
    actor_id, now = request.principal.user_id, request.services.core.now()
    async with request.services.db.write() as connection:
        changed = await change_user(connection, user_id, data.role, data.disabled)
        if changed is not None:
            if changed.disabled:
                await request.context.sessions.end_all(connection, user_id)
                await drop_code(connection, user_id)
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
        if not await request.context.sessions.end_all(connection, user_id):
            raise Refusal(E.USER_NOT_FOUND)
        action, target = AdminAction.USER_REVOKE_ALL, of_user(user_id)
        await add_act(connection, now, actor_id, action, target)
    await request.context.principals.ended(Revocation("user", user_id))


router = Router(
    "/v1/users",
    route_handlers=[list_users, create_user, reset_user, update_user, revoke_all_of_user],
    guards=[admin],
    tags=["users"],
)
