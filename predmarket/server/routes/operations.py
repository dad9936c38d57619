"""What the exchange says about itself: is it up, who leads, how durable it is."""

import time

from litestar import Response, Router, get

from predmarket import __version__
from predmarket.contracts.operations import Health, Leader, Part, Status
from predmarket.server.routes.context import ApiRequest

_started = time.monotonic()


@get("/v1/status")
async def status(request: ApiRequest) -> Status:
    """Show version, uptime, backend, leader, durability and sequence."""
    services = request.services
    core = services.core.status()
    return Status(
        __version__,
        int(time.monotonic() - _started),
        services.db.backend,
        Leader(core.epoch, core.leader),
        core.durability,
        core.sequence,
    )


@get("/healthz")
async def health(request: ApiRequest) -> Response[Health]:
    """Tell whether every part works; 503 when one is down."""
    services = request.services
    database: Part = "ok" if await services.db.answers() else "down"
    core: Part = "ok" if services.core.status().healthy else "down"
    up = database == core == "ok"
    body = Health("ok" if up else "down", database, "disabled", core)
    return Response(body, status_code=200 if up else 503)


router = Router("/", route_handlers=[status, health], tags=["operations"])
