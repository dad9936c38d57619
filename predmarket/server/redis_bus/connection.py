"""The bus's own connections to Redis.

Invariant: nothing is retried automatically. A command whose sending failed may still be in the
stream; a second sending would execute it twice.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from redis.exceptions import ResponseError

from predmarket.server.redis.client import FAILURES, connect, failure_of_ping
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import Keys
from predmarket.server.settings import Settings, SettingsError
from predmarket.variables import PREFIX

log = logging.getLogger(__name__)

Entry: TypeAlias = tuple[bytes, dict[bytes, bytes]]
"""An entry of a stream: its id, its fields."""


class BusConnection:
    """A Redis client for streams; it logs once when Redis is unavailable and once when it is back.

    ``keys`` and ``mac`` are its exchange's; set them before the first use.
    """

    keys: Keys
    mac: Mac

    def __init__(self, url: str, shown: str) -> None:
        """Prepare the client; ``shown`` is the URL without its password. Raises ValueError."""
        # Any: the types of the client's methods cover the blocking and the asynchronous client.
        self.client: Any = connect(url, retries=0)
        self._shown = shown
        self._up = True

    async def answers(self) -> bool:
        """Tell whether Redis answers."""
        return await failure_of_ping(self.client) is None

    async def read(
        self, after: Mapping[str, str], count: int, block_ms: int
    ) -> dict[str, list[Entry]]:
        """Return the entries of streams after these ids; wait for them up to ``block_ms``."""
        found = await self.client.xread(dict(after), count=count, block=block_ms)
        return {name.decode(): entries for name, entries in found}

    async def last_id(self, stream: str) -> tuple[int, int] | None:
        """Return a stream's last id, None if there is no such stream."""
        try:
            info = await self.client.xinfo_stream(stream)
        except ResponseError as error:
            if "no such key" in str(error):
                return None
            raise
        return entry_id(info["last-generated-id"])

    def failed(self, error: BaseException) -> None:
        """Log that Redis is unavailable, once."""
        if self._up:
            self._up = False
            why = str(error) or type(error).__name__
            log.warning("Redis at %s is unavailable (%s): orders are refused", self._shown, why)

    def worked(self) -> None:
        """Log that Redis is back, if it was unavailable."""
        if not self._up:
            self._up = True
            log.info("Redis at %s is available again: orders are accepted", self._shown)

    async def close(self) -> None:
        """Close every connection."""
        with suppress(*FAILURES):
            await self.client.aclose()


def bus_connection_of(settings: Settings) -> BusConnection:
    """Return the link to the settings' Redis, not used yet. Raises SettingsError."""
    settings.require_shared()
    assert settings.redis_url is not None  # just required
    try:
        return BusConnection(settings.redis_url.get_secret_value(), settings.shown_redis)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}REDIS_URL: {error}") from None


def entry_id(id: bytes) -> tuple[int, int]:
    """Return an entry's id as numbers."""
    ms, _, seq = id.partition(b"-")
    return int(ms), int(seq)
