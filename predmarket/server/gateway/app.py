"""The HTTP application: an outer ASGI layer around Litestar.

The outer layer gives each request its id and, behind proxies, its client's address and scheme. It
adds headers to each answer, measures requests, and answers preflights of configured origins. It
sends POST /v1/orders and /v1/orders/batch to routes/place_order.py, and sockets to
realtime/endpoint.py. Litestar does everything else.
"""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import TypeGuard

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import (
    ControllerRouterHandler,
    HTTPScope,
    Receive,
    Scope,
    Send,
    WebSocketScope,
)
from litestar.utils.path import normalize_path

from predmarket.contracts.faults import FaultSpec
from predmarket.server.clock import clock_of, machine_time
from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.authenticator import Authenticator
from predmarket.server.gateway.auth.passwords import Passwords
from predmarket.server.gateway.auth.principals import Principals
from predmarket.server.gateway.auth.revocations import Revocations
from predmarket.server.gateway.auth.sessions import Sessions
from predmarket.server.gateway.calibration import Forecasts
from predmarket.server.gateway.candle_cache import CandleCache
from predmarket.server.gateway.context import (
    CONTEXT,
    MAX_BODY_BYTES,
    Context,
    FaultControl,
    SignatureCheck,
)
from predmarket.server.gateway.guards import charge_rows
from predmarket.server.gateway.health import HealthCheck
from predmarket.server.gateway.http.cors import Cors
from predmarket.server.gateway.http.errors import answer_error, answer_stopping, request_id_of
from predmarket.server.gateway.http.headers import request_id, security_headers, with_headers
from predmarket.server.gateway.http.methods import plain
from predmarket.server.gateway.http.query import check_query
from predmarket.server.gateway.leaderboard_cache import LeaderboardCache
from predmarket.server.gateway.limits import Limits
from predmarket.server.gateway.limits.client_address import Proxies
from predmarket.server.gateway.limits.connections import too_many_connections
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.early_response import answering
from predmarket.server.gateway.protocol.order_fast_path import OrderFastPath
from predmarket.server.gateway.protocol.server import http_config
from predmarket.server.gateway.quote_history import QuoteHistory
from predmarket.server.gateway.realtime import endpoint as realtime
from predmarket.server.gateway.realtime.endpoint import Realtime
from predmarket.server.gateway.routes import (
    account,
    admin_log,
    api_keys,
    auth,
    calibration,
    events,
    imports,
    invites,
    market_data,
    markets,
    openapi,
    operations,
    order_groups,
    orders,
    place_order,
    seasons,
    sessions,
    sign_up,
    user_accounts,
    user_groups,
    users,
)
from predmarket.server.gateway.services import Services
from predmarket.server.gateway.sight_watch import SightWatch
from predmarket.server.observability.access import Access
from predmarket.server.observability.logs import is_json
from predmarket.server.settings import Settings, SettingsError
from predmarket.units import Micros
from predmarket.variables import PREFIX

ROUTERS: list[ControllerRouterHandler] = [
    sign_up.router,
    auth.router,
    api_keys.router,
    sessions.router,
    markets.router,
    events.router,
    imports.router,
    market_data.router,
    calibration.router,
    orders.router,
    order_groups.router,
    account.router,
    user_accounts.router,
    users.router,
    user_groups.router,
    invites.router,
    seasons.router,
    seasons.board,
    admin_log.router,
    operations.router,
    openapi.router,
]
"""Everything that is served, and therefore in the document."""


@cache
def litestar(*, kalshi: bool, faults: bool) -> Litestar:
    """Return the Litestar routes, those of the Kalshi-shaped API with ``kalshi``, and those of
    ``faults``. Each request carries its CONTEXT, so one set of routes serves all applications of a
    process."""
    routers = ROUTERS
    if kalshi:
        from predmarket.server.gateway.kalshi import facade  # noqa: PLC0415 -- only where it is on

        routers = [*routers, facade.ROUTER]
    if faults:
        from predmarket.server.gateway.routes import faults as on_demand  # noqa: PLC0415 -- likewise

        routers = [*routers, on_demand.router]
    return Litestar(
        route_handlers=routers,
        exception_handlers={Exception: answer_error},
        request_class=ApiRequest,
        before_request=check_query,
        after_request=charge_rows,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )


