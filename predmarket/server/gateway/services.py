"""The services that routes and sockets share, put together once at start."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from predmarket.engine.commands import Command
from predmarket.engine.replies import Refused
from predmarket.server.core.bus import Bus, BusReply
from predmarket.server.core.status import CoreStatus
from predmarket.server.errors import Refusal
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.observability.metrics import Metrics
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis.client import Redis
from predmarket.server.settings import Settings
from predmarket.server.storage.database import Database
from predmarket.units import Micros


class CoreReport(Protocol):
    """Tells how the core is."""

    @property
    def clock(self) -> str:
        """Return the name of the exchange's clock: wall, stepped or scaled=N."""

    def now(self) -> Micros:
        """Return the exchange's time."""

    async def advance(self, moment: Micros) -> Micros:
        """Move the clock forward and return the time. Raises NotMovable, BusError."""

    def status(self) -> CoreStatus:
        """Return the core's last known status."""


async def up_to_date() -> None:
    """Return at once: in the core's own process the view holds everything committed."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one gateway; ``redis`` is None without Redis.

    ``gateway`` is its name, which is unique for ever. ``catch_up`` returns once the view holds
    everything committed before the call, or after a bounded time.
    """

    settings: Settings
    db: Database
    bus: Bus
    view: MarketView
    core: CoreReport
    metrics: Metrics
    hub: Hub
    redis: Redis | None = None
    gateway: str = field(default_factory=lambda: secrets.token_hex(6))
    catch_up: Callable[[], Awaitable[None]] = up_to_date

    async def submit(self, command: Command) -> BusReply:
        """Have the core execute a command. Raises BusError, and Refusal for a command refused."""
        reply = await self.bus.submit(command)
        if isinstance(reply, Refused):
            raise Refusal.of(reply)
        return reply
