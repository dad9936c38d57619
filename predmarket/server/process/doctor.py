"""The checks of ``predmarket doctor``: whether this machine and its database fit an exchange.

Each check is independent and reports its finding. No check changes anything, and each wait is
bounded.
"""

import os
import platform
import resource
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from predmarket import __version__
from predmarket.server.clock import machine_time
from predmarket.server.core import journal
from predmarket.server.core.audit import Check
from predmarket.server.core.stores.base import Store, StoreError
from predmarket.server.core.stores.factory import open_store
from predmarket.server.gateway.resolutions import TOO_FEW_ADMINS
from predmarket.server.process.listening import listen_at
from predmarket.server.process.schema_check import require_ours
from predmarket.server.settings import BACKUP_FILE, SECRET_FILE, Settings
from predmarket.server.storage import migrations
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.database_url import hosts_of
from predmarket.server.storage.sqlite_file import Damaged, NotOurs

_LEAST_DISK = 512 * 1024 * 1024
_LEAST_DESCRIPTORS = 1_024
_AHEAD_US = 1_000_000
ANSWER_S = 2.0
"""How long a check waits for an answer."""
_BY_TWO = 2
_CONNECT_S = "5"
_DAY_US = 86_400_000_000
_BACKUP_DAYS = 7
"""A back-up of this age is old."""


def examine(settings: Settings) -> list[Check]:
    """Run all checks. Expected errors become findings."""
    os.environ.setdefault("PGCONNECT_TIMEOUT", _CONNECT_S)
    checks = [
        Check("versions", True, _versions()),
        _data_folder(settings.data_dir),
        _disk(settings.data_dir),
        _secret(settings),
        _descriptors(),
        _port("port", settings.host, settings.port),
    ]
    if settings.metrics_port is not None:
        checks.append(_port("metrics port", settings.metrics_host or "", settings.metrics_port))
    if settings.redis_url is not None:
        checks.append(_redis(settings))
    database = _said("database", lambda: _database(settings))
    checks.append(database)
    if database.ok and (settings.embedded is None or settings.embedded.exists()):
        checks.append(_said("schema", lambda: _schema(settings)))
        checks += _stored(settings)
    return checks