class Application:
    """The outer ASGI layer."""

    def __init__(self, context: Context) -> None:
        self.context = context
        settings = context.services.settings
        self._litestar = litestar(kalshi=settings.kalshi, faults=context.faults is not None)
        self._security = security_headers(on_loopback=settings.on_loopback)
        self._cors = Cors(settings.cors_origin) if settings.cors_origin else None
        self._bare: dict[str, place_order.PlaceRoute] = {
            place_order.PATH: place_order.PlaceRoute(context),
            place_order.BATCH_PATH: place_order.BatchRoute(context),
        }
        self._access = Access(context.services.metrics, quiet=not is_json(settings))
        self.fast_path = OrderFastPath(context, self._access, cors=self._cors is not None)
        """Answers plain orders before they reach this application (protocol/server.py)."""
        self._proxies = Proxies(settings.trusted_proxies)
        self.connections = context.limits.connections
        """Counts connections; the server's protocols (protocol/server.py) use it, too."""
        self.realtime = Realtime(context, context.services.hub)
        self._sockets = {realtime.PATH: self.realtime}
        self._refused: Callable[[str, Refusal, str], tuple[int, bytes] | None] | None = None
        if settings.kalshi:
            from predmarket.server.gateway.kalshi import facade  # noqa: PLC0415 -- as above

            self._bare.update(facade.bare_routes(context))
            self._sockets.update(facade.sockets(context))
            self._refused = facade.refused
            self.fast_path.translations.update(facade.translations(context))
        self.socket_paths = frozenset(path.encode() for path in self._sockets)
        """Where the server's protocols accept sockets."""

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer one request, or serve one socket."""
        if _is_socket(scope):
            peer = scope["client"]
            self._proxies.heed(scope, "wss")
            behind = self.connections.forwarded(peer, scope["client"])
            # The protocol layer lets no other address through.
            sockets = self._sockets.get(scope["path"], self.realtime)
            await sockets(scope, receive, send, behind)
        elif _is_http(scope):
            await self._serve(scope, receive, send)

    async def _serve(self, http: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one request within the limits of its address."""
        peer = http["client"]
        self._proxies.heed(http, "https")
        behind = self.connections.forwarded(peer, http["client"])
        if behind is None:
            await self._answer(http, receive, send)
            return
        with self.connections.held(behind) as surplus:
            if surplus:
                await answering(too_many_connections(), self._note)(http, receive, send)
            else:
                await self._answer(http, receive, send)

    def server_config(self) -> ServerConfig:
        """Return the configuration of a server for this application."""
        config = http_config(self, fast_path=self.fast_path, counters=self.connections)
        config.socket_paths = self.socket_paths
        if self.context.faults is not None:
            from predmarket.server.gateway.faults import protocols  # noqa: PLC0415 -- as above

            protocols.install(config, self.context.faults, self._refused)
        return config

    def _note(self, id: str, refusal: Refusal) -> None:
        self._access.refused(id, refusal.status, refusal.code, 0.0)

    async def _answer(self, http: HTTPScope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        cors = self._cors
        if cors is not None:
            send = cors.sharing(send, http["headers"])
        state = http.setdefault("state", {})
        try:
            # Under every spelling of the address that Litestar accepts, so that there is one way.
            posted = http["method"] == "POST"
            bare = self._bare.get(normalize_path(http["path"])) if posted else None
            if bare is not None:
                await self._access.follow_bare(bare, http, receive, send)
                return
            id = request_id(http["headers"])
            state["request_id"], state[CONTEXT] = id, self.context
            headed = with_headers(send, id, self._security)
            if cors is not None and cors.is_preflight(http["method"], http["headers"]):
                await cors.answer_preflight(headed)
                return
            asked, answer = plain(http, headed)
            await self._access.follow(self._litestar, asked, receive, answer)
        except asyncio.CancelledError:  # the server stops and waits no longer
            if "status" not in state:
                headed = with_headers(send, request_id_of(http), self._security)
                await answer_stopping(http, headed)


def _is_socket(scope: Scope) -> TypeGuard[WebSocketScope]:
    return scope["type"] == ScopeType.WEBSOCKET


def _is_http(scope: Scope) -> TypeGuard[HTTPScope]:
    return scope["type"] == ScopeType.HTTP


def create_app(services: Services) -> Application:
    """Return the application. Raises SettingsError if a required secret is missing."""
    secret = services.settings.signing_secret()
    now: Callable[[], Micros] | None = None
    if clock_of(services.settings.clock).tokens_follow:
        now = services.core.now
        principals = Principals(services.db, secret, lambda: services.core.now() / 1_000_000)
    else:
        principals = Principals(services.db, secret)
    health = HealthCheck(services.db, services.redis, lambda: services.core.status().healthy)
    gate = Authenticator(principals, services.settings.cors_origin)
    limits = Limits.of(services.settings, services.redis)
    if services.redis is not None:
        Revocations(principals, services.redis, services.bus, services.gateway).start()
    principals.held.hidden_groups = services.view.hidden.keys
    services.hub.observers.append(SightWatch(principals, services.view))
    signatures = _signatures(services, principals) if services.settings.kalshi else None
    return Application(
        Context(
            services,
            principals,
            Sessions(services.db, secret, principals, now),
            gate,
            Passwords(),
            health,
            limits,
            candles=CandleCache(services.db),
            leaderboards=LeaderboardCache(services.db),
            forecasts=Forecasts(services.db),
            signatures=signatures,
            quotes=_quotes(services) if services.settings.kalshi else None,
            faults=_faults(services.settings),
        )
    )


def _quotes(services: Services) -> QuoteHistory:
    """Return the history of quotes, which follows the batches from now on."""
    quotes = QuoteHistory(services.db)
    services.hub.observers.append(quotes)
    return quotes


def _faults(settings: Settings) -> FaultControl | None:
    """Return the faults on demand, None if the exchange was started without."""
    if settings.fault is None:
        return None
    from predmarket.server.gateway.faults.injection import Faults  # noqa: PLC0415 -- as above

    return Faults(FaultSpec.read(settings.fault))


def _signatures(services: Services, principals: Principals) -> SignatureCheck:
    """Return what checks signed requests. Raises SettingsError without the package it needs."""
    try:
        from predmarket.server.gateway.auth.signatures import (  # noqa: PLC0415 -- an extra
            Signatures,
        )
    except ModuleNotFoundError:
        raise SettingsError(
            f"{PREFIX}KALSHI: needs the package cryptography: install predmarket-exchange[kalshi]"
        ) from None
    # a client's clock shows real time, whatever an experiment's clock shows
    is_wall = services.settings.clock == "wall"
    return Signatures(principals, services.core.now if is_wall else machine_time)
