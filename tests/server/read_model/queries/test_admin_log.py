"""The end of trading in a market, as the admin log records it."""

from sqlalchemy import insert

from predmarket.enums import MarketStatus, Outcome
from predmarket.server.read_model.queries.admin_log import closed_at
from predmarket.server.read_model.records import MarketRecord
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.administration import admin_log
from tests.support.database_rows import Sent, analyze

ACTS = 5_000


def market(id: int, event_id: int | None = None) -> MarketRecord:
    """Return a resolved market created at time 1."""
    return MarketRecord(
        id, f"m-{id}", "?", "", MarketStatus.RESOLVED, Outcome.YES, None, 100, 0, 0, None, 1, 1,
        None, 0, 0, event_id,
    )  # fmt: skip


async def test_only_the_acts_on_the_markets_are_read(db: Database) -> None:
    """Only the markets' own acts are read, by an index, however many others the log holds."""
    ours = [("market:1", "MARKET_CLOSE", 20), ("event:9", "EVENT_RESOLVE", 30)]
    others = [(f"market:{100 + n}", "MARKET_OPEN", 40) for n in range(ACTS)]
    rows = [
        {"target": target, "action": action, "at": at, "details": "{}"}
        for target, action, at in (*others, *ours)
    ]
    async with db.write() as connection:
        await connection.execute(insert(admin_log), rows)
    await analyze(db)
    async with db.read() as connection:
        sent = Sent(connection)
        found = await closed_at(connection, [market(1), market(2, 9), market(3)])
        assert found == {1: 20, 2: 30, 3: 1}
        assert "ix_admin_log_target" in await sent.plan()
