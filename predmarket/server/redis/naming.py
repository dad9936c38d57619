"""The names of an exchange's keys and channels in Redis.

All of them begin with the exchange's id, so two exchanges on one Redis share no command, no
revocation and no count. The id is a hash of a random name in the database and, on PostgreSQL, of
the identifiers of server and database. So a database that was restored elsewhere is another
exchange, although it holds the same name.
"""

import hashlib
import secrets

from sqlalchemy import select, text

from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.administration import exchange

_ID_BYTES = 8
_NAME = select(exchange.c.name)
_MAKE_NAME = text("INSERT INTO exchange (id, name) VALUES (1, :name) ON CONFLICT DO NOTHING")
_POSTGRESQL = text(
    "SELECT CONCAT(system_identifier, '-', oid) FROM pg_control_system(), pg_database "
    "WHERE datname = current_database()"
)


class Keys:
    """The keys and channels of one exchange."""

    def __init__(self, exchange: str) -> None:
        self.exchange = exchange
        prefix = f"predmarket:{exchange}"
        self._bus = f"{prefix}:bus"
        self.batches = f"{self._bus}:batches"
        """The stream of committed batches in their order, and of announcements between them."""
        self.limits = f"{prefix}:limits"
        """The prefix of every count of a rate limit."""
        self.ended = f"{prefix}:ended"
        """The channel on which gateways hear of sessions, keys and users that ended."""

    def heard(self, question: str) -> str:
        """Return the set in which gateways confirm a revocation."""
        return f"{self.ended}:{question}"

    def commands(self, epoch: int) -> str:
        """Return the command stream of an epoch."""
        return f"{self._bus}:commands:{epoch}"

    def replies(self, gateway: str) -> str:
        """Return the stream of replies to a gateway."""
        return f"{self._bus}:replies:{gateway}"

    def beat(self, gateway: str) -> str:
        """Return the key of a gateway's heartbeat."""
        return f"{self._bus}:gateways:{gateway}"


async def keys_of(db: Database) -> Keys:
    """Return the keys of a database's exchange. Raises UNAVAILABLE (storage/database.py)."""
    async with db.read() as connection:
        own = (await connection.execute(_NAME)).scalar_one_or_none()
    if own is None:  # its first use
        async with db.write() as connection:
            await connection.execute(_MAKE_NAME, {"name": secrets.token_hex(16)})
            own = (await connection.execute(_NAME)).scalar_one()
    if db.backend == "postgresql":
        async with db.read() as connection:
            own += f"-{(await connection.execute(_POSTGRESQL)).scalar_one()}"
    return Keys(hashlib.blake2b(own.encode(), digest_size=_ID_BYTES).hexdigest())
