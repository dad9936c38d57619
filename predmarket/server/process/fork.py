"""Makes an exchange as another one was at an earlier command or time.

The copy is an embedded exchange in a folder of its own. It has the accounts of that time, with the
passwords, roles and groups of today, and no sessions and no API keys. Its time continues at that
point when it is started with a laboratory's clock. Source: docs/testing-bots.md.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table, insert, select

from predmarket.contracts.amounts import Time, format_time
from predmarket.exit_codes import ExitCode
from predmarket.files import new_folder
from predmarket.server.core import fork
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.factory import open_store
from predmarket.server.process.maintenance import Progress, stored_exchange
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.settings import Settings
from predmarket.server.storage import migrations
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.tables.identity import user_group_members, user_groups, users

_ROWS = 1_000
_LATER_MEMBERS = (
    "DELETE FROM user_group_members WHERE user_id NOT IN (SELECT user_id FROM accounts) "
    "RETURNING user_id"
)
_LATER_USERS = "DELETE FROM users WHERE id NOT IN (SELECT user_id FROM accounts) RETURNING id"


@dataclass(frozen=True, slots=True)
class Forked:
    """The last command of a fork, its time, and where it was forked from."""

    sequence: int
    time: str
    origin: str


def make(overrides: dict[str, str], at: str, to: Path, progress: Progress) -> Forked:
    """Fork the exchange of these settings ``at`` a command's number or a time, into a folder.

    Raises OperateError.
    """
    with expected():
        settings = Settings.load(overrides)
        with stored_exchange(settings) as source, new_folder(to):
            return _make(settings, source, at, to, progress)


def _make(settings: Settings, source: Store, at: str, to: Path, progress: Progress) -> Forked:
    url = f"sqlite:///{to / 'predmarket.db'}"
    try:
        upto = _number(source, at)
        migrations.upgrade(url)
        _copy_rows(settings.database, url, users, user_groups, user_group_members)
        origin = f"command {upto} of the journal with the hash {source.hash_at(upto).hex()}"
        with closing(open_store(url)) as target:
            target.connect()
            core = fork.copy(source, target, upto, origin, progress)
            target.read(_LATER_MEMBERS)
            target.read(_LATER_USERS)
    except fork.NoSuchPoint as error:
        raise OperateError(f"--at {at}: {error}", ExitCode.NOT_FOUND) from None
    return Forked(core.last_seq, format_time(core.last_time), origin)


def _number(source: Store, at: str) -> int:
    if at.isascii() and at.isdecimal():
        last = source.core_row().last_seq
        digits = at.lstrip("0") or "0"
        number = int(digits) if len(digits) <= len(str(last)) else 0
        if not 1 <= number <= last:
            raise fork.NoSuchPoint(f"the journal has the commands 1 to {last}")
        return number
    try:
        moment = Time.read(at).micros
    except ValueError:
        message = f"--at {at}: give a command's number, or a time such as 2030-01-31T12:00:00Z"
        raise OperateError(message, ExitCode.USAGE) from None
    return fork.number_at(source, moment)


def _copy_rows(source: str, target: str, *tables: Table) -> None:
    here, there = sync_engine(source), sync_engine(target)
    try:
        with here.connect() as reading, there.begin() as writing:
            for table in tables:
                found = reading.execution_options(yield_per=_ROWS).execute(select(table))
                for rows in found.mappings().partitions():
                    writing.execute(insert(table), [dict(row) for row in rows])
    finally:
        here.dispose()
        there.dispose()