def _said(name: str, look: Callable[[], Check]) -> Check:
    """Return the finding of ``look``, or its expected error as the finding."""
    try:
        return look()
    except (OSError, SQLAlchemyError, StoreError, NotOurs, Damaged, UnicodeDecodeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return Check(name, False, lines[0])


def _versions() -> str:
    return (
        f"predmarket {__version__}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, {platform.platform(terse=True)}"
    )


def _closed(path: Path) -> str:
    """Return the fault of a path that only its owner should access, "" without a fault."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"others may use {path}: its mode is {mode:04o}" if mode & 0o077 else ""


def _data_folder(folder: Path) -> Check:
    if not folder.exists():
        return Check("data folder", True, f"{folder} is made by the first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Check("data folder", False, f"{folder} cannot be written")
    problem = _closed(folder) if (folder / SECRET_FILE).exists() else ""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:  # a user who can write there can replace the secret and the database
        return Check("data folder", False, problem or f"others may write to {folder}")
    return Check("data folder", True, str(folder))


def _disk(folder: Path) -> Check:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    return Check("disk", free >= _LEAST_DISK, f"{free // 1024**2} MiB are free at {there}")


def _secret(settings: Settings) -> Check:
    if settings.jwt_secret is not None:
        return Check("secret", True, "set")
    if not settings.on_loopback or settings.apart:
        return Check("secret", False, "PREDMARKET_JWT_SECRET must be set for this start")
    path = settings.data_dir / SECRET_FILE
    if not path.exists():
        return Check("secret", True, "is made by the first start")
    problem = _closed(path)
    return Check("secret", not problem, problem or f"{path}, its owner's alone")


def _descriptors() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= _LEAST_DESCRIPTORS
    more = "" if enough else "; raise it with ulimit -n, or LimitNOFILE in systemd"
    return Check("descriptors", enough, f"{soft} may be open, {hard} if raised{more}")


def _port(name: str, host: str, port: int) -> Check:
    where = f"{host} port {port}"
    try:
        listen_at(host, port, f"--{name.replace(' ', '-')}").close()
    except OSError as error:
        answers = _is_exchange(host, port)
        return Check(name, answers, f"an exchange runs on {where}" if answers else str(error))
    return Check(name, True, f"{where} is free")


def _is_exchange(host: str, port: int) -> bool:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    with closing(HTTPConnection(here, port, timeout=ANSWER_S)) as connection:
        try:
            connection.request("GET", "/healthz" if host else "/metrics")
            said = connection.getresponse().read(10_000)
            return b'"core"' in said or b"settlement_" in said
        except (OSError, HTTPException):
            return False


def _redis(settings: Settings) -> Check:
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    try:
        timeouts = {"socket_connect_timeout": ANSWER_S, "socket_timeout": ANSWER_S}
        with closing(redis.Redis.from_url(url, **timeouts)) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return Check("redis", False, f"{settings.shown_redis}: {error}")
    return Check("redis", True, settings.shown_redis)


def _database(settings: Settings) -> Check:
    path = settings.embedded
    if path is not None:
        if not path.exists():
            return Check("database", True, f"{path} is made by the first start")
        if not os.access(path, os.R_OK | os.W_OK):
            return Check("database", False, f"{path} cannot be written")
        if problem := _closed(path):
            return Check("database", False, problem)
        require_ours(settings, whole=True)
        return Check(
            "database", True, f"{path}, {path.stat().st_size // 1024} KiB, all pages whole"
        )
    engine, several = sync_engine(settings.database), hosts_of(settings.database) > 1
    try:
        with engine.connect() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
            found = connection.connection.driver_connection.info  # type: ignore[union-attr]  # psycopg's, and open
            writes = f" at {found.host}, which takes writes" if several else ""
    finally:
        engine.dispose()
    return Check("database", True, f"{settings.shown_database}, PostgreSQL {version}{writes}")


def _schema(settings: Settings) -> Check:
    current, head = migrations.current(settings.database), migrations.head()
    if current == head:
        return Check("schema", True, f"revision {head}")
    todo = "serve brings it up to date" if settings.embedded else "run predmarket db upgrade"
    said = f"revision {current or 'none'}, this version needs {head}: {todo}"
    return Check("schema", settings.embedded is not None, said)


def _stored(settings: Settings) -> list[Check]:
    """Return the store's durability and time."""
    store = open_store(settings.database)
    try:
        store.connect()
        found = store.durability()
        said = ", ".join(f"{name} {value}" for name, value in found.settings.items())
        return [
            Check("durability", not found.risks, ": ".join([said, *found.risks])),
            _clock(store),
            _backup(settings.data_dir / BACKUP_FILE, store),
            *_admins(settings, store),
        ]
    except (StoreError, SQLAlchemyError, OSError) as error:
        return [Check("durability", False, str(error).strip().split("\n")[0])]
    finally:
        store.close()


def _admins(settings: Settings, store: Store) -> list[Check]:
    """Return whether there are as many admins as a resolution takes, where one is not enough."""
    if not settings.resolve_by_two:
        return []
    query = "SELECT count(*) FROM users WHERE role = 'ADMIN' AND NOT disabled"
    count = int(store.read(query)[0][0])
    said = f"{count} may act" if count >= _BY_TWO else f"{count} may act: {TOO_FEW_ADMINS}"
    return [Check("admins", count >= _BY_TWO, said)]


def _backup(last: Path, store: Store) -> Check:
    """Return how old the last back-up is; without one, how old what it would hold is."""
    try:
        made, named = int(last.stat().st_mtime * 1_000_000), last.read_text().strip()
    except (OSError, UnicodeDecodeError):
        first = store.journal_page(0, 1)
        if not first:
            return Check("back-up", True, "there is nothing to back up yet")
        made, named = journal.decode(first[0].entries)[0].time, ""
    days = (machine_time() - made) // _DAY_US
    ago = "today" if days < 1 else f"{days} days ago" if days > 1 else "a day ago"
    said = f"{named}, {ago}" if named else f"none yet; the exchange began {ago}"
    advice = "" if days < _BACKUP_DAYS else ": run predmarket db backup"
    return Check("back-up", not advice, said + advice)


def _clock(store: Store) -> Check:
    here, there = machine_time(), store.time()
    try:
        rows = store.read("SELECT last_time FROM core_state")
    except StoreError:  # no exchange has run on it
        rows = []
    off = abs(here - there)
    if off > _AHEAD_US:
        said = f"this machine and the database differ by {off / 1_000_000:.1f} s"
        return Check("clock", False, said)
    ahead = rows[0][0] - there if rows else 0
    if ahead > _AHEAD_US:
        said = f"the journal is {ahead / 1_000_000:.1f} s ahead: see Clocks in docs/operations.md"
        return Check("clock", False, said)
    return Check("clock", True, "agrees with the database's and the journal's")
