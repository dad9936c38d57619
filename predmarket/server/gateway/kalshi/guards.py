"""Guards of the routes. Only signatures count here, no Bearer token and no cookie."""

from litestar.handlers import BaseRouteHandler

from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import Asked, check_scope
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import AnyConnection, Context, client_host, context_of
from predmarket.server.gateway.guards import let_in


async def identify(context: Context, asked: Asked) -> Principal | None:
    """Return a request's sender, None if it is not signed. Raises Refusal UNAUTHENTICATED."""
    assert context.signatures is not None  # these routes are there with it alone
    return await context.signatures.identify(asked)


async def require(context: Context, asked: Asked, scope: Scope) -> Principal:
    """Return the sender of a request that must be signed, by a key with this scope.

    Raises Refusal UNAUTHENTICATED, FORBIDDEN.
    """
    who = await identify(context, asked)
    if who is None:
        raise Refusal(ErrorCode.UNAUTHENTICATED, "the request must be signed (KALSHI-ACCESS-KEY)")
    check_scope(who, scope)
    return who


async def public(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits everybody; an admin's key sees drafts."""
    let_in(connection, await identify(context_of(connection), _asked(connection)))


async def reader(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits signed requests of keys with the scope ``read``."""
    let_in(connection, await require(context_of(connection), _asked(connection), Scope.READ))


async def trader(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits signed requests of keys with the scope ``trade``."""
    let_in(connection, await require(context_of(connection), _asked(connection), Scope.TRADE))


async def key_call(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard that runs first: counts a call about keys against the limit of /v1/auth."""
    context = context_of(connection)
    who = await identify(context, _asked(connection))
    if who is None:
        await context.limits.auth.take(client_host(connection))
    else:
        await context.limits.auth.take_signed_in(who.credential)


def _asked(connection: AnyConnection) -> Asked:
    return connection.scope
