"""Accounts and sessions: register, login, refresh, password, logout, me."""

import time
from typing import Literal

from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from sqlalchemy.exc import IntegrityError

from predmarket.contracts.identity import (
    LoginRequest,
    PasswordRequest,
    RefreshRequest,
    RegisterRequest,
    Session,
    User,
)
from predmarket.contracts.requests import NoFields
from predmarket.contracts.text import normal_email
from predmarket.engine.commands import OpenAccount
from predmarket.server import wire
from predmarket.server.auth.gate import ACCESS_COOKIE, REFRESH_COOKIE, cookie
from predmarket.server.auth.sessions import Opened
from predmarket.server.auth.tokens import ACCESS_SECONDS, REFRESH_SECONDS
from predmarket.server.documents.notes import COMMAND, notes
from predmarket.server.observability.request import known_as
from predmarket.server.queries.accounts import account_of
from predmarket.server.queries.users import UserRecord, add_user, user_by_email, user_by_id
from predmarket.server.refusal import Refusal
from predmarket.server.routes.context import (
    ApiRequest,
    Context,
    auth_call,
    sign_in,
    signed_in,
    with_session,
)
from predmarket.terms import ErrorCode, Role

REFRESH_PATH = "/v1/auth"


@post(
    "/register",
    status_code=201,
    guards=[sign_in],
    opt=notes(ErrorCode.EMAIL_TAKEN, *COMMAND),
)
async def register(request: ApiRequest, data: JSONBody[RegisterRequest]) -> Response[Session]:
    """Open an account and a session."""
    context = request.context
    user = await _new_user(context, data)
    await _open_account(context, user.id)
    return _answer(request, await context.sessions.open(user), 201)


@post(
    "/login",
    status_code=200,
    guards=[sign_in],
    opt=notes(ErrorCode.INVALID_CREDENTIALS, *COMMAND),
)
async def login(request: ApiRequest, data: JSONBody[LoginRequest]) -> Response[Session]:
    """Open a session."""
    context = request.context
    async with context.services.db.read_account() as connection:
        user = await user_by_email(connection, normal_email(data.email))
    hashed = None if user is None else user.password_hash
    if not await context.passwords.check(data.password, hashed) or user is None or user.disabled:
        raise Refusal(ErrorCode.INVALID_CREDENTIALS)
    # Only now: one query more for an e-mail that is known would tell that it is.
    async with context.services.db.read_account() as connection:
        account = await account_of(connection, user.id)
    if account is None:  # the core was away when the user registered
        await _open_account(context, user.id)
    return _answer(request, await context.sessions.open(user), 200)


@post("/refresh", status_code=200, opt=notes(ErrorCode.INVALID_REFRESH_TOKEN, ErrorCode.CSRF))
async def refresh(
    request: ApiRequest, data: JSONBody[RefreshRequest | None] = None
) -> Response[Session]:
    """Trade a refresh token for new tokens."""
    context = request.context
    token = None if data is None else data.refresh_token
    if token is None:
        token = cookie(request.scope["headers"], REFRESH_COOKIE)
        if token is not None:
            context.gate.check_origin(request.scope)
    opened = None if token is None else await context.sessions.rotate(token)
    if opened is None:
        raise Refusal(ErrorCode.INVALID_REFRESH_TOKEN)
    return _answer(request, opened, 200)


@post(
    "/password",
    status_code=204,
    guards=[with_session],
    opt=notes(ErrorCode.INVALID_CREDENTIALS, ErrorCode.OVERLOADED),
)
async def change_password(request: ApiRequest, data: JSONBody[PasswordRequest]) -> None:
    """Choose another password; every other session ends.

    API keys live on: they have no part in it, and each can be revoked.
    """
    context, who = request.context, request.principal
    async with context.services.db.read_account() as connection:
        user = await user_by_id(connection, who.user_id)
    assert user is not None  # users are never deleted
    wrong = Refusal(ErrorCode.INVALID_CREDENTIALS, "the old password is wrong")
    if not await context.passwords.check(data.old_password, user.password_hash):
        raise wrong
    hashed = await context.passwords.hash(data.new_password)
    if not await context.sessions.change_password(who, user.password_hash, hashed):
        raise wrong  # another request was a moment faster


@post("/logout", status_code=204, guards=[with_session], opt=notes())
async def logout(
    request: ApiRequest,
    data: JSONBody[NoFields | None] = None,
) -> Response[None]:
    """End this session."""
    await request.context.sessions.revoke(request.principal.session_id)
    cookies = [
        _cookie(request, ACCESS_COOKIE, "", "/", 0),
        _cookie(request, REFRESH_COOKIE, "", REFRESH_PATH, 0),
    ]
    return Response(None, status_code=204, cookies=cookies)


@get("/me", guards=[signed_in], opt=notes())
async def me(request: ApiRequest) -> User:
    """Tell whom the token belongs to."""
    async with request.services.db.read_account() as connection:
        user = await user_by_id(connection, request.principal.user_id)
    assert user is not None  # users are never deleted
    return wire.user(user)


async def _new_user(context: Context, data: RegisterRequest) -> UserRecord:
    """Store a user. Raises Refusal EMAIL_TAKEN, also when another request is a moment faster."""
    email = normal_email(data.email)
    db = context.services.db
    async with db.read_account() as connection:
        if await user_by_email(connection, email) is not None:
            raise Refusal(ErrorCode.EMAIL_TAKEN)
    hashed = await context.passwords.hash(data.password)
    now = time.time_ns() // 1_000
    try:
        async with db.write() as connection:
            return await add_user(connection, email, hashed, data.full_name, Role.USER, now)
    except IntegrityError:
        raise Refusal(ErrorCode.EMAIL_TAKEN) from None


async def _open_account(context: Context, user_id: int) -> None:
    """Have the core open the account; harmless when it is open. Raises BusError."""
    services = context.services
    await services.bus.submit(OpenAccount(user_id, credit=services.settings.signup_credit))


def _answer(request: ApiRequest, opened: Opened, status: Literal[200, 201]) -> Response[Session]:
    known_as(opened.user.id)
    body = Session(opened.access_token, opened.refresh_token, wire.user(opened.user))
    cookies = [
        _cookie(request, ACCESS_COOKIE, opened.access_token, "/", ACCESS_SECONDS),
        _cookie(request, REFRESH_COOKIE, opened.refresh_token, REFRESH_PATH, REFRESH_SECONDS),
    ]
    return Response(body, status_code=status, cookies=cookies)


def _cookie(request: ApiRequest, name: str, value: str, path: str, seconds: int) -> Cookie:
    over_tls = request.scope["scheme"] == "https"  # as the proxy in front says, if it is trusted
    return Cookie(
        name,
        value=value,
        path=path,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=over_tls or not request.services.settings.on_loopback,
    )


router = Router(
    "/v1/auth",
    route_handlers=[register, login, refresh, change_password, logout, me],
    guards=[auth_call],
    tags=["auth"],
)
