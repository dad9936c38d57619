"""What the command line runs on this machine: serve, seed, db, audit, set-role, config.

Synchronous and free of terminal output, but for what ``serve`` says while it runs. Whatever can be
expected to go wrong is an OperateError.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from predmarket.server import runtime, seeding
from predmarket.server.demo import House
from predmarket.server.observability import logs
from predmarket.server.observability.redaction import secrets_of
from predmarket.server.roles import core, gateway
from predmarket.server.roles.workers import Workers
from predmarket.server.runtime import SchemaBehind, Unsafe
from predmarket.server.settings import Settings, SettingsError, unknown_variables
from predmarket.server.settlement import audit as auditing
from predmarket.server.settlement.leadership import Held
from predmarket.server.settlement.open import leadership, open_store
from predmarket.server.settlement.recovery import LoadError
from predmarket.server.settlement.store import StoreError
from predmarket.server.storage import migrations
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.migrations import SchemaAhead
from predmarket.server.storage.tables.identity import users
from predmarket.terms import Role

log = logging.getLogger(__name__)

Overrides = Mapping[str, str]

_CONFIGURATION, _UNAVAILABLE, _NOT_FOUND = 2, 3, 5
_CLIENTS_ADDRESS = "http://127.0.0.1:8000"
"""Where the command line looks unless it is told."""


class OperateError(Exception):
    """Something expected went wrong; ``exit_code`` is the command's (TERMINAL.md)."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What seeding did, for people and for programs."""

    lines: list[str]
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Whether the audit holds, and each (name, holds, detail)."""

    ok: bool
    checks: list[tuple[str, bool, str]]


@contextmanager
def _expected() -> Iterator[None]:
    """Turn what can be expected to go wrong into an OperateError of one line.

    What is made meanwhile (database, log, secret) is its owner's alone.
    """
    os.umask(0o077)
    try:
        yield
    except OperateError:
        raise
    except (SettingsError, Held, SchemaBehind, SchemaAhead, Unsafe) as error:
        raise OperateError(_line(error), _CONFIGURATION) from None
    except LoadError as error:
        raise OperateError(f"the database does not add up: {_line(error)}", 1) from None
    except (StoreError, SQLAlchemyError) as error:
        if "not a database" in str(error):
            raise OperateError("the file is not a database of ours", _CONFIGURATION) from None
        message = f"the database cannot be used: {_line(error)}"
        raise OperateError(message, _UNAVAILABLE) from None
    except OSError as error:
        raise OperateError(_line(error), _CONFIGURATION) from None


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def serve(settings_overrides: Overrides, seed: bool, force: bool = False) -> int:
    """Run the exchange until it is stopped and return the exit code. Raises OperateError.

    ``force``: with the seed data's published passwords even where others can reach it.
    """
    return _serve(settings_overrides, seed, force, None)


def serve_demo(settings_overrides: Overrides, force: bool, house: House) -> int:
    """Run an exchange with the seed data, demo markets and ``house`` trading in them until it is
    stopped; return the exit code. Raises OperateError.
    """
    return _serve(settings_overrides, True, force, house)


def _serve(overrides: Overrides, seed: bool, force: bool, house: House | None) -> int:
    with _expected():
        settings = Settings.load(overrides)
        if settings.apart:
            _require_apart(settings, seed=seed, demo=house is not None)
        secret = settings.signing_secret()
        if seed and not force:
            _refuse_seed_off_loopback(settings)
        logs.configure(settings, secrets_of(settings, secret))
        for name in unknown_variables():
            log.warning("%s is not a setting of predmarket", name)
        if settings.apart:
            return _serve_apart(settings, seed=seed, force=force)
        hints = _hints if seed else None
        return uvloop.run(
            runtime.serve(settings, seed_first=seed, force=force, hints=hints, house=house)
        )


def _require_apart(settings: Settings, *, seed: bool, demo: bool) -> None:
    """Refuse what cannot be had with the role or the number of workers. Raises SettingsError."""
    if demo:
        raise SettingsError("--demo is for one process: without --role and --workers")
    if seed and settings.role != "all":
        raise SettingsError(f"--seed needs a whole exchange: not with --role {settings.role}")
    if settings.role == "core" and settings.workers > 1:
        raise SettingsError("--workers is for gateways: not with --role core")
    settings.require_shared()


def _serve_apart(settings: Settings, *, seed: bool, force: bool) -> int:
    """Run the part that the role names, or several parts as processes of their own."""
    if settings.role == "core":
        return uvloop.run(core.serve(settings))
    if settings.workers == 1:
        return uvloop.run(gateway.serve(settings, force=force))
    with runtime.listen(settings) as listener:

        def work() -> int:
            return uvloop.run(gateway.serve(settings, force=force, listener=listener))

        jobs: dict[str, Callable[[], int]] = {}
        if settings.role == "all":
            if seed and (code := Workers({"seed": _job(lambda: _seed_first(settings))}).once()):
                return code
            # Its port is for looking at it alone; where it is, the log tells.
            aside = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
            jobs["core"] = _job(lambda: uvloop.run(core.serve(aside)))
        jobs |= {f"gateway {n}": _job(work) for n in range(1, settings.workers + 1)}
        return Workers(jobs).run()


def _seed_first(settings: Settings) -> int:
    uvloop.run(_seed(settings))
    return 0


def _job(work: Callable[[], int]) -> Callable[[], int]:
    """Have what can be expected to go wrong be said in one line, as the command line does."""

    def run() -> int:
        try:
            with _expected():
                return work()
        except OperateError as error:
            log.critical("%s", error.message)
            return error.exit_code

    return run


def _hints(url: str) -> str:
    """Say what to type next, with the program as it was called here, to reach ``url``."""
    user, called = seeding.USER, Path(sys.argv[0]).absolute()
    program = "predmarket"
    if called.name == program and called.is_relative_to(Path.cwd()):
        program = str(called.relative_to(Path.cwd()))  # an environment that is not active yet
    export = "" if url == _CLIENTS_ADDRESS else f"  export PREDMARKET_URL={url}\n"
    return f"""

