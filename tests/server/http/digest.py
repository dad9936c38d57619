"""What the database holds, as one value per table: equal before and after means nothing changed."""

from sqlalchemy import select

from predmarket.server.storage.database import Database
from predmarket.server.storage.tables import metadata

BOOKKEEPING = frozenset({"lease", "sessions", "refresh_tokens", "core_state", "journal"})
"""The lead's heartbeat, sessions, and the record that a command was asked for at all."""

Digest = dict[str, list[str]]


async def digest(db: Database) -> Digest:
    """Return all rows of every table of money, trading and identity."""
    found: Digest = {}
    async with db.read() as connection:
        for table in metadata.sorted_tables:
            if table.name not in BOOKKEEPING:
                rows = await connection.execute(select(table))
                found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found
