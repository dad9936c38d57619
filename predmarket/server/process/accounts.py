"""Makes accounts that only API keys can use: the demo's house, a test's traders."""

from collections.abc import Iterable

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.engine.commands import OpenAccount
from predmarket.enums import Role, Scope
from predmarket.server.clock import wall_clock
from predmarket.server.core.bus import Bus
from predmarket.server.gateway.auth.api_keys import create_key, new_key
from predmarket.server.gateway.auth.passwords import nobodys_hash
from predmarket.server.read_model.queries.users import add_user, user_by_email
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.identity import api_keys
from predmarket.units import Money


async def find_or_add_account(
    db: Database,
    bus: Bus,
    email: str,
    *,
    full_name: str | None = None,
    role: Role = Role.USER,
    signup_credit: Money = 0,
) -> int:
    """Return the id of the account with this e-mail, made if it is missing. Raises BusError."""
    async with db.write() as connection:
        user = await user_by_email(connection, email) or await add_user(
            connection, email, nobodys_hash(), full_name, role, wall_clock()
        )
    await bus.submit(OpenAccount(user.id, signup_credit))
    return user.id


async def replace_key(
    connection: AsyncConnection, user_id: int, name: str, scopes: Iterable[Scope]
) -> str:
    """Return a new key of an account, made in place of its key of that name."""
    key = new_key()
    old = (api_keys.c.user_id == user_id) & (api_keys.c.name == name)
    await connection.execute(delete(api_keys).where(old))
    await create_key(connection, user_id, name, scopes, key, wall_clock())
    return key
