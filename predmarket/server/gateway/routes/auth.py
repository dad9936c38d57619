"""Routes for sessions: login, refresh, password, logout, me. (sign_up.py: register, claim.)"""

from typing import Literal

from litestar import Response, Router, get, patch, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from sqlalchemy.exc import IntegrityError

from predmarket.contracts.identity import (
    LoginRequest,
    LogoutRequest,
    PasswordRequest,
    RefreshRequest,
    Session,
    UpdateMeRequest,
    User,
)
from predmarket.contracts.requests import printable
from predmarket.contracts.text import normal_email
from predmarket.engine.commands import OpenAccount
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.authenticator import (
    ACCESS_COOKIE,
    CHALLENGE,
    REFRESH_COOKIE,
    cookie,
    header,
)
from predmarket.server.gateway.auth.refresh_tokens import MAX_AGENT, Device, RefreshRecord
from predmarket.server.gateway.auth.sessions import Opened
from predmarket.server.gateway.auth.tokens import ACCESS_SECONDS, REFRESH_SECONDS
from predmarket.server.gateway.context import Context, client_host
from predmarket.server.gateway.guards import (
    auth_call,
    session_if_any,
    sign_in,
    signed_in,
    with_session,
)
from predmarket.server.gateway.limits.client_address import client_keys, plain_address
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.observability.request import known_as
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.users import (
    UserRecord,
    set_names,
    user_by_email,
    user_by_id,
)

REFRESH_PATH = "/v1/auth"


@post(
    "/login",
    status_code=200,
    guards=[sign_in],
    opt=notes(ErrorCode.INVALID_CREDENTIALS, *COMMAND),
)
async def login(request: ApiRequest, data: JSONBody[LoginRequest]) -> Response[Session]:
    """Open a session.

    Logins under one e-mail from places where its owner has not logged in before are limited to some
    an hour: 429 RATE_LIMITED.
    """
    context, host, email = request.context, client_host(request), normal_email(data.email)
    async with context.services.db.look_up() as connection:
        user = await user_by_email(connection, data.email)
    device = cookie(request.scope["headers"], REFRESH_COOKIE)
    if not await context.sessions.knows(0 if user is None else user.id, host, device):
        await context.limits.auth.take_unfamiliar(email)
    hashed = None if user is None else user.password_hash
    right = await context.passwords.check(data.password, hashed, client_keys(host)[-1])
    if not right or user is None or user.disabled:
        raise Refusal(ErrorCode.INVALID_CREDENTIALS)
    # Only now: an additional query for a known e-mail would reveal that it is known.
    async with context.services.db.look_up() as connection:
        account = await account_of(connection, user.id)
    if account is None:  # the core was unavailable when the user registered
        await open_account(context, user)
    return logged_in(request, await context.sessions.open(user, device_of(request)), 200)


@post(
    "/refresh",
    status_code=200,
    opt=notes(ErrorCode.INVALID_REFRESH_TOKEN, ErrorCode.CSRF, ErrorCode.RATE_LIMITED),
)
async def refresh(
    request: ApiRequest, data: JSONBody[RefreshRequest | None] = None
) -> Response[Session]:
    """Trade a refresh token for new tokens.

    A token that comes again within a minute gets the same successor, unless that was used
    meanwhile. One that comes again later ends its session. A session lasts 90 days at most.
    """
    sessions = request.context.sessions
    token = None if data is None else data.refresh_token
    if token is None:
        token = _refresh_cookie(request)
    await _count_refresh(request, token)
    opened = None if token is None else await sessions.rotate(token, device_of(request))
    if opened is None:
        raise Refusal(ErrorCode.INVALID_REFRESH_TOKEN)
    return logged_in(request, opened, 200)


@post(
    "/password",
    status_code=204,
    guards=[auth_call, with_session],
    opt=notes(ErrorCode.INVALID_CREDENTIALS, ErrorCode.OVERLOADED),
)
async def change_password(request: ApiRequest, data: JSONBody[PasswordRequest]) -> None:
    """Choose another password; every other session ends.

    API keys live on, so that bots go on. POST /v1/auth/revoke-all ends them all, for when one may
    have been stolen.
    """
    context, who = request.context, request.principal
    async with context.services.db.look_up() as connection:
        user = await user_by_id(connection, who.user_id)
    assert user is not None  # users are never deleted
    wrong = Refusal(ErrorCode.INVALID_CREDENTIALS, "the old password is wrong")
    if not await context.passwords.check(data.old_password, user.password_hash, who.credential):
        raise wrong
    hashed = await context.passwords.hash(data.new_password, who.credential)
    if not await context.sessions.change_password(who, user.password_hash, hashed):
        raise wrong  # another request was a moment faster


