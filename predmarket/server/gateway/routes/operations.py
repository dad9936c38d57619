"""The exchange's health and status: parts that are down, leader, durability."""

import time

from litestar import Response, Router, get, post
from litestar.params import JSONBody

from predmarket import __version__
from predmarket.contracts.amounts import format_time
from predmarket.contracts.operations import ClockTime, Health, Leader, MoveClock, Status
from predmarket.enums import AdminAction
from predmarket.enums import ErrorCode as E
from predmarket.server.core.advance import NotMovable
from predmarket.server.core.durability import JOURNAL
from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import admin, anyone
from predmarket.server.gateway.limits.client_address import is_local
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.observability.metrics import CONTENT_TYPE, PATH
from predmarket.server.read_model.queries.admin_log import EXCHANGE, add_act
from predmarket.spans import parse_span

_started = time.monotonic()


@get("/v1/status", guards=[anyone], opt=notes())
async def status(request: ApiRequest) -> Status:
    """Show version, uptime, backend, leader, durability, sequence, health and time.

    The leader's name, which tells its machine's, is for admins; so is the sequence, which counts
    what happens in markets of groups, too.
    """
    services, who = request.services, request.user
    core, is_admin = services.core.status(), who is not None and who.is_admin
    durability = {"durable": "yes" if core.durable else "no", **core.durability}
    if JOURNAL in durability and not is_admin:
        durability[JOURNAL] = "behind"  # the text counts what happens, as the sequence does
    return Status(
        version=__version__,
        uptime=int(time.monotonic() - _started),
        backend=services.db.backend,
        leader=Leader(core.epoch, core.leader if is_admin else None),
        durability=durability,
        sequence=core.sequence if is_admin else None,
        healthy=core.healthy,
        time=format_time(services.core.now()) if core.epoch else None,
        clock=services.core.clock,
    )


@post(
    "/v1/clock",
    status_code=200,
    guards=[admin],
    opt=notes(E.INVALID_TRANSITION, *COMMAND),
)
async def move_clock(request: ApiRequest, data: JSONBody[MoveClock]) -> ClockTime:
    """Move a laboratory's clock forward (serve --clock stepped).

    The answer comes when everything that fell due on the way is done.
    """
    core, before = request.services.core, request.services.core.now()
    moment = before + parse_span(data.advance or "") if data.set is None else data.set.micros
    try:
        now = await core.advance(moment)
    except NotMovable as error:
        raise Refusal(E.INVALID_TRANSITION, str(error)) from None
    said = {"from": format_time(before), "to": format_time(now)}
    actor_id = request.principal.user_id
    async with request.services.db.write() as connection:
        await add_act(connection, now, actor_id, AdminAction.CLOCK_MOVE, EXCHANGE, **said)
    return ClockTime(format_time(now), core.clock)


@get("/healthz", opt=notes(answers={503: "A part is down"}))
async def health(request: ApiRequest) -> Response[Health]:
    """Tell whether every part works, within 2 s; 503 when one is down."""
    body = await request.context.health.ask()
    return Response(body, status_code=200 if body.status == "ok" else 503)


@get(PATH, opt=notes(E.NOT_FOUND, media=CONTENT_TYPE))
async def metrics(request: ApiRequest) -> Response[bytes]:
    """Show the metrics in Prometheus's text format, to programs on the same machine alone."""
    if not is_local(request.scope):
        raise Refusal(E.NOT_FOUND)
    return Response(await request.services.metrics.scrape(), media_type=CONTENT_TYPE)


router = Router("/", route_handlers=[status, move_clock, health, metrics], tags=["operations"])
