"""The first admin is made once with a password shown once; other ends of a start."""

import json
import os
from pathlib import Path

import pytest

from predmarket.enums import Role
from predmarket.server.core.bus import OutcomeUnknown
from predmarket.server.gateway.auth import passwords
from predmarket.server.gateway.resolutions import TOO_FEW_ADMINS
from predmarket.server.process import runtime
from predmarket.server.process.first_admin import (
    checked_email,
    has_admin,
    make_first_admin,
    warn_of_few_admins,
)
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.process.runtime import tell_ready
from predmarket.server.read_model.queries.accounts import account_of
from predmarket.server.read_model.queries.admin_log import acts
from predmarket.server.read_model.queries.users import add_user, user_by_email
from predmarket.server.settings import Settings, SettingsError


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings of an exchange with its schema and without users."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    return Settings.load({"data_dir": tmp_path, "database_url": migrated_sqlite_url})


async def test_the_first_admin_is_made_once(settings: Settings) -> None:
    """The first admin has an account, an entry in the admin log, and a valid password.

    A second one is not made.
    """
    async with runtime.node(settings, 0) as node:
        assert not await has_admin(node.db)
        told = await make_first_admin(node.db, node.core, "boss@example.com", 5)
        password = told.rpartition(": ")[2]
        again = await make_first_admin(node.db, node.core, "other@example.com", 5)
        assert "there is an admin already" in again
        async with node.db.read() as connection:
            boss = await user_by_email(connection, "boss@example.com")
            assert boss is not None
            account = await account_of(connection, boss.id)
            (act,) = await acts(connection, before=10**6, limit=10)
            assert await user_by_email(connection, "other@example.com") is None
    assert boss.role is Role.ADMIN
    assert passwords.matches(password, boss.password_hash)
    assert account is not None
    assert account.available == 5
    assert (act.actor_id, act.action, act.target) == (None, "USER_ROLE", f"user:{boss.id}")


async def test_one_admin_where_two_have_to_agree(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The log warns of a single admin if resolutions need two, and does not warn otherwise."""
    by_two = settings.model_copy(update={"resolve_by_two": True})
    async with runtime.node(settings, 0) as node:
        for email in ("boss@example.com", "other@example.com"):
            await warn_of_few_admins(by_two, node.db)
            await warn_of_few_admins(settings, node.db)
            async with node.db.write() as connection:
                await add_user(connection, email, "", None, Role.ADMIN, 0)
        await warn_of_few_admins(by_two, node.db)
    assert [record.message for record in caplog.records].count(TOO_FEW_ADMINS) == 2


async def test_an_existing_account_keeps_its_password(settings: Settings) -> None:
    """An existing account becomes the admin, as by ``user set-role``, and keeps its password."""
    async with runtime.node(settings, 0) as node:
        await make_first_admin(node.db, node.core, "boss@example.com", 0)
        async with node.db.write() as connection:
            await connection.exec_driver_sql("UPDATE users SET role = 'USER'")
        told = await make_first_admin(node.db, node.core, "boss@example.com", 0)
        assert told.endswith("with the password that the account has had")
        assert await has_admin(node.db)


@pytest.mark.parametrize("email", ["", "boss", "a b@example.com", "boss@example.com\n"])
def test_no_e_mail(email: str) -> None:
    """An invalid e-mail of the admin is refused before anything changes."""
    with pytest.raises(SettingsError, match="--admin"):
        checked_email(email)
    assert checked_email(" Boss@Example.com ") == "boss@example.com"


async def test_a_full_disk_ends_a_start_in_words(settings: Settings) -> None:
    """A full disk at the start is reported as the database's fault and not as a defect."""

    async def start() -> None:
        async with runtime.node(settings, 0) as node:
            node.core.pipeline.trouble = "database or disk is full"
            raise OutcomeUnknown("no reply in time")

    with pytest.raises(OperateError) as ended, expected():
        await start()
    assert (ended.value.exit_code, ended.value.message) == (
        3,
        "the database cannot be used: database or disk is full",
    )


def test_a_script_reads_the_address() -> None:
    """A script reads the address as one line of JSON from a descriptor, which is then closed.

    A closed reader causes no error.
    """
    reader, writer = os.pipe()
    tell_ready(writer, json.dumps({"port": 7}))
    with open(reader, encoding="utf-8") as lines:
        assert [json.loads(line) for line in lines] == [{"port": 7}]
    reader, writer = os.pipe()
    os.close(reader)
    tell_ready(writer, "{}")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)
