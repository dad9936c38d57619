"""Assembles one process of the exchange: database, core, HTTP; and stops it in order.

A stop has stages: stop accepting, let running requests finish, commit accepted commands, close
the database. Each stage has a bound, so a stop takes less than 10 s (shutdown.py).
"""

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from predmarket import __version__
from predmarket.server.clock import Clock, clock_of
from predmarket.server.core.bus import BusError
from predmarket.server.core.core import Core
from predmarket.server.core.stores.base import StoreError
from predmarket.server.core.stores.factory import leadership, open_store
from predmarket.server.gateway.app import create_app
from predmarket.server.gateway.broadcast.hub import Hub
from predmarket.server.gateway.protocol.config import ServerConfig
from predmarket.server.gateway.protocol.server import HttpServer
from predmarket.server.gateway.services import Services
from predmarket.server.interpreter import tune_interpreter
from predmarket.server.observability import logs
from predmarket.server.observability.metrics import Metrics
from predmarket.server.process.demo import DemoClock, House, Prepared, prepare
from predmarket.server.process.first_admin import (
    MISSING,
    has_admin,
    make_first_admin,
    warn_of_few_admins,
)
from predmarket.server.process.listening import listen_at
from predmarket.server.process.metrics_port import metrics_port
from predmarket.server.process.operator_errors import Unsafe
from predmarket.server.process.schema_check import schema_upgrade
from predmarket.server.process.seed import seed, well_known
from predmarket.server.process.shutdown import Server, Stopping
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.redis.client import Redis
from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import keys_of
from predmarket.server.settings import Settings, SettingsError
from predmarket.server.storage.database import Database
from predmarket.variables import PREFIX

log = logging.getLogger(__name__)

Hints: TypeAlias = Callable[[str], Sequence[str]]
"""Returns the lines to print at the start; the argument is the exchange's address."""

WAIT_FOR_LEAD_S = 5.0
REQUESTS_S = 4
"""How long a stop waits for the requests in flight."""
_SETTLE_S = 2.5


@dataclass(frozen=True, slots=True)
class Node:
    """A running core with its gateway."""

    settings: Settings
    db: Database
    core: Core
    view: MarketView
    metrics: Metrics
    hub: Hub
    redis: Redis | None

    @property
    def services(self) -> Services:
        """Return the routes' services."""
        return Services(
            self.settings,
            self.db,
            self.core,
            self.view,
            self.core,
            self.metrics,
            self.hub,
            self.redis,
        )


@asynccontextmanager
async def node(
    settings: Settings, wait_s: float, clock: Clock | None = None
) -> AsyncIterator[Node]:
    """Start the core on the settings' database and stop it at the end.

    Raises LeaseHeld, SchemaBehind, SchemaAhead, NotOurs, Damaged, StoreError, LoadError,
    SettingsError.
    """
    url = settings.database
    redis = redis_of(settings)
    lead = leadership(url, wait_s)
    upgrade = await asyncio.to_thread(schema_upgrade, settings)
    if settings.embedded is not None:
        settings.embedded.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    db, view, metrics = Database(url), MarketView(), Metrics()
    hub = Hub(view, db)
    core = Core(
        open_store(url),
        lead,
        view,
        clock=clock,
        max_batch=settings.max_batch,
        max_queue=settings.max_queue,
        observer=metrics,
        outlet=hub,
    )
    # The lead comes first: the schema must not change under a running exchange.
    await core.start(upgrade)
    metrics.watch(core.status, db)
    try:
        if redis is not None:
            redis.keys = await keys_of(db)
            secret = settings.signing_secret()
            redis.mac = Mac(secret, redis.keys.exchange, metrics.parcel_dropped)
            await redis.start()
        yield Node(settings, db, core, view, metrics, hub, redis)
    except BusError as error:  # from the commands before the first request
        raise StoreError(core.trouble or str(error)) from error
    finally:
        await core.stop(_SETTLE_S)
        await hub.close()
        await db.close()
        if redis is not None:
            await redis.close()


def redis_of(settings: Settings) -> Redis | None:
    """Return the Redis client, not connected yet; None without Redis. Raises SettingsError."""
    if settings.redis_url is None:
        return None
    try:
        return Redis(settings.redis_url.get_secret_value(), settings.shown_redis)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}REDIS_URL: {error}") from None


def listen(settings: Settings) -> socket.socket:
    """Bind the address. Raises OSError, which names the address."""
    return listen_at(settings.host, settings.port, "--port")


async def require_own_passwords(settings: Settings, db: Database) -> None:
    """Raise Unsafe if others can reach the exchange and log in with a published password."""
    if not settings.on_loopback and (known := await well_known(db)):
        raise Unsafe(
            f"{' and '.join(known)} still have the seed data's published passwords; change them "
            f"before listening on {settings.host}, or add --force"
        )


