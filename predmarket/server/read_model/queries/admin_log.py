"""The admin log: adds acts that are no commands, and reads all acts. (The core adds the others.)"""

from collections.abc import Collection
from typing import NamedTuple

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from predmarket.enums import AdminAction
from predmarket.server.read_model.records import MarketRecord
from predmarket.server.storage.tables.administration import admin_log
from predmarket.units import Micros

EXCHANGE = "exchange:1"
"""The target of an act on the exchange as a whole."""


class AdminAct(NamedTuple):
    """A stored action. ``details`` is JSON; without ``actor_id`` it was done on the database."""

    id: int
    at: Micros
    actor_id: int | None
    action: AdminAction
    target: str
    details: str


def _added(
    at: Micros, actor_id: int | None, action: AdminAction, target: str, said: dict[str, object]
) -> Insert:
    return insert(admin_log).values(
        at=at,
        actor_id=actor_id,
        action=action.value,
        target=target,
        details=details(**said),
    )


async def add_act(
    connection: AsyncConnection,
    at: Micros,
    actor_id: int | None,
    action: AdminAction,
    target: str,
    **said: object,
) -> None:
    """Record an admin's action, in its own transaction; None: the operator's."""
    await connection.execute(_added(at, actor_id, action, target, said))


def add_act_of_operator(
    connection: Connection, at: Micros, action: AdminAction, user_id: int, **said: object
) -> None:
    """Record an action on a user that was done on the database itself."""
    connection.execute(_added(at, None, action, of_user(user_id), said))


def of_user(user_id: int) -> str:
    """Return the target of an act on a user."""
    return f"user:{user_id}"


async def acts(
    connection: AsyncConnection,
    *,
    before: int,
    limit: int,
    actor_id: int | None = None,
    action: AdminAction | None = None,
) -> list[AdminAct]:
    """Return actions below an id, newest first."""
    columns = (admin_log.c[name] for name in AdminAct._fields)
    query = select(*columns).where(admin_log.c.id < before)
    if actor_id is not None:
        query = query.where(admin_log.c.actor_id == actor_id)
    if action is not None:
        query = query.where(admin_log.c.action == action.value)
    rows = await connection.execute(query.order_by(admin_log.c.id.desc()).limit(limit))
    return [AdminAct(*row)._replace(action=AdminAction(row.action)) for row in rows]


def details(**fields: object) -> str:
    """Return the details of an action as JSON, without the fields that are None."""
    given = {name: value for name, value in fields.items() if value is not None}
    return msgspec.json.encode(given).decode()


_RESOLUTIONS = (
    AdminAction.MARKET_RESOLVE,
    AdminAction.MARKET_VOID,
    AdminAction.EVENT_RESOLVE,
    AdminAction.EVENT_VOID,
)


async def resolved_at(
    connection: AsyncConnection, markets: Collection[MarketRecord]
) -> dict[int, Micros]:
    """Return when markets that have ended were resolved, alone or with their event, by market.

    A market that ended before there was a log counts as resolved when it closed.
    """
    if not markets:
        return {}
    query = select(admin_log.c.target, admin_log.c.at).where(
        admin_log.c.action.in_([action.value for action in _RESOLUTIONS])
    )
    rows = await connection.execute(query)
    times: dict[str, Micros] = {row.target: row.at for row in rows}
    return {
        one.id: times.get(f"market:{one.id}")
        or times.get(f"event:{one.event_id}")
        or one.closes_at
        or one.created_at
        for one in markets
    }


_OPENINGS = (AdminAction.MARKET_OPEN, AdminAction.EVENT_OPEN)
_CLOSINGS = (
    AdminAction.MARKET_CLOSE,
    AdminAction.EVENT_CLOSE,
    AdminAction.MARKET_PROPOSE,
    AdminAction.EVENT_PROPOSE,
    *_RESOLUTIONS,
)


async def closed_at(
    connection: AsyncConnection, markets: Collection[MarketRecord]
) -> dict[int, Micros]:
    """Return when trading ended in markets that were resolved, by market.

    It ended at the closing time, or earlier by an act on the market or its event: the first one
    after it was last opened. A market without any, from before there was a log, ended as it began.
    """
    actions = [action.value for action in (*_OPENINGS, *_CLOSINGS)]
    targets = {f"market:{one.id}" for one in markets}
    targets |= {f"event:{one.event_id}" for one in markets if one.event_id is not None}
    query = select(admin_log.c.target, admin_log.c.action, admin_log.c.id, admin_log.c.at)
    query = query.where(admin_log.c.target.in_(targets), admin_log.c.action.in_(actions))
    rows = await connection.execute(query)
    acts_on: dict[str, list[tuple[int, Micros, bool]]] = {}
    for target, action, id, at in rows:
        acts_on.setdefault(target, []).append((id, at, action in _OPENINGS))
    found = {}
    for one in markets:
        ended: Micros | None = None
        own = acts_on.get(f"market:{one.id}", [])
        for _, at, opens in sorted([*own, *acts_on.get(f"event:{one.event_id}", [])]):
            ended = None if opens else ended or at
        times = [time for time in (ended, one.closes_at) if time is not None]
        found[one.id] = min(times, default=one.created_at)
    return found
