"""Routes of seasons, and of the leaderboard that ranks what accounts have gained."""

from typing import Annotated, TypeAlias

from litestar import Response, Router, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from predmarket.contracts.requests import NoFields
from predmarket.contracts.seasons import (
    Leaderboard,
    Season,
    SeasonList,
    SeasonRequest,
    StartedSeason,
)
from predmarket.contracts.text import LINE
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway import seasons, standing_presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import admin, board_reader, signed_in
from predmarket.server.gateway.http.params import DEFAULT_LIMIT, Cursor, Limit, MembersOf
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.seasons import find_season, list_seasons
from predmarket.server.read_model.queries.standings import EVERYBODY
from predmarket.server.read_model.queries.user_groups import group_by_name

SeasonPath: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A season's name or id",
        schema_extra={"minLength": 1, "maxLength": 64, "pattern": "^[^/\\x00-\\x1f]+$"},
    ),
]
SeasonFilter = Annotated[
    str | None,
    QueryParameter(max_length=64, pattern=LINE, description="Of a season, by its name or id"),
]


@post(
    "/",
    guards=[admin],
    status_code=201,
    opt=notes(
        E.NAME_TAKEN,
        E.INVALID_TRANSITION,
        *COMMAND,
        answers={200: "The running season, which the same request has started before"},
    ),
)
async def start_season(
    request: ApiRequest, data: JSONBody[SeasonRequest]
) -> Response[StartedSeason]:
    """Start a season: from now on its leaderboard counts what accounts gain.

    ``credit`` is transferred to every account that is not disabled; it is no profit. One season
    runs at a time. After a 503 the same request goes on: each account gets its credit once.
    ``accountsCredited`` counts those that got it by this request.
    """
    credit = 0 if data.credit is None else data.credit.units
    actor_id = request.principal.user_id
    started = await seasons.start(request.services, data.name, credit, actor_id)
    shown = standing_presenters.started(started.season, started.credited)
    return Response(shown, status_code=201 if started.new else 200)


@get("/", guards=[signed_in], opt=notes())
async def show_seasons(
    request: ApiRequest, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> SeasonList:
    """List seasons, newest first: so the running one, if there is one, is the first."""
    before = decode_cursor(cursor)
    async with request.services.db.read() as connection:
        found = await list_seasons(connection, before=before, limit=limit + 1)
    shown, following = page(found, limit, lambda row: row.id)
    return SeasonList([standing_presenters.season(one) for one in shown], following)


@post(
    "/{season:str}/end",
    guards=[admin],
    status_code=200,
    opt=notes(E.SEASON_NOT_FOUND, E.INVALID_TRANSITION),
)
async def end_season(
    request: ApiRequest, season: SeasonPath, data: JSONBody[NoFields | None] = None
) -> Season:
    """End a season for good: its leaderboard stays as it is now."""
    del data  # decoding has refused any content
    ended = await seasons.end(request.services, season, request.principal.user_id)
    return standing_presenters.season(ended)


@get(
    "/",
    guards=[board_reader],
    opt=notes(E.SEASON_NOT_FOUND, E.GROUP_NOT_FOUND, E.NOT_FOUND, E.OVERLOADED),
)
async def leaderboard(
    request: ApiRequest,
    season: SeasonFilter = None,
    group: MembersOf = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Leaderboard:
    """Rank accounts by what they have gained, best first; equal profits share a rank.

    With ``season`` since its start, otherwise since each account's beginning. With ``group`` its
    members are ranked, for members and admins alone. Admins, house accounts and disabled accounts
    are left out. The setting LEADERBOARD says who may ask.
    """
    async with request.services.db.read() as connection:
        found = None if season is None else await find_season(connection, season)
        group_id = None if group is None else await group_by_name(connection, group)
    if season is not None and found is None:
        raise Refusal(E.SEASON_NOT_FOUND)
    if group is not None and not _sees(request, group_id):
        raise Refusal(E.GROUP_NOT_FOUND)
    ended = found is not None and found.ended_at is not None
    board = await request.context.leaderboards.of(
        None if found is None else found.start, ended, group_id or EVERYBODY
    )
    return standing_presenters.leaderboard(board, limit, found, group)


def _sees(request: ApiRequest, group_id: int | None) -> bool:
    """Tell whether a group exists for the sender: for its members and admins."""
    who = request.user
    return group_id is not None and who is not None and (who.is_admin or group_id in who.groups)


router = Router(
    "/v1/seasons", route_handlers=[start_season, show_seasons, end_season], tags=["standings"]
)
board = Router("/v1/leaderboard", route_handlers=[leaderboard], tags=["standings"])
