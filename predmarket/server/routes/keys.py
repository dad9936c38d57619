"""API keys: make, list, revoke. Who holds a key cannot make another: all of it needs a login."""

import time

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from predmarket.contracts.identity import ApiKeyList, ApiKeyRequest, NewApiKey
from predmarket.server import wire
from predmarket.server.auth.keys import create_key, keys_of, new_key
from predmarket.server.refusal import Refusal
from predmarket.server.routes.context import ApiRequest, with_session
from predmarket.server.routes.params import id_in_path
from predmarket.terms import ErrorCode, Scope


@post("/", status_code=201)
async def make_key(request: ApiRequest, data: JSONBody[ApiKeyRequest]) -> NewApiKey:
    """Make an API key; the answer is the only place that ever shows it."""
    who = request.principal
    if Scope.ADMIN in data.scopes and not who.is_admin:
        raise Refusal(ErrorCode.FORBIDDEN, "only an admin's key may have the scope admin")
    key, now = new_key(), time.time_ns() // 1_000
    async with request.services.db.write() as connection:
        kept = await create_key(connection, who.user_id, data.name, data.scopes, key, now)
    return NewApiKey(kept.id, kept.name, list(kept.scopes), key)


@get("/")
async def list_keys(request: ApiRequest) -> ApiKeyList:
    """List one's API keys."""
    async with request.services.db.read() as connection:
        found = await keys_of(connection, request.principal.user_id)
    return ApiKeyList([wire.api_key(record) for record in found])


@delete("/{id:str}", status_code=204)
async def revoke_key(request: ApiRequest, id: FromPath[str]) -> None:
    """Revoke one of one's API keys, at once and for ever."""
    key_id = id_in_path(id, ErrorCode.NOT_FOUND)
    if not await request.context.sessions.revoke_key(request.principal.user_id, key_id):
        raise Refusal(ErrorCode.NOT_FOUND, "you have no such API key")


router = Router(
    "/v1/auth/api-keys",
    route_handlers=[make_key, list_keys, revoke_key],
    guards=[with_session],
    tags=["auth"],
)
