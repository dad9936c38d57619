"""How far one page of a filtered list looks: so a filter that matches little costs no more."""

from typing import Any

from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

MAX_WALK = 5_000
"""Rows that one page looks at, whatever its filter: a few milliseconds' work."""


async def end_of_walk(
    connection: AsyncConnection, owner: Column[Any], owner_id: int, above: int, before: int
) -> int | None:
    """Return the id above which one page looks at an owner's rows, None: it reaches the last.

    ``owner`` is a column of the table, which has an index of it and the id.
    """
    id = owner.table.c.id
    walk = select(id).where(owner == owner_id, id < before, id > above)
    walk = walk.order_by(id.desc()).offset(MAX_WALK).limit(1)
    found: int | None = (await connection.execute(walk)).scalar_one_or_none()
    return found