async def serve(
    settings: Settings,
    *,
    seed_first: bool,
    force: bool = False,
    admin: str | None = None,
    ready_fd: int | None = None,
    hints: Hints | None = None,
    house: House | None = None,
) -> int:
    """Run the exchange until a signal or a failure of the core; return the exit code.

    ``force`` accepts published passwords even where others can reach the exchange. ``admin`` is the
    e-mail of an admin to make if there is none. Once the exchange is ready it prints ``hints``, and
    ``ready_fd`` gets its address. With a ``house`` it is a demo: seed data and demo markets are
    made first, and the house trades meanwhile. Raises Unsafe, and the errors of ``node`` and
    ``listen``.
    """
    stopping = Stopping()
    clock = DemoClock() if house is not None else clock_of(settings.clock)
    with stopping.on_signals(), listen(settings) as listener:
        try:
            async with node(settings, WAIT_FOR_LEAD_S, clock) as running:
                await _prepare(running, seed_first=seed_first and house is None, force=force)
                trading = None
                if house is not None and isinstance(clock, DemoClock):
                    credit = settings.signup_credit
                    demo = await prepare(running.db, running.core, clock, credit)
                    trading = partial(_trade, house, demo)
                if admin is not None:
                    await add_admin(running, admin)
                await warn_of_few_admins(settings, running.db)
                if hints is None and not await has_admin(running.db):
                    hints = _without_admin
                ready = Ready(hints, ready_fd, trading)
                failed = await _serve(running, listener, stopping, ready)
        except asyncio.CancelledError:
            if not stopping.asked:
                raise
            return 0  # told to stop before it had begun
    return 1 if failed or running.core.uncommitted else 0


async def _prepare(running: Node, *, seed_first: bool, force: bool) -> None:
    """Prepare the exchange between the core's start and the first request. Raises Unsafe."""
    if not force:
        await require_own_passwords(running.settings, running.db)
    tune_interpreter()
    if seed_first:
        await seed(running.db, running.core, running.settings.signup_credit)


async def add_admin(running: Node, email: str) -> None:
    """Make the first admin, and print the password to the operator. Raises BusError."""
    told = await make_first_admin(running.db, running.core, email, running.settings.signup_credit)
    # Not to the log, because it holds a password.
    sys.stdout.write(f"{told}\n")
    sys.stdout.flush()


def _without_admin(_url: str) -> Sequence[str]:
    return MISSING


@dataclass(frozen=True, slots=True)
class Ready:
    """The actions for when the exchange is ready.

    ``hints`` are printed. The file descriptor ``fd`` gets the address in a line of JSON. ``then``
    runs with the address until the server stops.
    """

    hints: Hints | None = None
    fd: int | None = None
    then: Callable[[str], Awaitable[None]] | None = None


async def _serve(running: Node, listener: socket.socket, stopping: Stopping, ready: Ready) -> bool:
    """Answer requests until the stop; tell whether the core failed."""
    app = create_app(running.services)
    failed = running.core.failed
    async with metrics_port(running.settings, running.metrics):
        config = app.server_config()
        return await answer(config, running.settings, failed, listener, stopping, ready)


async def answer(
    config: ServerConfig,
    settings: Settings,
    failed: Callable[[], Coroutine[object, object, None]],
    listener: socket.socket,
    stopping: Stopping,
    ready: Ready | None = None,
) -> bool:
    """Serve until the stop, or until ``failed`` returns or raises; tell whether it
    did."""
    config.timeout_graceful_shutdown = REQUESTS_S
    server = Server(config)
    stopping.serves(server)
    serving = asyncio.create_task(server.serve([listener]))
    failing = asyncio.create_task(failed())
    announcing = asyncio.create_task(_announce(server, settings, listener, ready or Ready()))
    await asyncio.wait((serving, failing), return_when=asyncio.FIRST_COMPLETED)
    announcing.cancel()
    has_failed = failing.done()
    failing.cancel()
    if has_failed:
        stopping.failed(None if failing.cancelled() else failing.exception())
    await serving
    await asyncio.gather(failing, announcing, return_exceptions=True)
    return has_failed


async def _trade(house: House, demo: Prepared, url: str) -> None:
    """Let the house trade and the demo's admin act; their end does not end the exchange."""
    try:
        trading = house(url, demo.keys, demo.markets, demo.events)
        await asyncio.gather(trading, demo.admin())
    except Exception:
        log.exception("the house bots have stopped")


async def _announce(
    server: HttpServer,
    settings: Settings,
    listener: socket.socket,
    ready: Ready,
) -> None:
    """Announce the address once the server is ready, then run the actions of ``ready``."""
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    url, where = f"http://{name}:{port}", settings.shown_database
    facts: dict[str, object] = {"url": url, "port": port, "pid": os.getpid()}
    logs.announce(
        f"predmarket {__version__} is ready on {url} ({where})",
        {**facts, "version": __version__, "database": where},
        () if ready.hints is None else ready.hints(url),
    )
    if ready.fd is not None:
        tell_ready(ready.fd, json.dumps(facts))
    if ready.then is not None:
        here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, name)
        await ready.then(f"http://{here}:{port}")


def tell_ready(fd: int, line: str) -> None:
    """Write a line to ``fd`` and close it; its reader may be gone."""
    try:
        with open(fd, "w", encoding="utf-8") as waiting:
            waiting.write(f"{line}\n")
    except OSError as error:
        log.warning(
            "the message that the exchange is ready could not be written",
            extra={"error": str(error)},
        )
