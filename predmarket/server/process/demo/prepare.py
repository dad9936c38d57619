"""Makes the missing parts of the demo in a core that has just started, and returns its keys.

Everything but users and keys goes through the core as commands. A second start on the same database
makes nothing twice. The past is made only for a new exchange, or continued after an interrupted
start.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select

from predmarket.engine.commands import (
    CreateEvent,
    CreateMarket,
    EventMarket,
    ResolveMarket,
    Transfer,
    UpdateMarket,
)
from predmarket.engine.replies import EventDone, MarketDone
from predmarket.enums import MarketStatus, Outcome, Scope
from predmarket.server.core.bus import Bus
from predmarket.server.core.core import Core
from predmarket.server.process import seed
from predmarket.server.process.accounts import find_or_add_account, replace_key
from predmarket.server.process.demo.catalog import HOUSE, MARKETS, PAST, TRADERS, Fate, HouseAccount
from predmarket.server.process.demo.clock import DemoClock
from predmarket.server.process.demo.event_catalog import EVENTS, DemoEvent
from predmarket.server.process.demo.history import History, Stand, of_event, of_market
from predmarket.server.process.demo.knockout import knock_out
from predmarket.server.read_model.queries.users import user_by_email
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.core import core_state
from predmarket.server.storage.tables.identity import users
from predmarket.server.storage.tables.trading import events, markets
from predmarket.units import Micros, Money

House = Callable[[str, Mapping[str, str], Sequence[str], Sequence[str]], Awaitable[None]]
"""Lets the house bots trade until it is cancelled: given the exchange's address, an API key for
each bot by its name, and the slugs of the markets and of the events that are theirs."""

_KEY_NAME = "house bot"
_SEED = 1


@dataclass(frozen=True, slots=True)
class Prepared:
    """What goes on while the exchange runs: the data that the house bots need, and what an admin
    does.
    """

    keys: dict[str, str]
    markets: list[str]
    events: list[str]
    admin: Callable[[], Awaitable[None]]


async def prepare(db: Database, core: Core, clock: DemoClock, signup_credit: Money) -> Prepared:
    """Make the missing parts of the demo. ``clock`` is the core's. Raises BusError.

    On any error the clock stays in the past, and the next start continues there.
    """
    now = clock.present()
    begin = await _past_from(db, core, now)
    if begin is None:
        clock.return_to_present()
    else:
        clock.turn_back(begin)
    await seed.seed(db, core, signup_credit)
    admin_id = await _user_id(db, seed.ADMIN.email)
    house = {
        account.bot: await _account(db, core, account, admin_id, signup_credit) for account in HOUSE
    }
    made = await _markets(core, admin_id, now)
    new = [event for event in EVENTS if await _make(core, event, admin_id, now)]
    stands = await _stands(db)
    if begin is None:
        await _end(core, made, admin_id)
        await _strike(core, new, stands, admin_id)
    else:
        traders, rng = [house[account.bot] for account in TRADERS], random.Random(_SEED)
        questions = [of_market(market, stands[market.slug], rng) for market in MARKETS]
        for event in EVENTS:
            theirs = [stands[one.slug] for one in event.outcomes if one.slug in stands]
            if len(theirs) == len(event.outcomes):
                questions.append(of_event(event, theirs, rng))
        await History(core, clock, questions, traders, rng, admin_id).make(begin, now)
        clock.return_to_present()
    return Prepared(
        await _keys(db, house),
        [market.slug for market in MARKETS],
        await _known_events(db),
        partial(knock_out, core, db, admin_id, random.Random()),
    )


async def _past_from(db: Database, core: Core, now: Micros) -> Micros | None:
    """Return the time from which a past has to be made, None if none is needed.

    Users are made at the present time, before anything else. So if the exchange's time lies before
    its first user, the exchange is still in the past that this user's start began.
    """
    if core.status().sequence == 0:
        return now - PAST
    async with db.read() as connection:
        last = await connection.scalar(select(core_state.c.last_time))
        first_user = await connection.scalar(select(func.min(users.c.created_at)))
    return last if last is not None and first_user is not None and last < first_user else None


async def _user_id(db: Database, email: str) -> int:
    async with db.read() as connection:
        user = await user_by_email(connection, email)
    assert user is not None, "the seed has made it"
    return user.id


async def _account(
    db: Database, bus: Bus, account: HouseAccount, admin_id: int, signup_credit: Money
) -> int:
    """Find or make an account of the house, with money; return its user's id."""
    user_id = await find_or_add_account(
        db, bus, account.email, full_name=account.full_name, signup_credit=signup_credit
    )
    key = f"demo-{account.email}"
    await bus.submit(Transfer(user_id, account.deposit, "demo", admin_id, key=key))
    return user_id


