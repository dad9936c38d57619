"""``serve --role gateway``: HTTP and sockets, without the core. Any number of gateways may run.

It learns of markets from the core's committed batches (redis_bus/follower.py), and sends commands
to the leading core (redis_bus/sender.py). It holds no state that another gateway lacks.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from predmarket.server.gateway.app import create_app
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.services import Services
from predmarket.server.interpreter import tune_interpreter
from predmarket.server.observability.metrics import Metrics
from predmarket.server.process import runtime
from predmarket.server.process.first_admin import warn_of_few_admins
from predmarket.server.process.metrics_port import metrics_port
from predmarket.server.process.schema_check import require_schema
from predmarket.server.process.shutdown import Stopping
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis.client import end
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import keys_of
from predmarket.server.redis_bus.connection import bus_connection_of
from predmarket.server.redis_bus.core_status import KnownCoreStatus
from predmarket.server.redis_bus.follower import Follower
from predmarket.server.redis_bus.sender import Sender
from predmarket.server.settings import Settings
from predmarket.server.storage.database import Database

_ANSWERS_S = 2.5


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway; it cannot go on without its ``tasks``."""

    services: Services
    follower: Follower
    tasks: list[asyncio.Task[None]]

    async def failed(self) -> None:
        """Wait until the gateway cannot go on, and raise the reason."""
        await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in self.tasks:
            if task.done():
                task.result()


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    """Start a gateway on the settings' database and Redis, and stop it at the end.

    Raises the errors of an unavailable database, SettingsError.
    """
    connection, redis = bus_connection_of(settings), runtime.redis_of(settings)
    assert redis is not None  # asked for before
    db, view, metrics, core = (
        Database(settings.database),
        MarketView(),
        Metrics(),
        KnownCoreStatus(),
    )
    hub = Hub(view, db)
    name = secrets.token_hex(6)
    sender = Sender(name, connection, core, max_queue=settings.max_queue)
    follower = Follower(name, connection, db, view, hub, core, sender)
    following: asyncio.Task[None] | None = None
    try:
        connection.keys = redis.keys = await keys_of(db)
        secret = settings.signing_secret(shared=True)
        connection.mac = redis.mac = Mac(secret, connection.keys.exchange, metrics.parcel_dropped)
        await follower.start()
        metrics.watch(core.status, db)
        await redis.start()
        following = asyncio.create_task(follower.run())
        tasks = [following, *sender.start()]
        services = Services(
            settings=settings,
            db=db,
            bus=sender,
            view=view,
            core=core,
            metrics=metrics,
            hub=hub,
            redis=redis,
            gateway=name,
            catch_up=follower.catch_up,
        )
        yield Gateway(services, follower, tasks)
    finally:
        await sender.stop(_ANSWERS_S)
        await end(following)
        await hub.close()
        await db.close()
        await redis.close()
        await connection.close()


async def serve(settings: Settings, *, force: bool, listener: socket.socket | None = None) -> int:
    """Run a gateway until a signal or its failure; return the exit code.

    ``listener`` is a socket that several processes share. Raises Unsafe, SchemaBehind, SchemaAhead,
    and the errors of ``gateway`` and ``listen``.
    """
    stopping = Stopping()
    with stopping.on_signals(), listener or runtime.listen(settings) as listening:
        try:
            await asyncio.to_thread(require_schema, settings)
            async with gateway(settings) as running:
                if not force:
                    await runtime.require_own_passwords(settings, running.services.db)
                await warn_of_few_admins(settings, running.services.db)
                tune_interpreter()
                app = create_app(running.services)
                async with metrics_port(settings, running.services.metrics):
                    failed = await runtime.answer(
                        app.server_config(), settings, running.failed, listening, stopping
                    )
        except asyncio.CancelledError:
            if not stopping.asked:
                raise
            return 0  # stopped before it had begun
    return 1 if failed else 0
