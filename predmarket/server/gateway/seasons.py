"""The acts of starting and ending a season.

A season starts with one transaction: its row, the marks of all accounts, and the act in the admin
log. Then its credit is transferred, account by account, each under a key of its own. So a start
that stopped halfway goes on when it is asked for again, and no account is credited twice.
"""

from typing import NamedTuple

from sqlalchemy.exc import IntegrityError

from predmarket.engine.commands import Transfer
from predmarket.engine.replies import Refused
from predmarket.enums import AdminAction, ErrorCode
from predmarket.server.core.bus import BusError
from predmarket.server.errors import Refusal
from predmarket.server.gateway.services import Services
from predmarket.server.read_model.queries import seasons
from predmarket.server.read_model.queries.admin_log import add_act
from predmarket.server.read_model.queries.gains import marks_now
from predmarket.server.read_model.queries.seasons import SeasonRecord
from predmarket.server.read_model.queries.standings import results_now
from predmarket.units import Money, format_money

AT_ONCE = 100


class Started(NamedTuple):
    """What a request to start a season did: whether the season is new, and how many accounts got
    its credit."""

    season: SeasonRecord
    new: bool
    credited: int


async def start(services: Services, name: str, credit: Money, actor_id: int) -> Started:
    """Start a season, or go on with its start.

    Raises Refusal NAME_TAKEN, and INVALID_TRANSITION while another season runs; BusError.
    """
    season = await _same(services, name, credit)
    new = season is None
    if season is None:
        try:
            season = await _begin(services, name, credit, actor_id)
        except IntegrityError:  # another request was a moment faster
            season = await _same(services, name, credit)
            new = False
            if season is None:
                raise Refusal(ErrorCode.INVALID_TRANSITION, "another season runs") from None
    season, credited = await _credit(services, season)
    return Started(season, new, credited)


async def _same(services: Services, name: str, credit: Money) -> SeasonRecord | None:
    """Return the running season that the same request has started.

    Raises Refusal NAME_TAKEN, and INVALID_TRANSITION while another season runs.
    """
    async with services.db.look_up() as connection:
        found = await seasons.season_by_name(connection, name)
        running = await seasons.running_season(connection)
    if found is not None and (found.ended_at is not None or found.credit != credit):
        raise Refusal(ErrorCode.NAME_TAKEN, f"there is a season {found.name}")
    if running is not None and running != found:
        message = f"the season {running.name} runs: end it first"
        raise Refusal(ErrorCode.INVALID_TRANSITION, message)
    return found


async def _begin(services: Services, name: str, credit: Money, actor_id: int) -> SeasonRecord:
    async with services.db.read() as connection:
        last_trade_id, marks = await marks_now(connection)
    now = services.core.now()
    async with services.db.write() as connection:
        season = await seasons.add_season(
            connection, name, credit, actor_id, now, last_trade_id, marks
        )
        action, target = AdminAction.SEASON_START, _target(season)
        said = {"name": season.name, "credit": format_money(credit)}
        await add_act(connection, now, actor_id, action, target, **said)
    return season


async def _credit(services: Services, season: SeasonRecord) -> tuple[SeasonRecord, int]:
    """Transfer the season's credit to every account that has not got it; return how many got it.

    Raises BusError.
    """
    if not season.credit or season.credited_at is not None:
        return season, 0
    after = credited = 0
    while True:
        async with services.db.read() as connection:
            users = await seasons.accounts_to_credit(connection, season, after=after, limit=AT_ONCE)
        if not users:
            break
        replies = await services.bus.submit_many([_transfer(season, id) for id in users])
        for reply in replies:
            if isinstance(reply, BusError):
                raise reply
            # an account that may hold no more goes without
            assert not isinstance(reply, Refused) or reply.code is ErrorCode.LIMIT_EXCEEDED
            credited += not isinstance(reply, Refused)
        after = users[-1]
    async with services.db.write() as connection:
        return await seasons.set_credited(connection, season.id, services.core.now()), credited


def _transfer(season: SeasonRecord, user_id: int) -> Transfer:
    key = seasons.credit_key(season, user_id)
    return Transfer(user_id, season.credit, f"season {season.name}", season.creator_id, key)


async def end(services: Services, ref: str, actor_id: int) -> SeasonRecord:
    """End a season, with the results of everybody. Raises Refusal SEASON_NOT_FOUND, and
    INVALID_TRANSITION if it has ended.
    """
    async with services.db.read() as connection:
        season = await seasons.find_season(connection, ref)
        if season is None:
            raise Refusal(ErrorCode.SEASON_NOT_FOUND)
        results = [] if season.ended_at else await results_now(connection, season.start)
    now = services.core.now()
    async with services.db.write() as connection:
        ended = await seasons.end_season(connection, season.id, now, results)
        if ended is None:
            raise Refusal(ErrorCode.INVALID_TRANSITION, f"the season {season.name} has ended")
        action = AdminAction.SEASON_END
        await add_act(connection, now, actor_id, action, _target(ended), name=ended.name)
    return ended


def _target(season: SeasonRecord) -> str:
    return f"season:{season.id}"
