"""The command line's maintenance of this machine's database and settings: db, audit, set-role,
config.

The functions are synchronous and print nothing. Expected errors are OperateErrors. This module does
not import what only a server needs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import update

from predmarket.enums import AdminAction, Role
from predmarket.exit_codes import ExitCode
from predmarket.server.clock import wall_clock
from predmarket.server.core import audit as auditing
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.factory import leadership, open_snapshot
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.process.schema_check import require_ours, require_schema, schema_upgrade
from predmarket.server.read_model.queries.admin_log import add_act_of_operator
from predmarket.server.read_model.queries.users import id_of_email
from predmarket.server.settings import Settings
from predmarket.server.storage import migrations
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.tables.identity import users
from predmarket.variables import PREFIX

Overrides = Mapping[str, str]
Progress = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of an audit: whether it holds, and each check (name, holds, detail)."""

    ok: bool
    checks: list[tuple[str, bool, str]]


def set_role(overrides: Overrides, email: str, role: str) -> None:
    """Set a user's role in the database itself. Raises OperateError.

    An embedded exchange has to be stopped, because its schema may be upgraded first. In a shared
    database this is a write like a gateway's: a running exchange uses it within seconds.
    """
    with expected():
        settings = Settings.load(overrides)
        _require_database(settings)
        upgrade = schema_upgrade(settings)
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
            raise OperateError(f"there is no user {email}", ExitCode.NOT_FOUND)


def _write_role(settings: Settings, email: str, role: str) -> bool:
    engine = sync_engine(settings.database)
    try:
        with engine.begin() as connection:
            user = users.c.id == id_of_email(email)
            changed = update(users).where(user).values(role=Role(role)).returning(users.c.id)
            user_id = connection.execute(changed).scalar_one_or_none()
            if user_id is not None:
                action = AdminAction.USER_ROLE
                add_act_of_operator(connection, wall_clock(), action, user_id, role=Role(role))
    finally:
        engine.dispose()
    return user_id is not None


def db_upgrade(overrides: Overrides) -> str:
    """Bring the schema up to date and return its revision. Raises OperateError."""
    with expected():
        settings = Settings.load(overrides)
        require_ours(settings)
        migrations.upgrade(settings.database)
        return migrations.head()


def db_current(overrides: Overrides) -> str:
    """Return the schema's revision, or "none". Raises OperateError."""
    with expected():
        settings = Settings.load(overrides)
        _require_database(settings)
        require_ours(settings)
        return migrations.current(settings.database) or "none"


@contextmanager
def stored_exchange(settings: Settings) -> Iterator[Store]:
    """Open a snapshot of the exchange in a database. Raises OperateError if there is none, and the
    errors of ``require_schema``."""
    _require_database(settings)
    require_schema(settings)
    with open_snapshot(settings.database) as store:
        if not store.read("SELECT 1 FROM core_state"):
            raise OperateError("no exchange has run on this database yet", ExitCode.NOT_FOUND)
        yield store


def audit(overrides: Overrides, replay: bool, progress: Progress) -> AuditReport:
    """Audit the database, and what Redis was told of it. Raises OperateError."""
    with expected():
        settings = Settings.load(overrides)
        _require_database(settings)
        require_schema(settings)
        told = _told(settings)  # first: an exchange that runs tells of what the snapshot lacks
        with stored_exchange(settings) as store:
            return audit_store(store, replay, progress, () if told is None else told(store))


def _told(settings: Settings) -> Callable[[Store], list[auditing.Check]] | None:
    """Return the checks of what Redis holds of the journal, None where it holds nothing of it."""
    if settings.embedded is not None or settings.redis_url is None or settings.jwt_secret is None:
        return None
    from predmarket.server.process.told_audit import checks_of_told  # noqa: PLC0415  (likewise)

    return checks_of_told(settings)


def audit_store(
    store: Store, replay: bool, progress: Progress, more: Iterable[auditing.Check] = ()
) -> AuditReport:
    """Audit the snapshot that a store reads; with ``replay`` the journal, too."""
    checks = [*auditing.sums(store), *more]
    if replay:
        checks += auditing.replay(store, progress)
    return AuditReport(
        all(check.ok for check in checks), [(c.name, c.ok, c.detail) for c in checks]
    )


def doctor(overrides: Overrides) -> list[tuple[str, bool, str]]:
    """Return each check of the machine: its name, whether it holds, and the finding.

    Raises OperateError for unreadable settings.
    """
    from predmarket.server.process.doctor import examine  # noqa: PLC0415  (it loads Redis' library)

    with expected():
        found = examine(Settings.load(overrides))
        return [(check.name, check.ok, check.detail) for check in found]


def config(overrides: Overrides) -> list[tuple[str, str, str]]:
    """Return every setting's name, value with secrets hidden, and origin. Raises OperateError."""
    with expected():
        return Settings.load(overrides).explain(overrides)


def _require_database(settings: Settings) -> None:
    """Refuse to create an embedded database for a command that only reads one."""
    path = settings.embedded
    if path is not None and not path.exists():
        named = (
            ("DATA_DIR", "data-dir")
            if settings.database_url is None
            else ("DATABASE_URL", "database-url")
        )
        raise OperateError(
            f"there is no exchange at {path}: name the right one with --{named[1]} or"
            f" {PREFIX}{named[0]}",
            ExitCode.NOT_FOUND,
        )
