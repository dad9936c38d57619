"""Makes the first admin of an exchange at its start, if there is none."""

import logging
import secrets

import msgspec
from sqlalchemy import update

from predmarket.contracts.text import Email, normal_email
from predmarket.engine.commands import OpenAccount
from predmarket.enums import AdminAction, Role
from predmarket.server.clock import wall_clock
from predmarket.server.core.bus import Bus
from predmarket.server.gateway.auth.passwords import Passwords
from predmarket.server.gateway.resolutions import TOO_FEW_ADMINS
from predmarket.server.read_model.queries.admin_log import add_act, of_user
from predmarket.server.read_model.queries.users import add_user, are_admins, user_by_email
from predmarket.server.settings import Settings, SettingsError
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.identity import users
from predmarket.units import Money

log = logging.getLogger(__name__)

MISSING = (
    "There is no admin yet, and only admins make markets and give money. To make one, start with:",
    "  predmarket serve --admin you@example.com",
)


def checked_email(email: str) -> str:
    """Return an e-mail's stored form. Raises SettingsError."""
    try:
        return normal_email(msgspec.convert(email, Email))
    except msgspec.ValidationError:
        raise SettingsError(f"--admin: {email} is not an e-mail address") from None


async def has_admin(db: Database) -> bool:
    """Tell whether there is an active admin."""
    async with db.read() as connection:
        return await are_admins(connection, 1)


async def warn_of_few_admins(settings: Settings, db: Database) -> None:
    """Warn if nothing can be resolved, since that takes two admins here and there are fewer."""
    if not settings.resolve_by_two:
        return
    async with db.read() as connection:
        if not await are_admins(connection, 2):
            log.warning(TOO_FEW_ADMINS)


async def make_first_admin(db: Database, bus: Bus, email: str, signup_credit: Money) -> str:
    """Make ``email`` an admin unless there is one; return the message for the operator.

    A new account gets a password that only this message shows. An existing account keeps its own.
    Raises BusError.
    """
    if await has_admin(db):
        return f"--admin {email} changes nothing: there is an admin already"
    async with db.read() as connection:
        known = await user_by_email(connection, email)
    password = secrets.token_urlsafe(15)
    hashed = await Passwords().hash(password) if known is None else ""
    now, role = wall_clock(), Role.ADMIN
    async with db.write() as connection:
        if known is None:
            user_id = (await add_user(connection, email, hashed, None, role, now)).id
        else:
            user_id = known.id
            as_admin = update(users).where(users.c.id == user_id)
            await connection.execute(as_admin.values(role=role, disabled=False))
        await add_act(connection, now, None, AdminAction.USER_ROLE, of_user(user_id), role=role)
    await bus.submit(OpenAccount(user_id, signup_credit))
    if known is not None:
        return f"{email} is an admin now, with the password that the account has had"
    return f"{email} is an admin now; the password, said this once: {password}"
