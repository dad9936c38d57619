"""Queries on seasons: start, find, list, credit and end them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from sqlalchemy import Text, cast, exists, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.text import name_key, spaced
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.gains import Mark, Start
from predmarket.server.read_model.queries.standings import Result
from predmarket.server.storage.tables.history import transfers
from predmarket.server.storage.tables.identity import users
from predmarket.server.storage.tables.standings import season_results, season_starts, seasons
from predmarket.server.storage.tables.trading import accounts
from predmarket.units import Micros, Money

T = TypeVar("T")
_ROWS_AT_ONCE = 1_000


class SeasonRecord(NamedTuple):
    """A season as stored."""

    id: int
    name: str
    credit: Money
    creator_id: int
    started_at: Micros
    last_user_id: int
    last_trade_id: int
    credited_at: Micros | None
    ended_at: Micros | None

    @property
    def start(self) -> Start:
        """Return what the gains of the season begin with."""
        return Start(self.id, self.last_trade_id)


_SEASONS = select(*(seasons.c[name] for name in SeasonRecord._fields))


async def season_by_name(connection: AsyncConnection, name: str) -> SeasonRecord | None:
    """Return the season with a name, in any spelling."""
    row = (await connection.execute(_SEASONS.where(seasons.c.name_key == name_key(name)))).first()
    return None if row is None else SeasonRecord(*row)


async def find_season(connection: AsyncConnection, ref: str) -> SeasonRecord | None:
    """Return the season with a name, else the one with that id."""
    found = await season_by_name(connection, ref)
    if found is not None or not (ref.isascii() and ref.isdigit()) or int(ref) > LARGEST_ID:
        return found
    row = (await connection.execute(_SEASONS.where(seasons.c.id == int(ref)))).first()
    return None if row is None else SeasonRecord(*row)


async def running_season(connection: AsyncConnection) -> SeasonRecord | None:
    """Return the season that has not ended."""
    row = (await connection.execute(_SEASONS.where(seasons.c.running.is_(True)))).first()
    return None if row is None else SeasonRecord(*row)


async def list_seasons(
    connection: AsyncConnection, *, before: int, limit: int
) -> list[SeasonRecord]:
    """Return seasons below an id, newest first."""
    query = _SEASONS.where(seasons.c.id < before).order_by(seasons.c.id.desc()).limit(limit)
    return [SeasonRecord(*row) for row in await connection.execute(query)]


async def add_season(
    connection: AsyncConnection,
    name: str,
    credit: Money,
    creator_id: int,
    now: Micros,
    last_trade_id: int,
    marks: Iterable[Mark],
) -> SeasonRecord:
    """Store a season that starts now, with the marks of its start.

    Raises IntegrityError if the name is taken, or if another season runs.
    """
    last_user_id = (await connection.execute(select(func.max(users.c.id)))).scalar_one()
    values = {
        "name": spaced(name),
        "name_key": name_key(name),
        "credit": credit,
        "creator_id": creator_id,
        "started_at": now,
        "last_user_id": last_user_id,
        "last_trade_id": last_trade_id,
        "running": True,
    }
    added = insert(seasons).values(values).returning(*(seasons.c[n] for n in SeasonRecord._fields))
    season = SeasonRecord(*(await connection.execute(added)).one())
    for some in _in_pieces(marks):
        rows: list[dict[str, object]] = [{"season_id": season.id, **one._asdict()} for one in some]
        await connection.execute(insert(season_starts), rows)
    return season


def credit_key(season: SeasonRecord, user_id: int) -> str:
    """Return the key of a credit's transfer. With a blank in it, it is none that a request can
    have."""
    return f"{_key_begins(season)}{user_id}"


def _key_begins(season: SeasonRecord) -> str:
    return f"season {season.id} "


async def accounts_to_credit(
    connection: AsyncConnection, season: SeasonRecord, *, after: int, limit: int
) -> list[int]:
    """Return the next users above an id who get the season's credit: those not disabled, and
    without it."""
    key = literal(_key_begins(season)) + cast(users.c.id, Text)
    credited = (transfers.c.actor_id == season.creator_id) & (transfers.c.key == key)
    query = (
        select(users.c.id)
        .join(accounts, accounts.c.user_id == users.c.id)
        .where(users.c.id > after, users.c.id <= season.last_user_id, users.c.disabled.is_(False))
        .where(~exists().where(credited))
        .order_by(users.c.id)
        .limit(limit)
    )
    return [*(await connection.execute(query)).scalars()]


async def set_credited(connection: AsyncConnection, season_id: int, now: Micros) -> SeasonRecord:
    """Note that every account has the season's credit; return the season."""
    query = update(seasons).where(seasons.c.id == season_id, seasons.c.credited_at.is_(None))
    await connection.execute(query.values(credited_at=now))
    row = await connection.execute(_SEASONS.where(seasons.c.id == season_id))
    return SeasonRecord(*row.one())


async def end_season(
    connection: AsyncConnection, season_id: int, now: Micros, results: Iterable[Result]
) -> SeasonRecord | None:
    """End a season with its results; None if another request has ended it."""
    ends = update(seasons).where(seasons.c.id == season_id, seasons.c.running.is_(True))
    columns = [seasons.c[name] for name in SeasonRecord._fields]
    query = ends.values(ended_at=now, running=None).returning(*columns)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    for some in _in_pieces(results):
        rows: list[dict[str, object]] = [{"season_id": season_id, **one._asdict()} for one in some]
        await connection.execute(insert(season_results), rows)
    return SeasonRecord(*row)


def _in_pieces(rows: Iterable[T]) -> Iterator[Sequence[T]]:
    left = iter(rows)
    while piece := [*islice(left, _ROWS_AT_ONCE)]:
        yield piece