@post(
    "/logout",
    status_code=204,
    guards=[session_if_any],
    opt=notes(ErrorCode.INVALID_REFRESH_TOKEN, ErrorCode.RATE_LIMITED),
)
async def logout(
    request: ApiRequest,
    data: JSONBody[LogoutRequest | None] = None,
) -> Response[None]:
    """End this session, by its access token or, when that has expired, by its refresh token."""
    sessions, who = request.context.sessions, request.user
    token = None if data is None else data.refresh_token
    if token is None and who is None:
        token = _refresh_cookie(request)
    if who is not None:
        await request.context.limits.auth.take_signed_in(who.credential)
        await sessions.revoke(who.session_id, who.user_id)
    record = await _count_refresh(request, token) if who is None else await _record(request, token)
    if record is not None:
        await sessions.revoke(record.session_id, record.user_id)
    elif who is None:
        missing = ErrorCode.UNAUTHENTICATED if token is None else ErrorCode.INVALID_REFRESH_TOKEN
        raise Refusal(missing, headers=CHALLENGE if token is None else None)
    return without_cookies(request)


@patch("/me", guards=[auth_call, signed_in], opt=notes(ErrorCode.NAME_TAKEN))
async def update_me(request: ApiRequest, data: JSONBody[UpdateMeRequest]) -> User:
    """Change one's names. Others see ``displayName`` alone, and no two look the same."""
    user_id = request.principal.user_id
    try:
        async with request.services.db.write() as connection:
            changed = await set_names(connection, user_id, data.full_name, data.display_name)
    except IntegrityError:  # another request was a moment faster
        raise Refusal(ErrorCode.NAME_TAKEN) from None
    return identity_presenters.user(changed)


@get("/me", guards=[auth_call, signed_in], opt=notes())
async def me(request: ApiRequest) -> User:
    """Tell whom the token belongs to."""
    async with request.services.db.look_up() as connection:
        user = await user_by_id(connection, request.principal.user_id)
    assert user is not None  # users are never deleted
    return identity_presenters.user(user)


def without_cookies(request: ApiRequest) -> Response[None]:
    """Return the answer that makes a browser delete its tokens."""
    cookies = [
        _cookie(request, ACCESS_COOKIE, "", "/", 0),
        _cookie(request, REFRESH_COOKIE, "", REFRESH_PATH, 0),
    ]
    return Response(None, status_code=204, cookies=cookies)


def device_of(request: ApiRequest) -> Device:
    """Return the device that a request comes from."""
    agent = header(request.scope["headers"], b"user-agent")
    shown = None if agent is None else printable(agent, MAX_AGENT)
    return Device(plain_address(client_host(request)), shown)


def _refresh_cookie(request: ApiRequest) -> str | None:
    """Return the cookie's refresh token. Raises Refusal CSRF if a foreign page sent it."""
    token = cookie(request.scope["headers"], REFRESH_COOKIE)
    if token is not None:
        request.context.gate.check_origin(request.scope)
    return token


async def _record(request: ApiRequest, token: str | None) -> RefreshRecord | None:
    return None if token is None else await request.context.sessions.of_refresh(token)


async def _count_refresh(request: ApiRequest, token: str | None) -> RefreshRecord | None:
    """Count a call by its refresh token's session, else by its address.

    Return the token's stored record. Raises Refusal RATE_LIMITED.
    """
    limits = request.context.limits.auth
    record = await _record(request, token)
    if record is None:
        await limits.take(client_host(request))
    else:
        await limits.take_signed_in(f"session {record.session_id}")
    return record


async def open_account(context: Context, user: UserRecord) -> None:
    """Make the core open a user's account; harmless if it is open. Raises BusError."""
    services = context.services
    credit = services.settings.signup_credit + user.opening_credit
    await services.bus.submit(OpenAccount(user.id, credit=credit))


def logged_in(request: ApiRequest, opened: Opened, status: Literal[200, 201]) -> Response[Session]:
    """Return the answer that logs a user in, with its cookies."""
    known_as(opened.user.id)
    body = Session(opened.access_token, opened.refresh_token, identity_presenters.user(opened.user))
    cookies = [
        _cookie(request, ACCESS_COOKIE, opened.access_token, "/", ACCESS_SECONDS),
        _cookie(request, REFRESH_COOKIE, opened.refresh_token, REFRESH_PATH, REFRESH_SECONDS),
    ]
    return Response(body, status_code=status, cookies=cookies)


def _cookie(request: ApiRequest, name: str, value: str, path: str, seconds: int) -> Cookie:
    over_tls = request.scope["scheme"] == "https"  # as reported by a trusted proxy
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
    route_handlers=[login, refresh, change_password, logout, me, update_me],
    tags=["auth"],
)
