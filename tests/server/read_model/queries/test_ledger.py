"""The statement's balances are counted back from the first entry of a page."""

import random
import re
from typing import Any

from sqlalchemy import insert, update

from predmarket.contracts.accounts import EntryKind
from predmarket.server.read_model.queries.cursors import LARGEST_ID, StatementPlace
from predmarket.server.read_model.queries.ledger import LedgerEntry, ledger_of
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.history import ledger
from predmarket.server.storage.tables.trading import accounts
from tests.support.database_rows import ANN, BOB, RAIN, SNOW, Sent, analyze

ENTRIES = 400


async def stored(
    db: Database, rng: random.Random, count: int = ENTRIES, others: int = 1
) -> dict[int, int]:
    """Store entries of ann and of others; return the balance after each of ann's."""
    cash = {ANN: 0, BOB: 0}
    rows: list[dict[str, Any]] = []
    balances: dict[int, int] = {}
    for id in range(1, count + 1):
        user, amount = (
            rng.choice((ANN, ANN, *[BOB] * others)),
            rng.randrange(1, 10**15) * rng.choice((-1, 1)),
        )
        cash[user] += amount
        if user == ANN:
            balances[id] = cash[user]
        kind = rng.choice(("TRADE", "TRADE", "TRADE", "FEE"))
        of = {"user_id": user, "market_id": rng.choice((RAIN, RAIN, SNOW)), "kind": kind}
        rows.append({"id": id, "seq": id, "amount": amount, "created_at": id, **of})
    async with db.write() as connection:
        await connection.execute(insert(ledger), [{**row, "counterpart": "FEES"} for row in rows])
        for user, total in cash.items():
            split = {"available": total - 5, "locked": 5}
            await connection.execute(
                update(accounts).where(accounts.c.user_id == user).values(split)
            )
    return balances


async def test_balances_across_pages(db: Database) -> None:
    """A line's balance is the sum of all entries up to it, on every page and with every filter."""
    rng = random.Random(7)
    balances = await stored(db, rng)
    for market_id, kind, limit in (
        (None, None, 50),
        (None, None, 7),
        (RAIN, None, 9),
        (None, EntryKind.FEE, 5),
        (SNOW, EntryKind.FEE, 3),
        (None, EntryKind.TRANSFER, 3),
    ):
        place, found = None, list[LedgerEntry]()
        while True:
            async with db.read() as connection:
                page = await ledger_of(
                    connection, ANN, place, limit=limit, market_id=market_id, kind=kind
                )
            found += page
            if len(page) < limit:
                break
            place = StatementPlace(page[-1].id, page[-1].balance - page[-1].amount)
        assert [entry.balance for entry in found] == [balances[entry.id] for entry in found]
        if market_id is None and kind is None:
            assert [entry.id for entry in found] == sorted(balances, reverse=True)
        assert all(entry.market_id == market_id for entry in found if market_id)


async def test_a_page_goes_through_its_own_lines(db: Database) -> None:
    """A page reads only its own lines by the key, which begins with the user."""
    await stored(db, random.Random(1), 5_000, others=80)
    await analyze(db)
    async with db.read() as connection:
        sent = Sent(connection)
        await ledger_of(connection, ANN, StatementPlace(LARGEST_ID, 0), limit=3)
        plan = await sent.plan()
    by_key = re.compile(r"using pk_ledger|SEARCH (ledger|hidden) USING PRIMARY KEY \(user_id=")
    assert len(by_key.findall(plan)) == 2
    assert "SCAN ledger" not in plan
    assert "Seq Scan on ledger" not in plan
