"""The exchange itself: status, schedule, announcements."""

from litestar import Response, Router, get

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi.answers import answer
from predmarket.server.gateway.kalshi.guards import public
from predmarket.server.gateway.kalshi.query import Query
from predmarket.server.gateway.kalshi.words import milliseconds, time

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALWAYS = {"open_time": "00:00", "close_time": "00:00"}
_ROUND_THE_CLOCK = {
    "start_time": "1970-01-01T00:00:00Z",
    "end_time": "2199-12-31T23:59:59Z",
    **{day: [_ALWAYS] for day in _DAYS},
}


@get("/status", guards=[public])
async def show_status(request: ApiRequest) -> Response[bytes]:
    """Show whether orders are taken; 503 if not, as the venue does."""
    healthy = request.services.core.status().healthy
    told = {"exchange_active": healthy, "trading_active": healthy}
    return answer(told, 200 if healthy else 503)


@get("/schedule", guards=[public])
async def show_schedule(request: ApiRequest) -> Response[bytes]:
    """Show the trading hours: there is no break."""
    Query(request)
    return answer({"schedule": {"standard_hours": [_ROUND_THE_CLOCK], "maintenance_windows": []}})


@get("/announcements", guards=[public])
async def list_announcements(request: ApiRequest) -> Response[bytes]:
    """Return an empty list: this exchange has no announcements."""
    Query(request)
    return answer({"announcements": []})


@get("/user_data_timestamp", guards=[public])
async def show_data_time(request: ApiRequest) -> Response[bytes]:
    """Show the time up to which a user's data is complete: now, as of the last commit."""
    now = request.services.core.now()
    return answer({"as_of_time": time(now), "user_data_timestamp": milliseconds(now)})


ROUTER = Router(
    "/exchange",
    route_handlers=[show_status, show_schedule, list_announcements, show_data_time],
)
