"""Queries on standings: the boards that rank what accounts have gained (gains.py).

A board counts the markets that its readers see: the board of a group those of the group and those
without a group, the board of everybody the latter alone. Its ``value`` is the worth of an account
without what the account gained elsewhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import Role
from predmarket.server.read_model.queries.gains import NO_GROUP, Start, gains, total
from predmarket.server.read_model.queries.users import public_name
from predmarket.server.storage.tables.identity import user_group_members, users
from predmarket.server.storage.tables.standings import season_results
from predmarket.server.storage.tables.trading import accounts
from predmarket.units import Money

EVERYBODY = NO_GROUP
"""In place of a group: the board of all accounts."""
HOUSE_DOMAIN = "house.example.com"
"""The domain of the e-mails of house accounts, which no board ranks."""
MAX_RANKED = 100


class Result(NamedTuple):
    """A line of a board. ``value`` is the worth of the account, ``profit`` what it gained."""

    group_id: int
    user_id: int
    profit: Money
    value: Money
    trades: int


class Standing(NamedTuple):
    """A line of a board as others see it. Equal profits share a rank."""

    rank: int
    display_name: str
    profit: Money
    value: Money
    trades: int


class Board(NamedTuple):
    """The best MAX_RANKED accounts, and the number of all that are ranked."""

    standings: Sequence[Standing]
    total: int


async def results_now(connection: AsyncConnection, start: Start) -> list[Result]:
    """Return all lines of all boards of a running season: everybody's and those of groups."""
    everybody = _board_of(EVERYBODY)
    members = select(user_group_members.c.group_id, user_group_members.c.user_id)
    members = members.join(users, users.c.id == user_group_members.c.user_id).where(_ranked())
    rows = await connection.execute(_lines(start, union_all(everybody, members).subquery()))
    return [Result(*row) for row in rows]


async def board_now(connection: AsyncConnection, start: Start | None, group_id: int) -> Board:
    """Return the board of a running season, None: since each account's beginning."""
    ranked = _board_of(group_id)
    if group_id != EVERYBODY:
        ranked = ranked.join(user_group_members, user_group_members.c.user_id == users.c.id)
        ranked = ranked.where(user_group_members.c.group_id == group_id)
    return await _best(connection, _lines(start, ranked.subquery()).subquery("lines"))


async def board_at_end(connection: AsyncConnection, season_id: int, group_id: int) -> Board:
    """Return the board of a season that has ended."""
    stored = select(season_results).where(
        season_results.c.season_id == season_id, season_results.c.group_id == group_id
    )
    return await _best(connection, stored.subquery("lines"))


async def _best(connection: AsyncConnection, lines: Subquery) -> Board:
    query = (
        select(
            users.c.id,
            users.c.display_name,
            lines.c.profit,
            lines.c.value,
            lines.c.trades,
            func.count().over(),
        )
        .join(users, users.c.id == lines.c.user_id)
        .order_by(lines.c.profit.desc(), users.c.id)
        .limit(MAX_RANKED)
    )
    rows = (await connection.execute(query)).all()
    found: list[Standing] = []
    for number, (user_id, chosen, profit, value, trades, _) in enumerate(rows, 1):
        rank = found[-1].rank if found and found[-1].profit == profit else number
        found.append(Standing(rank, public_name(user_id, chosen), profit, value, trades))
    return Board(found, rows[0][-1] if rows else 0)


def _board_of(group_id: int) -> Select[int, int]:
    """Return a query of all ranked users, each with the id of a board."""
    board = literal_column(str(group_id), BigInteger).label("group_id")
    return select(board, users.c.id.label("user_id")).where(_ranked())


def _ranked() -> ColumnElement[bool]:
    """Tell whether boards rank a user: no admin, no house account, and not disabled."""
    house = users.c.email.endswith(f"@{HOUSE_DOMAIN}", autoescape=True)
    return (users.c.role == Role.USER.value) & users.c.disabled.is_(False) & ~house


def _lines(start: Start | None, ranked: Subquery) -> Select[int, int, Money, Money, int]:
    """Return a query of a line for each (group_id, user_id) of ``ranked``."""
    sums = gains(start)
    seen = or_(sums.c.group_id == EVERYBODY, sums.c.group_id == ranked.c.group_id)
    cash = accounts.c.available + accounts.c.locked
    return (
        select(
            ranked.c.group_id,
            ranked.c.user_id,
            total(case((seen, sums.c.profit), else_=0)).label("profit"),
            (cash + total(sums.c.value - case((seen, 0), else_=sums.c.gain))).label("value"),
            total(case((seen, sums.c.trades), else_=0)).label("trades"),
        )
        .join(accounts, accounts.c.user_id == ranked.c.user_id)
        .join(sums, sums.c.user_id == ranked.c.user_id)
        .group_by(ranked.c.group_id, ranked.c.user_id, accounts.c.available, accounts.c.locked)
    )
