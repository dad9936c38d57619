"""One's own sessions: list them, end one, end all with the API keys. No API key may do so."""

from litestar import Response, Router, delete, get, post

from predmarket.contracts.identity import SessionList
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import identity_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import auth_call, with_session
from predmarket.server.gateway.http.params import SessionPath, id_in_path
from predmarket.server.gateway.openapi.notes import notes
from predmarket.server.gateway.routes.auth import without_cookies


@get("/sessions", opt=notes())
async def list_sessions(request: ApiRequest) -> SessionList:
    """List one's sessions that go on."""
    who = request.principal
    found = await request.context.sessions.sessions_of(who.user_id)
    return SessionList(
        [
            identity_presenters.session(record, current=record.id == who.session_id)
            for record in found
        ]
    )


@delete("/sessions/{id:str}", status_code=204, opt=notes(E.NOT_FOUND))
async def end_session(request: ApiRequest, id: SessionPath) -> None:
    """End one of one's sessions, at once."""
    session_id = id_in_path(id, E.NOT_FOUND)
    if not await request.context.sessions.revoke(session_id, request.principal.user_id):
        raise Refusal(E.NOT_FOUND, "you have no such session")


@post("/revoke-all", status_code=204, opt=notes())
async def revoke_all(request: ApiRequest) -> Response[None]:
    """End all one's sessions and API keys, this session too: for when something was stolen."""
    await request.context.sessions.revoke_all(request.principal.user_id)
    return without_cookies(request)


router = Router(
    "/v1/auth",
    route_handlers=[list_sessions, end_session, revoke_all],
    guards=[auth_call, with_session],
    tags=["auth"],
)
