"""A page of the statement costs its own lines, and a bounded part of those that a filter hides."""

import random
import re
from typing import Any

import pytest
from sqlalchemy import insert

from predmarket.contracts.accounts import EntryKind
from predmarket.server.read_model.queries import walks
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.ledger import page_of_ledger
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.history import ledger
from tests.support.database_rows import ANN, BOB, RAIN, SNOW, Sent, analyze

MANY = 3_000
BY_KEY = re.compile(r"(using|on) pk_ledger|SEARCH ledger USING PRIMARY KEY \(user_id=")
Lines = list[dict[str, Any]]


async def stored(db: Database, rng: random.Random, count: int, others: int = 1) -> Lines:
    """Store entries of ann and of others; return ann's, the newest first."""
    rows: Lines = []
    for id in range(1, count + 1):
        rows.append(
            {
                "id": id,
                "seq": id,
                "amount": rng.randrange(1, 10**15) * rng.choice((-1, 1)),
                "balance": rng.randrange(10**15),
                "created_at": id,
                "user_id": rng.choice((ANN, ANN, *[BOB] * others)),
                "market_id": rng.choice((RAIN, RAIN, SNOW)),
                "kind": rng.choice(("TRADE", "TRADE", "TRADE", "FEE")),
                "counterpart": "FEES",
            }
        )
    rows[0] |= {"user_id": ANN, "kind": "MERGE"}
    async with db.write() as connection:
        await connection.execute(insert(ledger), rows)
    return [row for row in reversed(rows) if row["user_id"] == ANN]


async def test_pages_hold_each_line_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages together hold each line that a filter shows once, with its balance.

    A page looks at a bounded part of the others, by the key, which begins with the user.
    """
    monkeypatch.setattr(walks, "MAX_WALK", 700)
    lines = await stored(db, random.Random(7), MANY)
    for _ in range(2):
        for market_id, kind, limit in (
            (None, None, 100),
            (None, None, 7),
            (RAIN, None, 90),
            (None, EntryKind.FEE, 50),
            (SNOW, EntryKind.FEE, 3),
            (None, EntryKind.MERGE, 3),
            (None, EntryKind.TRANSFER, 3),
        ):
            wanted = [
                (line["id"], line["balance"])
                for line in lines
                if market_id in (None, line["market_id"]) and kind in (None, line["kind"])
            ]
            found, pages, before = list[tuple[int, int]](), 0, LARGEST_ID
            while before:
                async with db.read() as connection:
                    sent = Sent(connection)
                    page, following = await page_of_ledger(
                        connection, ANN, before=before, limit=limit, market_id=market_id, kind=kind
                    )
                    assert BY_KEY.search(await sent.plan())
                found += [(entry.id, entry.balance) for entry in page]
                pages, before = pages + 1, following or 0
            assert found == wanted
            assert pages <= MANY // 700 + len(wanted) // limit + 2
        await analyze(db)


async def test_a_page_goes_through_its_own_lines(db: Database) -> None:
    """A page reads only its own lines by the key, which begins with the user."""
    await stored(db, random.Random(1), 5_000, others=80)
    await analyze(db)
    async with db.read() as connection:
        sent = Sent(connection)
        await page_of_ledger(connection, ANN, before=LARGEST_ID, limit=3)
        plan = await sent.plan()
    assert len(BY_KEY.findall(plan)) == 1
    assert "SCAN ledger" not in plan
    assert "Seq Scan on ledger" not in plan
