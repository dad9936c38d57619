"""The keys of signed requests, and the limits of an account.

As at Kalshi, a key can make keys; a new key may do no more than the key that made it.
"""

import asyncio

import msgspec
from litestar import Response, Router, delete, get, post

from predmarket.contracts.text import KeyName
from predmarket.enums import Scope
from predmarket.server.clock import wall_clock
from predmarket.server.gateway.api_request import ApiRequest, require_json
from predmarket.server.gateway.auth.api_keys import (
    KeyRecord,
    Maker,
    PublicKey,
    create_key,
    keys_of,
    new_key,
)
from predmarket.server.gateway.auth.signatures import (
    new_access_id,
    new_key_pair,
    read_public_key,
)
from predmarket.server.gateway.kalshi.answers import answer
from predmarket.server.gateway.kalshi.errors import KalshiRefusal, NotFound, invalid
from predmarket.server.gateway.kalshi.guards import key_call, reader, trader
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import Json
from predmarket.server.setting_types import RateLimit

_SCOPES = {"read": Scope.READ, "write": Scope.TRADE, "trade": Scope.TRADE, "admin": Scope.ADMIN}
_SHOWN = {Scope.READ: "read", Scope.TRADE: "write", Scope.ADMIN: "admin"}
_WIDEST_NAME = 100
_UNNAMED = "Kalshi client"


class _KeyBody(msgspec.Struct, frozen=True):
    name: str | None = None
    public_key: str | None = None
    scopes: list[str] | None = None


_decode = msgspec.json.Decoder(_KeyBody).decode


@get("/", guards=[key_call, reader])
async def list_keys(request: ApiRequest) -> Response[bytes]:
    """List the sender's keys that sign requests."""
    Query(request)
    async with request.services.db.read_account() as connection:
        found = await keys_of(connection, request.principal.user_id)
    shown: list[Json] = [
        {
            "api_key_id": one.access_id,
            "name": one.name,
            "scopes": [_SHOWN[scope] for scope in one.scopes],
        }
        for one in found
        if one.access_id is not None
    ]
    return answer({"api_keys": shown})


@post("/", guards=[key_call, trader], status_code=201)
async def register_key(request: ApiRequest) -> Response[bytes]:
    """Register a public key."""
    body = await _body(request)
    if body.public_key is None:
        raise invalid("public_key", "is required")
    made = await _make(request, body, read_public_key(body.public_key))
    return answer({"api_key_id": made.access_id}, 201)


@post("/generate", guards=[key_call, trader], status_code=201)
async def generate_key(request: ApiRequest) -> Response[bytes]:
    """Make a key pair; the answer is the only place that ever shows the private key."""
    body = await _body(request)
    private, public = await asyncio.to_thread(new_key_pair)
    made = await _make(request, body, public)
    told = {"api_key_id": made.access_id, "private_key": private, "name": made.name}
    return answer(told, 201)


@delete("/{name:str}", guards=[key_call, trader], status_code=204)
async def revoke_key(request: ApiRequest, name: NamePath) -> None:
    """Revoke a key, at once and for ever."""
    Query(request)
    user_id = request.principal.user_id
    async with request.services.db.read_account() as connection:
        found = [one for one in await keys_of(connection, user_id) if one.access_id == name]
    if not found or not await request.context.sessions.revoke_key(user_id, found[0].id):
        raise NotFound("there is no such key")


async def _body(request: ApiRequest) -> _KeyBody:
    Query(request)
    require_json(request.scope["headers"])
    raw = await request.body()
    try:
        return _decode(raw or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("", str(error)[:200]) from None


async def _make(request: ApiRequest, body: _KeyBody, public: bytes) -> KeyRecord:
    """Store a key with the scopes asked for. Raises Invalid, KalshiRefusal, Refusal."""
    who = request.principal
    own = [scope for scope in Scope if who.may(scope)]
    scopes: list[Scope] = [scope for scope in own if scope is not Scope.ADMIN]
    if body.scopes is not None:
        if not body.scopes or any(word not in _SCOPES for word in body.scopes):
            raise invalid("scopes", "must be among read and write")
        scopes = [_SCOPES[word] for word in body.scopes]
    if not set(scopes) <= set(own):
        raise KalshiRefusal(403, "insufficient_permissions", "a key makes no key that may do more")
    name = _name(body.name)
    key = PublicKey(new_access_id(), public)
    async with request.services.db.write() as connection:
        return await create_key(
            connection,
            who.user_id,
            name,
            scopes,
            new_key(),
            wall_clock(),
            Maker(key_id=who.key_id),
            key,
        )


def _name(given: str | None) -> str:
    """Return a key's name. Raises Invalid."""
    if given is None:
        return _UNNAMED
    try:
        name: str = msgspec.convert(given, KeyName)
        return name
    except msgspec.ValidationError:
        raise invalid("name", f"must be up to {_WIDEST_NAME} characters that show") from None


@get("/limits", guards=[reader])
async def show_limits(request: ApiRequest) -> Response[bytes]:
    """Show how many reads and orders a second this account may make."""
    Query(request)
    settings = request.services.settings
    return answer(
        {
            "usage_tier": "predmarket",
            "read_limit": _a_second(settings.read_rate_limit),
            "write_limit": _a_second(settings.order_rate_limit),
        }
    )


def _a_second(limit: RateLimit | None) -> int:
    """Return a limit per second, rounded up; a limit that is off counts as a million."""
    return 1_000_000 if limit is None else -(-limit.times // limit.seconds)


ROUTERS = [
    Router("/api_keys", route_handlers=[list_keys, register_key, generate_key, revoke_key]),
    Router("/account", route_handlers=[show_limits]),
]
