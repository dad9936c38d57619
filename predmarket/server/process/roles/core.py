"""``serve --role core``: stand by until the lead is to be had, then carry out what gateways send.

Any number of cores may run on one database; the lease picks one of them. A core that loses the
lease exits, because its memory cannot be trusted, and is started again. A core that cannot reach
Redis gives up the lead, and takes none until it can.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from redis.exceptions import RedisError

from predmarket.server.clock import elapsed
from predmarket.server.core.core import Core
from predmarket.server.core.durability import Durability
from predmarket.server.core.known_batch import JournalBehind
from predmarket.server.core.leadership import Leadership, LeaseHeld
from predmarket.server.core.standby import Standby
from predmarket.server.core.state_loader import LoadError
from predmarket.server.core.status import CoreStatus
from predmarket.server.core.stores.base import StoreError
from predmarket.server.core.stores.factory import leadership, open_store
from predmarket.server.gateway.protocol.server import http_config
from predmarket.server.interpreter import tune_interpreter
from predmarket.server.observability.metrics import Metrics
from predmarket.server.process import runtime
from predmarket.server.process.metrics_port import metrics_port
from predmarket.server.process.roles.admin_port import AdminPort
from predmarket.server.process.schema_check import require_schema
from predmarket.server.process.shutdown import Stopping
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis.client import end
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import keys_of
from predmarket.server.redis_bus.command_numbers import CommandNumbers
from predmarket.server.redis_bus.connection import BusConnection, bus_connection_of
from predmarket.server.redis_bus.consumer import Consumer
from predmarket.server.redis_bus.gateway_liveness import GatewayLiveness
from predmarket.server.redis_bus.publisher import Publisher
from predmarket.server.redis_bus.told_batches import ToldBatches, told_batches
from predmarket.server.settings import Settings
from predmarket.server.storage.database import UNAVAILABLE, Database
from predmarket.units import Micros

log = logging.getLogger(__name__)

POLL_S = 0.1
CUT_OFF_S = 5.0
"""A leader without Redis for this long gives up the lead: another core may reach Redis."""
_AWAY_S = 0.5
LOOK_S = 0.5
"""The pause between two pings of Redis by a leader."""
_SETTLE_S = 2.5
_MISTRUST: Micros = 10_000_000
"""After a load that did not add up, the pause before the next one."""


class Seat:
    """One core, in standby or leading."""

    def __init__(
        self, settings: Settings, db: Database, connection: BusConnection, metrics: Metrics
    ) -> None:
        self._db = db
        self._settings = settings
        self.connection = connection
        self.metrics = metrics
        self._lead: Leadership = leadership(settings.database, 0)
        self.core: Core | None = None
        self._standby = Standby(open_store(settings.database))
        self._following = ThreadPoolExecutor(1, "follow")
        self._follow_at: Micros = 0
        self.publisher = Publisher(connection)
        self.tasks: list[asyncio.Task[None]] = []
        """The tasks around the core while it leads."""
        self.running: asyncio.Task[None] | None = None
        """The task that stands by and leads in turn."""
        self.uncommitted = 0
        self.behind = ""
        """Why this core must not lead: the database lacks acknowledged batches. Else empty."""

    @property
    def standing(self) -> str:
        """Return the core's state: ok, standby or down."""
        if self.core is None:
            return "down" if self.behind else "standby"
        return "ok" if self.core.status().healthy else "down"

    def status(self) -> CoreStatus:
        """Return the core's status; in standby, the batch and sequence of its copy."""
        if self.core is not None:
            return self.core.status()
        at = self._standby.core
        batch, sequence = (0, 0) if at is None else (at.last_batch, at.last_seq)
        found = Durability().lacking(self.behind).settings
        return CoreStatus("", 0, batch, sequence, healthy=False, durable=False, durability=found)

    def start(self) -> None:
        """Begin to stand by."""
        self.running = asyncio.create_task(self._run())

    async def failed(self) -> None:
        """Wait until the core cannot go on, and raise the reason."""
        assert self.running is not None  # it was started
        await asyncio.shield(self.running)

    async def _run(self) -> None:
        while True:
            core = await self._take_lead()
            await self._execute(core)
            log.error(
                "no connection to Redis: this core gives up the lead", extra={"seconds": CUT_OFF_S}
            )
            await self._step_down()

    async def _execute(self, core: Core) -> None:
        """Execute what gateways send, until cut off from them. Raises what ends the core."""
        numbers = await self._numbers(core)
        publisher = self.publisher
        publisher.begin(core)
        presence = GatewayLiveness(self.connection, core, time.monotonic)
        consumer = Consumer(self.connection, core, publisher, presence, numbers)
        status = core.status()
        log.info("leading", extra={"epoch": status.epoch, "batch": status.batch})
        # The publisher ends last, because the last replies go out through it.
        steps = (consumer.run, presence.run, core.failed, self._cut_off, publisher.run)
        self.tasks = [asyncio.create_task(step()) for step in steps]
        self.core = core
        done, _ = await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if (error := task.exception()) is not None:
                log.critical("core_ends", exc_info=error)
            task.result()

    async def _numbers(self, core: Core) -> CommandNumbers:
        """Return the last numbers of commands that the former core has executed."""
        numbers = CommandNumbers()
        try:
            await numbers.load(self._db, core.now())
        except BaseException:
            await core.stop(_SETTLE_S)
            raise
        return numbers

    async def _cut_off(self) -> None:
        """Return once Redis has given no answer for CUT_OFF_S."""
        heard = time.monotonic()
        while time.monotonic() - heard < CUT_OFF_S:
            await asyncio.sleep(LOOK_S)
            if await self.connection.answers():
                heard = time.monotonic()

    async def _take_lead(self) -> Core:
        """Wait for the lead without limit; return the leading core. Raises LoadError, Deposed."""
        told, pause, named = "", POLL_S, False
        while True:
            try:
                if await self.connection.answers():
                    if not named:
                        await self._name()
                        named = True
                    try:
                        return await self._lead_now()
                    except LeaseHeld as error:
                        why, pause = str(error), POLL_S
                        await self._follow()
                        self.behind = ""
                else:
                    why, pause = "Redis is away", _AWAY_S
            except JournalBehind as error:
                why, pause = str(error), _AWAY_S
                if not self.behind:
                    log.critical("journal_behind", extra={"error": why})
                self.behind = why
            except RedisError as error:
                why, pause = f"Redis is away: {error}", _AWAY_S
            except (StoreError, *UNAVAILABLE) as error:
                why, pause = f"the database is away: {error}", _AWAY_S
            if why != told:
                told = why
                log.info("standing by: %s", why)
            await asyncio.sleep(pause)

    async def _lead_now(self) -> Core:
        """Return the leading core. Raises LeaseHeld, JournalBehind, StoreError, RedisError."""
        await asyncio.to_thread(self._lead.acquire)
        core = self._new_core(await told_batches(self.connection))
        await core.start()
        self.behind = ""
        await self._in_thread(self._standby.close)
        return core

    async def _name(self) -> None:
        """Learn the exchange's id in Redis, and make its MAC."""
        self.connection.keys = await keys_of(self._db)
        secret, exchange = (
            self._settings.signing_secret(shared=True),
            self.connection.keys.exchange,
        )
        self.connection.mac = Mac(secret, exchange, self.metrics.parcel_dropped)

    async def _follow(self) -> None:
        """Follow the journal up to now. Raises StoreError."""
        if elapsed() < self._follow_at:
            return
        try:
            await self._in_thread(self._standby.follow)
        except LoadError as error:
            self._follow_at = elapsed() + _MISTRUST
            log.error("the sums of the committed state do not agree: %s", error)  # noqa: TRY400 -- no traceback needed

    async def _in_thread(self, call: Callable[[], None]) -> None:
        """Run a blocking call of the standby, one at a time."""
        await asyncio.get_running_loop().run_in_executor(self._following, call)

    def _new_core(self, told: ToldBatches) -> Core:
        settings = self._settings
        self.publisher = Publisher(self.connection)
        return Core(
            open_store(settings.database),
            self._lead,
            MarketView(),
            max_batch=settings.max_batch,
            max_queue=settings.max_queue,
            observer=self.metrics,
            outlet=self.publisher,
            gateways_elsewhere=True,
            standby=self._standby,
            known=told.known,
        )

    async def stop(self) -> None:
        """End, leading or not."""
        self._standby.interrupt()
        await end(self.running)
        await self._in_thread(self._standby.close)
        await self._step_down()
        await asyncio.to_thread(self._lead.release)

    async def _step_down(self) -> None:
        """Read nothing more, commit what was read, tell of it, let go of the lead."""
        core, self.core = self.core, None
        tasks, self.tasks = self.tasks, []
        await end(*tasks[:-1])
        if core is not None:
            await core.stop(_SETTLE_S)
            self.uncommitted = core.uncommitted
        await end(*tasks)
        if core is not None:
            await self.publisher.flush()


async def serve(settings: Settings) -> int:
    """Run a core until a signal or its failure; return the exit code.

    Raises the errors of ``listen``, SettingsError, SchemaBehind, SchemaAhead.
    """
    stopping = Stopping()
    with stopping.on_signals(), runtime.listen(settings) as listener:
        connection, db, metrics = (
            bus_connection_of(settings),
            Database(settings.database),
            Metrics(),
        )
        tune_interpreter()
        seat = Seat(settings, db, connection, metrics)
        failed = False
        try:
            await asyncio.to_thread(require_schema, settings)
            metrics.watch(seat.status, db)
            seat.start()
            app = AdminPort(db, connection, lambda: seat.standing, metrics)
            async with metrics_port(settings, metrics):
                failed = await runtime.answer(
                    http_config(app), settings, seat.failed, listener, stopping
                )
        except asyncio.CancelledError:
            if not stopping.asked:
                raise
        finally:
            await seat.stop()
            await db.close()
            await connection.close()
    return 1 if failed or seat.uncommitted else 0
