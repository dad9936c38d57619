"""The context of every route, the guards, and the request type that decodes bodies exactly."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, get_args

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import InternalServerException
from litestar.handlers import BaseRouteHandler

from predmarket.contracts import requests
from predmarket.contracts.faults import FaultSpec, Injected
from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import (
    CHALLENGE,
    Asked,
    Authenticator,
    Headers,
    header,
)
from predmarket.server.gateway.auth.passwords import Passwords
from predmarket.server.gateway.auth.principals import Principal, Principals
from predmarket.server.gateway.auth.sessions import Sessions
from predmarket.server.gateway.calibration import Forecasts
from predmarket.server.gateway.candle_cache import CandleCache
from predmarket.server.gateway.health import HealthCheck
from predmarket.server.gateway.leaderboard_cache import LeaderboardCache
from predmarket.server.gateway.limits import Limits
from predmarket.server.gateway.limits.client_address import client_key
from predmarket.server.gateway.limits.reads import Reader, rows_of
from predmarket.server.gateway.quote_history import QuoteHistory
from predmarket.server.gateway.services import Services
from predmarket.server.gateway.sight import sees, sees_event
from predmarket.server.observability.request import CURRENT
from predmarket.server.read_model.records import EventRecord, MarketRecord

CONTEXT = "context"
MAX_BODY_BYTES = 64 * 1024
_READS = ("GET", "HEAD")
_READER = "reader"
_COUNTED = "counted when it fails"

AnyConnection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


class SignatureCheck(Protocol):
    """Identifies the senders of signed requests (auth/signatures.py)."""

    async def identify(self, asked: Asked) -> Principal | None:
        """Return a request's sender, None if it is not signed. Raises Refusal UNAUTHENTICATED."""

    def known(self, asked: Asked) -> Principal | None:
        """Return a request's sender if its key is cached, else None. Raises Refusal as above."""


class FaultControl(Protocol):
    """The faults that this gateway has on demand (faults/injection.py)."""

    spec: FaultSpec

    @property
    def injected(self) -> Injected:
        """Return how often each fault has struck since the last change."""

    def change(self, spec: FaultSpec) -> None:
        """Have other faults from now on."""


@dataclass(frozen=True, slots=True)
class Context:
    """The context of a route: services, authentication, limits.

    ``signatures`` is None where no route takes signed requests, ``quotes`` where no route shows
    them, ``faults`` where there are none.
    """

    services: Services
    principals: Principals
    sessions: Sessions
    gate: Authenticator
    passwords: Passwords
    health: HealthCheck
    limits: Limits
    candles: CandleCache
    leaderboards: LeaderboardCache
    forecasts: Forecasts
    signatures: SignatureCheck | None = None
    quotes: QuoteHistory | None = None
    faults: FaultControl | None = None

    def market(self, ref: str | int, principal: Principal | None) -> MarketRecord:
        """Return a market that the sender may see. Raises Refusal MARKET_NOT_FOUND."""
        found = self.services.view.find(ref)
        if found is not None and sees(principal, found):
            return found
        raise Refusal(ErrorCode.MARKET_NOT_FOUND)

    async def find_market(self, ref: str | int, principal: Principal | None) -> MarketRecord:
        """Return a market as ``market`` does, even if another process has just made it."""
        if self.services.view.find(ref) is None:
            await self.services.catch_up()
        return self.market(ref, principal)

    async def find_event(self, ref: str | int, principal: Principal | None) -> EventRecord:
        """Return an event that the asker may see, also one that was made a moment ago elsewhere.

        Raises Refusal EVENT_NOT_FOUND.
        """
        if self.services.view.find_event(ref) is None:
            await self.services.catch_up()
        return self.event(ref, principal)

    def event(self, ref: str | int, principal: Principal | None) -> EventRecord:
        """Return an event that the asker may see. Raises Refusal EVENT_NOT_FOUND."""
        found = self.services.view.find_event(ref)
        if found is not None and sees_event(principal, found, self.services.view):
            return found
        raise Refusal(ErrorCode.EVENT_NOT_FOUND)


def require_json(headers: Headers) -> None:
    """Refuse a body of another type than JSON. Raises Refusal UNSUPPORTED_MEDIA_TYPE."""
    kind = header(headers, b"content-type")
    if kind is not None and kind.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE)


