"""Resolutions on their way to the core: made at once, or proposed."""

from collections.abc import Callable

from predmarket.contracts.errors import Problem
from predmarket.contracts.markets import Payouts, ResolutionRequest
from predmarket.contracts.requests import Invalid
from predmarket.engine.commands import Command, ProposeResolution, ResolveEvent, ResolveMarket
from predmarket.engine.proposal import EventProposal, MarketProposal, encode
from predmarket.engine.replies import EventResolved, Resolved
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.http.params import future
from predmarket.server.gateway.services import Services
from predmarket.server.read_model.queries.users import are_admins
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


TOO_FEW_ADMINS = (
    "RESOLVE_BY_TWO is on, and there are not two admins: nothing can be resolved before another"
    " account is an admin (predmarket user update EMAIL --role ADMIN)"
)


async def carry_out(services: Services, command: Command) -> Payouts | None:
    """Have the core execute a resolution; return what it paid, None while it is proposed or still
    pays.

    Raises BusError, and Refusal for a command refused: if another admin is needed and there is
    none, it says so.
    """
    try:
        reply = await services.submit(command)
    except Refusal as refusal:
        if refusal.code is not ErrorCode.ANOTHER_ADMIN_NEEDED:
            raise
        async with services.db.read() as connection:
            if await are_admins(connection, 2):
                raise
        raise Refusal(refusal.code, f"{refusal.message}; {TOO_FEW_ADMINS}") from None
    if isinstance(reply, Resolved | EventResolved):
        return Payouts(reply.accounts, format_money(reply.total))
    return None


async def meant(
    services: Services,
    given: object | None,
    look: Callable[[], tuple[object | None, MarketProposal | EventProposal | None]],
) -> str | None:
    """Return the stored form of the proposal that a request means; None: whichever there is.

    ``look`` returns the present one, as it is shown and as it is. Raises Refusal PROPOSAL_CHANGED.
    """
    if given is None:
        return None
    if look()[0] != given:  # perhaps another process knows a newer one
        await services.catch_up()
    shown, present = look()
    if present is None:  # the core says what there is
        return None
    if shown != given:
        raise Refusal(ErrorCode.PROPOSAL_CHANGED)
    return encode(present)
