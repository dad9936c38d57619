"""Resolutions on their way to the core: made at once, or proposed."""

from predmarket.contracts.errors import Problem
from predmarket.contracts.markets import Payouts, ResolutionRequest
from predmarket.contracts.requests import Invalid
from predmarket.engine.commands import Command, ProposeResolution, ResolveEvent, ResolveMarket
from predmarket.engine.replies import EventResolved, Resolved
from predmarket.server.core.bus import BusReply
from predmarket.server.gateway.http.params import future
from predmarket.server.gateway.services import Services
from predmarket.spans import parse_span
from predmarket.units import MAX_TIME, Micros, format_money


def resolving(
    services: Services, data: ResolutionRequest, resolution: ResolveMarket | ResolveEvent
) -> Command:
    """Return the command of a resolution: it is proposed if the request names a time for it, or if
    another admin has to confirm. Raises Invalid for a time that cannot be."""
    effective_at = _effective_at(data, services.core.now())
    by_two = services.settings.resolve_by_two
    if effective_at is None and not by_two:
        return resolution
    return ProposeResolution(resolution, effective_at, by_two)


def _effective_at(data: ResolutionRequest, now: Micros) -> Micros | None:
    if data.after is None:
        return future("effectiveAt", data.effective_at, now)
    at = now + parse_span(data.after)
    if at > MAX_TIME:
        raise Invalid(Problem("after", "must end before the year 10000"))
    return at


def payouts_of(reply: BusReply) -> Payouts | None:
    """Return what a resolution paid, None while it is proposed or still pays."""
    if isinstance(reply, Resolved | EventResolved):
        return Payouts(reply.accounts, format_money(reply.total))
    return None
