"""What the bus of one exchange is called in Redis, and the bounds of what it keeps there.

The names are made of the database's own: two exchanges that were given the same Redis never read
each other's commands.
"""

from sqlalchemy import text

from predmarket.server.storage.database import Database

MAX_BATCHES = 1_000
"""Committed batches and announcements that are kept; whoever is further behind reads the outbox."""

MAX_COMMANDS = 10_000
"""Entries of the command stream from which on gateways take no more."""

MAX_REPLIES = 10_000
"""Entries that a gateway's stream of replies keeps: more than it can be waiting for."""

REPLIES_KEPT_MS = 60_000
"""How long the replies to a gateway that is gone are kept."""

PARCEL = 100
"""Commands that one entry of the command stream holds at the most."""

_EXCHANGE = text(
    "SELECT CONCAT(system_identifier, '-', oid) FROM pg_control_system(), pg_database "
    "WHERE datname = current_database()"
)


class Keys:
    """The keys of one exchange."""

    def __init__(self, exchange: str) -> None:
        self._prefix = f"predmarket:bus:{exchange}:"
        self.batches = f"{self._prefix}batches"
        """Committed batches in their order, and announcements between them."""

    def commands(self, epoch: int) -> str:
        """Return the command stream of an epoch."""
        return f"{self._prefix}commands:{epoch}"

    def replies(self, gateway: str) -> str:
        """Return the stream of replies to a gateway."""
        return f"{self._prefix}replies:{gateway}"

    def beat(self, gateway: str) -> str:
        """Return where a gateway shows that it is alive."""
        return f"{self._prefix}gateways:{gateway}"


async def keys_of(db: Database) -> Keys:
    """Return the keys of the exchange in a PostgreSQL database. Raises what one does that is away.

    A database restored elsewhere is another one: its core finds its stream missing and begins anew.
    """
    async with db.read() as connection:
        return Keys(str((await connection.execute(_EXCHANGE)).scalar_one()))