In another terminal:
{export}  {program} tui          # the trading screen: {user.email}, password {user.password}
or, command by command:
  {program} auth login {user.email}
  {program} order place {seeding.SLUG} buy 10 --price 0.55
  {program} book {seeding.SLUG}
{seeding.ADMIN.email} (password {seeding.ADMIN.password}) may create and resolve markets.
Ctrl-C stops the exchange; everything acknowledged is kept."""


def _refuse_seed_off_loopback(settings: Settings) -> None:
    if not settings.on_loopback:
        raise OperateError(
            "the seed accounts have published passwords; not made while listening on "
            f"{settings.host} without --force",
            _CONFIGURATION,
        )


def seed(settings_overrides: Overrides, force: bool) -> SeedReport:
    """Create the seed data in a stopped exchange. Raises OperateError."""
    with _expected():
        settings = Settings.load(settings_overrides)
        if not force:
            _refuse_seed_off_loopback(settings)
        lines = uvloop.run(_seed(settings))
        return SeedReport(lines, {"done": lines})


async def _seed(settings: Settings) -> list[str]:
    async with runtime.node(settings, wait_s=0) as node:
        return await seeding.seed(node.db, node.core, settings.signup_credit)


def set_role(overrides: Overrides, email: str, role: str) -> None:
    """Set a user's role in the database itself. Raises OperateError.

    An embedded exchange has to be stopped, since its schema may be upgraded first. In a shared
    database it is a write like any gateway's: a running exchange heeds it within seconds.
    """
    with _expected():
        settings = Settings.load(overrides)
        _require_database(settings)
        upgrade = runtime.schema_upgrade(settings)
        if upgrade is None:
            found = _write_role(settings, email, role)
        else:
            lead = leadership(settings.database, 0)
            try:
                lead.acquire()
                upgrade()
                found = _write_role(settings, email, role)
            finally:
                lead.release()
        if not found:
            raise OperateError(f"there is no user {email}", _NOT_FOUND)


def _write_role(settings: Settings, email: str, role: str) -> bool:
    engine = sync_engine(settings.database)
    try:
        with engine.begin() as connection:
            user = users.c.email == email.strip().lower()
            changed = connection.execute(update(users).where(user).values(role=Role(role)))
    finally:
        engine.dispose()
    return bool(changed.rowcount)


def db_upgrade(overrides: Overrides) -> str:
    """Bring the schema up to date and return its revision. Raises OperateError."""
    with _expected():
        settings = Settings.load(overrides)
        migrations.upgrade(settings.database)
        return migrations.head()


def db_current(overrides: Overrides) -> str:
    """Return the schema's revision, or "none". Raises OperateError."""
    with _expected():
        settings = Settings.load(overrides)
        _require_database(settings)
        return migrations.current(settings.database) or "none"


def audit(
    overrides: Overrides, replay: bool, progress: Callable[[str, int, int], None]
) -> AuditReport:
    """Prove from the database alone that it adds up. Raises OperateError."""
    with _expected():
        settings = Settings.load(overrides)
        _require_database(settings)
        runtime.require_schema(settings)
        store = open_store(settings.database)
        store.connect()
        try:
            store.begin_snapshot()
            if not store.read("SELECT 1 FROM core_state"):
                raise OperateError("no exchange has run on this database yet", _NOT_FOUND)
            checks = list(auditing.sums(store))
            if replay:
                checks += auditing.replay(store, progress)
        finally:
            store.close()
        return AuditReport(
            all(check.ok for check in checks), [(c.name, c.ok, c.detail) for c in checks]
        )


def config(overrides: Overrides) -> list[tuple[str, str, str]]:
    """Return every setting's name, value with secrets hidden, and origin. Raises OperateError."""
    with _expected():
        return Settings.load(overrides).explain(overrides)


def _require_database(settings: Settings) -> None:
    """Refuse to make an embedded database where one was only to be looked at."""
    path = settings.embedded
    if path is not None and not path.exists():
        raise OperateError(f"there is no exchange at {path}", _NOT_FOUND)


__all__ = [
    "AuditReport",
    "OperateError",
    "SeedReport",
    "audit",
    "config",
    "db_current",
    "db_upgrade",
    "seed",
    "serve",
    "serve_demo",
    "set_role",
]