class ApiRequest(Request[Principal | None, Any, State]):
    """A request that decodes its body directly into its handler's contract."""

    @property
    def context(self) -> Context:
        """Return the context."""
        context = self.scope["state"][CONTEXT]
        assert isinstance(context, Context)
        return context

    @property
    def services(self) -> Services:
        """Return the services."""
        return self.context.services

    @property
    def principal(self) -> Principal:
        """Return the sender, whom a guard has identified."""
        principal = self.user
        assert principal is not None
        return principal

    def charge(self, rows: int) -> None:
        """Have the reader pay for rows that the answer's content does not show."""
        self.scope["state"][_READER].charge(rows)

    async def count_sign_in(self) -> None:
        """Count this call as a registration or login of its address. Raises Refusal."""
        await _count_sign_in(self)

    async def json(self) -> Any:  # noqa: ANN401 -- the base class says so
        """Return the body as the handler's ``data``, never through floats.

        Raises Invalid, Refusal UNSUPPORTED_MEDIA_TYPE, and UNAUTHENTICATED if the sender's session
        ended, or the permissions changed, while the body arrived.
        """
        field = self.scope["route_handler"].parsed_data_field
        assert field is not None  # the handler has a data parameter
        require_json(self.scope["headers"])
        kinds = get_args(field.annotation) or (field.annotation,)
        body = await self.body()
        try:
            data = requests.decode(body, kinds[0])
        except requests.Invalid:
            if self.scope["state"].get(_COUNTED):
                await self.count_sign_in()
            raise
        who = self.scope.get("user")  # None if no guard identified the sender
        if who is not None and who != await self.context.gate.identify(self.scope):
            raise Refusal(ErrorCode.UNAUTHENTICATED, headers=CHALLENGE)
        return data

    async def body(self) -> bytes:
        """Return the body. Raises Refusal if the client left before it was whole."""
        try:
            return await super().body()
        except InternalServerException:  # no defect of ours, and nobody gets the answer
            raise Refusal(ErrorCode.REQUEST_TIMEOUT) from None


async def anyone(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits everybody, and identifies a sender with a credential."""
    let_in(connection, await _gate(connection).identify(connection.scope))


async def signed_in(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits users; a key needs the scope ``read`` for a GET, otherwise ``trade``."""
    needed = Scope.READ if _reads(connection) else Scope.TRADE
    let_in(connection, await _gate(connection).require(connection.scope, needed))


async def board_reader(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits whom the setting LEADERBOARD lets see the leaderboard."""
    setting = _context(connection).services.settings.leaderboard
    if setting == "off":
        raise Refusal(ErrorCode.NOT_FOUND, "this exchange has no leaderboard")
    await (anyone if setting == "public" else signed_in)(connection, _)


async def with_session(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits users with a session, and refuses API keys."""
    let_in(connection, await _gate(connection).require_session(connection.scope))


async def admin(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits admins."""
    let_in(connection, await _gate(connection).require_admin(connection.scope))


async def session_if_any(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: admits everybody but API keys, and identifies the user of a live session."""
    scope = connection.scope
    scope["user"] = await _gate(connection).session_if_any(scope)


async def auth_call(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: counts a call by its session or key, else by its client's address."""
    context = _context(connection)
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
    await _count_sign_in(connection)


async def _count_sign_in(connection: AnyConnection) -> None:
    limits, host = _context(connection).limits.auth, client_host(connection)
    await limits.take(host)
    await limits.take_sign_in(host)


async def failed_sign_in(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard: refuses a client whose sign-ins are used up. The call counts when it fails: a
    malformed one by itself, another one by the handler's ``count_sign_in``."""
    connection.scope["state"][_COUNTED] = True
    await _context(connection).limits.auth.check_sign_in(client_host(connection))


async def order_entry(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard, after ``signed_in``: counts one order of the user."""
    await _context(connection).limits.orders.take(connection.scope["user"].user_id)


async def cancel_entry(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard, after ``signed_in``: counts one cancel of the user."""
    await _context(connection).limits.cancels.take(connection.scope["user"].user_id)


async def preview_entry(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """Guard, after ``signed_in``: counts a preview as an order and as a read."""
    await order_entry(connection, _)
    _context(connection).limits.reads.take(connection.scope["user"].user_id, "")


async def charge_rows(response: Response[object]) -> Response[object]:
    """Have the reader pay for what a read answers (Litestar's after_request)."""
    scope = CURRENT.get()
    reader = None if scope is None else scope.get("state", {}).get(_READER)
    if reader is not None:
        reader.charge(rows_of(response.content))
    return response


def let_in(connection: AnyConnection, who: Principal | None) -> None:
    """Record the sender, and charge for a read; other guards count orders and sign-ins."""
    connection.scope["user"] = who
    if _reads(connection):
        reader = Reader(_context(connection).limits.reads, client_key(client_host(connection)))
        reader.user_id = None if who is None else who.user_id
        reader.take()
        connection.scope["state"][_READER] = reader


def _reads(connection: AnyConnection) -> bool:
    scope = connection.scope
    return scope["type"] == ScopeType.HTTP and scope["method"] in _READS


def _context(connection: AnyConnection) -> Context:
    context = connection.scope["state"][CONTEXT]
    assert isinstance(context, Context)
    return context


def _gate(connection: AnyConnection) -> Authenticator:
    return _context(connection).gate


def client_host(connection: AnyConnection) -> str | None:
    """Return a call's client address, None if it has none."""
    client = connection.scope["client"]
    return None if client is None else client[0]
