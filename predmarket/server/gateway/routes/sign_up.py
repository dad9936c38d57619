"""Routes by which an account gets its password: register, and claim a one-time code."""

from litestar import Response, Router, post
from litestar.params import JSONBody
from sqlalchemy.exc import IntegrityError

from predmarket.contracts.identity import ClaimRequest, RegisterRequest, Session
from predmarket.contracts.text import normal_email
from predmarket.enums import ErrorCode, Role
from predmarket.server.clock import wall_clock
from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.codes import Invited, return_invite, take_invite, user_of_code
from predmarket.server.gateway.context import client_host
from predmarket.server.gateway.guards import failed_sign_in
from predmarket.server.gateway.limits.client_address import client_keys
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.gateway.routes.auth import device_of, logged_in, open_account
from predmarket.server.read_model.queries.user_groups import add_member
from predmarket.server.read_model.queries.users import UserRecord, add_user, user_by_email


@post(
    "/register",
    status_code=201,
    guards=[failed_sign_in],
    opt=notes(
        ErrorCode.EMAIL_TAKEN,
        ErrorCode.INVALID_CODE,
        ErrorCode.SIGNUP_CLOSED,
        ErrorCode.RATE_LIMITED,
        *COMMAND,
    ),
)
async def register(request: ApiRequest, data: JSONBody[RegisterRequest]) -> Response[Session]:
    """Open an account and a session.

    An invitation gives its credit and its group. The setting SIGNUP says whether one is needed.
    """
    if data.invite_code is None:
        await request.count_sign_in()
        user = await _new_user(request, data)
    else:  # counts only when it fails: a class registers from one address
        try:
            user = await _new_user(request, data)
        except Refusal:
            await request.count_sign_in()
            raise
    await open_account(request.context, user)
    return logged_in(request, await request.context.sessions.open(user, device_of(request)), 201)


@post(
    "/claim",
    status_code=200,
    guards=[failed_sign_in],
    opt=notes(ErrorCode.INVALID_CODE, ErrorCode.RATE_LIMITED, *COMMAND),
)
async def claim(request: ApiRequest, data: JSONBody[ClaimRequest]) -> Response[Session]:
    """Choose a password with a one-time code from an admin, and open a session.

    A code ends with its use, after seven days, or when an admin gives a new one. The user's other
    sessions end; API keys live on.
    """
    context, now = request.context, request.services.core.now()
    async with context.services.db.look_up() as connection:
        user = await user_of_code(connection, data.code, now)
    if user is None:
        await request.count_sign_in()
        raise Refusal(ErrorCode.INVALID_CODE)
    hashed = await context.passwords.hash(data.password, f"user {user.id}")
    if not await context.sessions.claim(user, data.code, hashed, now):
        raise Refusal(ErrorCode.INVALID_CODE)  # another request was a moment faster
    await open_account(context, user)
    claimed = user._replace(password_hash=hashed)
    return logged_in(request, await context.sessions.open(claimed, device_of(request)), 200)


async def _new_user(request: ApiRequest, data: RegisterRequest) -> UserRecord:
    """Store a user.

    Raises Refusal SIGNUP_CLOSED, INVALID_CODE, and EMAIL_TAKEN, even if another request is a moment
    faster.
    """
    email, context, code = normal_email(data.email), request.context, data.invite_code
    db, signup = context.services.db, context.services.settings.signup
    if signup == "closed" or (signup == "invite" and code is None):
        raise Refusal(ErrorCode.SIGNUP_CLOSED)
    if code is None:
        source = client_keys(client_host(request))[-1]
        return await _add_user(request, data, email, source, Invited(0, 0, None))
    # A use is taken before the password is hashed: so the uses that are left bound the hashes.
    async with db.write() as connection:
        invited = await take_invite(connection, code, request.services.core.now())
    if invited is None:
        raise Refusal(ErrorCode.INVALID_CODE)
    try:  # each e-mail is a source, else a class behind one address would wait for itself
        return await _add_user(request, data, email, f"invited {email}", invited)
    except BaseException:
        async with db.write() as connection:
            await return_invite(connection, invited.invite_id)
        raise


async def _add_user(
    request: ApiRequest, data: RegisterRequest, email: str, source: str, invited: Invited
) -> UserRecord:
    """Store a user with what an invitation gives. Raises Refusal EMAIL_TAKEN."""
    context, db = request.context, request.context.services.db
    async with db.look_up() as connection:
        if await user_by_email(connection, data.email) is not None:
            raise Refusal(ErrorCode.EMAIL_TAKEN)
    hashed = await context.passwords.hash(data.password, source)
    try:
        async with db.write() as connection:
            user = await add_user(
                connection, email, hashed, data.full_name, Role.USER, wall_clock(), invited.credit
            )
            if invited.group_id is not None:
                await add_member(connection, invited.group_id, user.id)
            return user
    except IntegrityError:
        raise Refusal(ErrorCode.EMAIL_TAKEN) from None


router = Router("/v1/auth", route_handlers=[register, claim], tags=["auth"])
