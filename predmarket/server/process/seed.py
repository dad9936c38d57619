"""The seed data: two accounts with money and one market, created once.

All of it goes through the core as commands; only the two users are written directly.
"""

from dataclasses import dataclass

from predmarket.engine.commands import CreateMarket, OpenAccount, Transfer
from predmarket.engine.replies import MarketDone, TransferDone
from predmarket.enums import MarketStatus, Role
from predmarket.server.clock import wall_clock
from predmarket.server.core.bus import Bus
from predmarket.server.gateway.auth.passwords import Passwords
from predmarket.server.read_model.queries.users import add_user, rename_user, user_by_email
from predmarket.server.storage.database import Database
from predmarket.units import MONEY_ONE, Money, format_money


@dataclass(frozen=True, slots=True)
class SeedUser:
    """An account of the seed data."""

    email: str
    password: str
    full_name: str
    former_name: str
    """Its full name in an exchange that an earlier version seeded."""
    role: Role
    deposit: Money


ADMIN = SeedUser(
    "admin@example.com", "admin123", "Admin User", "Admin", Role.ADMIN, 10_000 * MONEY_ONE
)
USER = SeedUser(
    "user@example.com", "password123", "Test User", "User", Role.USER, 1_000 * MONEY_ONE
)
SLUG = "will-it-rain-tomorrow"
QUESTION = "Will it rain tomorrow?"
DESCRIPTION = "Resolves YES if measurable precipitation occurs"
_TICK = 100


async def seed(db: Database, bus: Bus, signup_credit: Money) -> list[str]:
    """Create the missing seed data and return a line on each item.

    Raises BusError if the core does not answer.
    """
    lines: list[str] = []
    admin_id = await _user(db, bus, ADMIN, signup_credit, lines)
    user_id = await _user(db, bus, USER, signup_credit, lines)
    for user, id in ((ADMIN, admin_id), (USER, user_id)):
        reply = await bus.submit(
            Transfer(id, user.deposit, "seed", admin_id, key=f"seed-{user.email}")
        )
        amount = format_money(user.deposit)
        done = "received" if isinstance(reply, TransferDone) else "had received"
        lines.append(f"{user.email} {done} {amount}")
    market = CreateMarket(
        slug=SLUG,
        question=QUESTION,
        description=DESCRIPTION,
        tick=_TICK,
        maker_rate=0,
        taker_rate=0,
        closes_at=None,
        status=MarketStatus.OPEN,
        creator_id=admin_id,
    )
    made = isinstance(await bus.submit(market), MarketDone)
    lines.append(f"market {SLUG} {'created' if made else 'was there'}")
    return lines


async def well_known(db: Database) -> list[str]:
    """Return the e-mails of the seed users that still have the published password."""
    found = []
    for seeded in (ADMIN, USER):
        async with db.read() as connection:
            user = await user_by_email(connection, seeded.email)
        if user is None or user.disabled:
            continue
        if await Passwords().check(seeded.password, user.password_hash):
            found.append(seeded.email)
    return found


async def _user(
    db: Database, bus: Bus, user: SeedUser, signup_credit: Money, lines: list[str]
) -> int:
    """Find or create one user with an account and return its id."""
    async with db.read() as connection:
        known = await user_by_email(connection, user.email)
    if known is None:
        hashed = await Passwords().hash(user.password)
        async with db.write() as connection:
            made = await add_user(
                connection, user.email, hashed, user.full_name, user.role, wall_clock()
            )
            id = made.id
    else:
        id = known.id
        if known.full_name == user.former_name:
            async with db.write() as connection:
                await rename_user(connection, id, user.former_name, user.full_name)
    role = user.role if known is None else known.role
    lines.append(f"{user.email} {'created' if known is None else 'was there'} ({role})")
    await bus.submit(OpenAccount(id, signup_credit))
    return id