async def _markets(bus: Bus, admin_id: int, now: Micros) -> dict[str, int]:
    """Make the missing markets and return the new ids by their slugs."""
    made: dict[str, int] = {}
    for market in MARKETS:
        closes_at = None if market.closes_in is None else now + market.closes_in
        reply = await bus.submit(
            CreateMarket(
                slug=market.slug,
                question=market.question,
                description=market.description,
                tick=market.tick,
                maker_rate=market.maker_rate,
                taker_rate=market.taker_rate,
                closes_at=closes_at,
                status=MarketStatus.OPEN,
                creator_id=admin_id,
            )
        )
        if isinstance(reply, MarketDone):
            made[market.slug] = reply.market_id
    return made


async def _make(bus: Bus, event: DemoEvent, admin_id: int, now: Micros) -> bool:
    """Make an event with its markets unless it is there; tell whether it is new."""
    new = [
        EventMarket(outcome.slug, event.question.format(outcome.label), outcome.label)
        for outcome in event.outcomes
    ]
    reply = await bus.submit(
        CreateEvent(
            slug=event.slug,
            title=event.title,
            description=event.description,
            exhaustive=event.exhaustive,
            tick=event.tick,
            maker_rate=0,
            taker_rate=event.taker_rate,
            closes_at=None if event.closes_in is None else now + event.closes_in,
            status=MarketStatus.OPEN,
            creator_id=admin_id,
            markets=tuple(new),
        )
    )
    return isinstance(reply, EventDone)


async def _known_events(db: Database) -> list[str]:
    """Return the slugs of the demo's events that there are: somebody may have taken a slug."""
    ours = [event.slug for event in EVENTS]
    async with db.read() as connection:
        rows = await connection.execute(select(events.c.slug).where(events.c.slug.in_(ours)))
        found = {row.slug for row in rows}
    return [slug for slug in ours if slug in found]


async def _stands(db: Database) -> dict[str, Stand]:
    """Return each market's state, by its slug."""
    columns = (markets.c.slug, markets.c.id, markets.c.status, markets.c.closes_at)
    async with db.read() as connection:
        rows = await connection.execute(select(*columns, markets.c.last_price))
        return {
            row.slug: Stand(row.id, row.status == MarketStatus.OPEN, row.closes_at, row.last_price)
            for row in rows
        }


async def _end(bus: Bus, made: Mapping[str, int], admin_id: int) -> None:
    """Halt and resolve markets that were made without a past."""
    for market in MARKETS:
        id = made.get(market.slug)
        if id is None:
            continue
        if market.fate is Fate.HALTED:
            await bus.submit(UpdateMarket(id, MarketStatus.HALTED, actor_id=admin_id))
        elif market.fate is Fate.RESOLVED:
            await bus.submit(ResolveMarket(id, Outcome.YES, actor_id=admin_id))


async def _strike(
    bus: Bus, made: Sequence[DemoEvent], stands: Mapping[str, Stand], admin_id: int
) -> None:
    """Strike outcomes of events that were made without a past."""
    for event in made:
        for outcome in event.outcomes:
            if outcome.out_ago is not None:
                id = stands[outcome.slug].id
                await bus.submit(ResolveMarket(id, Outcome.NO, actor_id=admin_id))


async def _keys(db: Database, house: Mapping[str, int]) -> dict[str, str]:
    """Make a key for each bot, in place of its key from the last run."""
    scopes = (Scope.READ, Scope.TRADE)
    async with db.write() as connection:
        return {
            bot: await replace_key(connection, user_id, _KEY_NAME, scopes)
            for bot, user_id in house.items()
        }
