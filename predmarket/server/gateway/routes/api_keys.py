"""API keys: make, list, revoke. All of it needs a login: a key cannot make another key."""

from litestar import Router, delete, get, post
from litestar.params import JSONBody
from msgspec import UNSET

from predmarket.contracts.identity import ApiKeyList, ApiKeyRequest, NewApiKey
from predmarket.enums import ErrorCode as E
from predmarket.enums import Scope
from predmarket.server.clock import wall_clock
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.api_keys import Maker, PublicKey, create_key, keys_of, new_key
from predmarket.server.gateway.guards import auth_call, with_session
from predmarket.server.gateway.http.params import KeyPath, id_in_path
from predmarket.server.gateway.openapi.notes import notes


@post("/", status_code=201, opt=notes(E.LIMIT_EXCEEDED))
async def make_key(request: ApiRequest, data: JSONBody[ApiKeyRequest]) -> NewApiKey:
    """Make an API key; the answer is the only place that ever shows it."""
    who = request.principal
    if Scope.ADMIN in data.scopes and not who.is_admin:
        raise Refusal(E.FORBIDDEN, "only an admin's key may have the scope admin")
    public_key = None if data.public_key is None else _public_key(request, data.public_key)
    key, now, maker = new_key(), wall_clock(), Maker(who.session_id)
    async with request.services.db.write() as connection:
        kept = await create_key(
            connection, who.user_id, data.name, data.scopes, key, now, maker, public_key
        )
    return NewApiKey(kept.id, kept.name, list(kept.scopes), key, kept.access_id or UNSET)


def _public_key(request: ApiRequest, pem: str) -> PublicKey:
    """Return a key's public key. Raises Refusal where no request can be signed, and Invalid."""
    if not request.services.settings.kalshi:
        raise Refusal(E.FORBIDDEN, "a publicKey is for the Kalshi-shaped API, which is off here")
    from predmarket.server.gateway.auth.signatures import (  # noqa: PLC0415 -- only where it is on
        new_access_id,
        read_public_key,
    )

    return PublicKey(new_access_id(), read_public_key(pem))


@get("/", opt=notes())
async def list_keys(request: ApiRequest) -> ApiKeyList:
    """List one's API keys."""
    async with request.services.db.read_account() as connection:
        found = await keys_of(connection, request.principal.user_id)
    return ApiKeyList([identity_presenters.api_key(record) for record in found])


@delete("/{id:str}", status_code=204, opt=notes(E.NOT_FOUND))
async def revoke_key(request: ApiRequest, id: KeyPath) -> None:
    """Revoke one of one's API keys, at once and for ever."""
    key_id = id_in_path(id, E.NOT_FOUND)
    if not await request.context.sessions.revoke_key(request.principal.user_id, key_id):
        raise Refusal(E.NOT_FOUND, "you have no such API key")


router = Router(
    "/v1/auth/api-keys",
    route_handlers=[make_key, list_keys, revoke_key],
    guards=[auth_call, with_session],
    tags=["auth"],
)
