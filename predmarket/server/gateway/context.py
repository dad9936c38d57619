"""The context of every route."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from litestar.connection import ASGIConnection

from predmarket.contracts.faults import FaultSpec, Injected
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import Asked, Authenticator
from predmarket.server.gateway.auth.passwords import Passwords
from predmarket.server.gateway.auth.principals import Principal, Principals
from predmarket.server.gateway.auth.sessions import Sessions
from predmarket.server.gateway.calibration import Forecasts
from predmarket.server.gateway.candle_cache import CandleCache
from predmarket.server.gateway.health import HealthCheck
from predmarket.server.gateway.leaderboard_cache import LeaderboardCache
from predmarket.server.gateway.limits import Limits
from predmarket.server.gateway.quote_history import QuoteHistory
from predmarket.server.gateway.services import Services
from predmarket.server.gateway.sight import sees, sees_event
from predmarket.server.read_model.records import EventRecord, MarketRecord

CONTEXT = "context"
MAX_BODY_BYTES = 64 * 1024

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


def context_of(connection: AnyConnection) -> Context:
    """Return the context of a request or a socket."""
    context = connection.scope["state"][CONTEXT]
    assert isinstance(context, Context)
    return context


def client_host(connection: AnyConnection) -> str | None:
    """Return a call's client address, None if it has none."""
    client = connection.scope["client"]
    return None if client is None else client[0]
