"""The guards of the routes: who is let in, and what a call counts as."""

from litestar import Response
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler

from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import AnyConnection, client_host, context_of
from predmarket.server.gateway.limits.client_address import client_key
from predmarket.server.gateway.limits.reads import Reader, rows_of
from predmarket.server.observability.request import CURRENT

READER = "reader"
"""The key of the reader whom a call charges, in the state of its scope."""
COUNTED = "counted when it fails"
"""The key of whether a malformed call counts as a sign-in, in the state of its scope."""
_READS = ("GET", "HEAD")


async def anyone(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits everybody, and identifies a sender with a credential."""
    let_in(connection, await context_of(connection).gate.identify(connection.scope))


async def signed_in(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits users; a key needs the scope ``read`` for a GET, otherwise ``trade``."""
    needed = Scope.READ if _reads(connection) else Scope.TRADE
    let_in(connection, await context_of(connection).gate.require(connection.scope, needed))


async def board_reader(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits whom the setting LEADERBOARD lets see the leaderboard."""
    setting = context_of(connection).services.settings.leaderboard
    if setting == "off":
        raise Refusal(ErrorCode.NOT_FOUND, "this exchange has no leaderboard")
    await (anyone if setting == "public" else signed_in)(connection, _)


async def with_session(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits users with a session, and refuses API keys."""
    let_in(connection, await context_of(connection).gate.require_session(connection.scope))


async def admin(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits admins."""
    let_in(connection, await context_of(connection).gate.require_admin(connection.scope))


async def session_if_any(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits everybody but API keys, and identifies the user of a live session."""
    scope = connection.scope
    scope["user"] = await context_of(connection).gate.session_if_any(scope)


async def auth_call(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: counts a call by its session or key, else by its client's address."""
    context = context_of(connection)
    try:
        who = await context.gate.identify(connection.scope)
    except Refusal:  # the next guard refuses it
        who = None
    if who is None:
        await context.limits.auth.take(client_host(connection))
    else:
        await context.limits.auth.take_signed_in(who.credential)


async def sign_in(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: counts a registration or login by its client's address, even with a session."""
    await count_sign_in(connection)


async def count_sign_in(connection: AnyConnection) -> None:
    """Count a registration or login of the client's address. Raises Refusal."""
    limits, host = context_of(connection).limits.auth, client_host(connection)
    await limits.take(host)
    await limits.take_sign_in(host)


async def failed_sign_in(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: refuses a client whose sign-ins are used up. The call counts when it fails: a
    malformed one by itself, another one by the handler's ``count_sign_in``."""
    connection.scope["state"][COUNTED] = True
    await context_of(connection).limits.auth.check_sign_in(client_host(connection))


async def order_entry(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard, after ``signed_in``: counts one order of the user."""
    await context_of(connection).limits.orders.take(connection.scope["user"].user_id)


async def cancel_entry(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard, after ``signed_in``: counts one cancel of the user."""
    await context_of(connection).limits.cancels.take(connection.scope["user"].user_id)


async def preview_entry(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard, after ``signed_in``: counts a preview as an order and as a read."""
    await order_entry(connection, _)
    context_of(connection).limits.reads.take(connection.scope["user"].user_id, "")


async def charge_rows(response: Response[object]) -> Response[object]:
    """Have the reader pay for what a read answers (Litestar's after_request)."""
    scope = CURRENT.get()
    reader = None if scope is None else scope.get("state", {}).get(READER)
    if reader is not None:
        reader.charge(rows_of(response.content))
    return response


def let_in(connection: AnyConnection, who: Principal | None) -> None:
    """Record the sender, and charge for a read; other guards count orders and sign-ins."""
    connection.scope["user"] = who
    if _reads(connection):
        reader = Reader(context_of(connection).limits.reads, client_key(client_host(connection)))
        reader.user_id = None if who is None else who.user_id
        reader.take()
        connection.scope["state"][READER] = reader


def _reads(connection: AnyConnection) -> bool:
    scope = connection.scope
    return scope["type"] == ScopeType.HTTP and scope["method"] in _READS
