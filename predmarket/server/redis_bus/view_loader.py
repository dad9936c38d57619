"""Loads a gateway's market view from the database, in one snapshot."""

from typing import Any

from sqlalchemy import select, text

from predmarket.engine import proposal
from predmarket.enums import EventOutcome, MarketStatus, Outcome, Side
from predmarket.server.core.stores.base import read_group_seqs
from predmarket.server.read_model.announcements import Counts
from predmarket.server.read_model.market_view import BookView, MarketView
from predmarket.server.read_model.records import EventRecord, MarketRecord, stored_metadata
from predmarket.server.storage.database import Database
from predmarket.server.storage.tables.trading import events, markets

_METADATA = ("category", "tags", "source")
"""The columns of a record's metadata, its only field that is no column."""
_MARKET_COLUMNS = [name for name in MarketRecord.__struct_fields__ if name != "metadata"]
_EVENT_COLUMNS = [name for name in EventRecord.__struct_fields__ if name != "metadata"]
_MARKETS = select(*(markets.c[name] for name in (*_METADATA, *_MARKET_COLUMNS)))
_EVENTS = select(events.c.ticker_seq, *(events.c[name] for name in (*_METADATA, *_EVENT_COLUMNS)))
_SEQS = select(markets.c.id, markets.c.ticker_seq, markets.c.book_seq)
_LEVELS = text(
    "SELECT market_id, side, price, CAST(SUM(qty - filled) AS BIGINT) FROM orders "
    "WHERE status IN ('OPEN', 'PARTIALLY_FILLED') GROUP BY market_id, side, price"
)
_CORE = text("SELECT last_batch, markets_seq, group_seqs FROM core_state")
_HASH = text("SELECT hash FROM journal WHERE batch = :batch")
_OUTBOX = text("SELECT changes FROM outbox WHERE batch > :after ORDER BY batch LIMIT :limit")


async def load(db: Database, view: MarketView) -> int:
    """Load the committed state into the view; return the number of its last batch."""
    async with db.read() as connection:
        core = (await connection.execute(_CORE)).first()
        rows = (await connection.execute(_MARKETS.order_by(markets.c.id))).all()
        seqs = {row[0]: (row[1], row[2]) for row in await connection.execute(_SEQS)}
        event_rows = (await connection.execute(_EVENTS.order_by(events.c.id))).all()
        levels = (await connection.execute(_LEVELS)).all()
    batch, markets_seq, group_seqs = (0, 0, "{}") if core is None else core
    books = {id: BookView() for id in seqs}
    for id, (_, book_seq) in seqs.items():
        books[id].seq = book_seq
    for market_id, side, price, qty in levels:
        book = books[market_id]
        (book.bids if side == Side.BUY else book.asks)[price] = qty
    records = [_record(tuple(row)) for row in rows]
    view.restore(
        [(one, seqs[one.id][0], books[one.id]) for one in records],
        [(_event(tuple(fields)), ticker_seq) for ticker_seq, *fields in event_rows],
        Counts(markets_seq, read_group_seqs(group_seqs)),
    )
    return int(batch)


async def last_batch(db: Database) -> int:
    """Return the number of the last committed batch."""
    async with db.read() as connection:
        core = (await connection.execute(_CORE)).first()
    return 0 if core is None else int(core[0])


async def journal_at(db: Database, batch: int) -> tuple[int, bytes | None]:
    """Return the number of the last batch, and a batch's hash, None if there is none."""
    async with db.read() as connection:
        core = (await connection.execute(_CORE)).first()
        found = (await connection.execute(_HASH, {"batch": batch})).scalar_one_or_none()
    return 0 if core is None else int(core[0]), None if found is None else bytes(found)


async def outbox(db: Database, after: int, limit: int) -> list[bytes]:
    """Return the outbox's rows after a batch, in order."""
    async with db.read() as connection:
        rows = await connection.execute(_OUTBOX, {"after": after, "limit": limit})
        return [bytes(row[0]) for row in rows]


def _fields(row: tuple[Any, ...], columns: list[str]) -> dict[str, object]:
    metadata = stored_metadata(*row[: len(_METADATA)])
    return {**dict(zip(columns, row[len(_METADATA) :], strict=True)), "metadata": metadata}


def _event(row: tuple[object, ...]) -> EventRecord:
    fields = _fields(row, _EVENT_COLUMNS)
    if fields["outcome"] is not None:
        fields["outcome"] = EventOutcome(str(fields["outcome"]))
    fields["proposal"] = proposal.decode_event(_text(fields["proposal"]))
    return EventRecord(**fields)  # type: ignore[arg-type]  # as the columns hold it


def _record(row: tuple[object, ...]) -> MarketRecord:
    fields = _fields(row, _MARKET_COLUMNS)
    fields["status"] = MarketStatus(str(fields["status"]))
    if fields["outcome"] is not None:
        fields["outcome"] = Outcome(str(fields["outcome"]))
    fields["proposal"] = proposal.decode_market(_text(fields["proposal"]))
    return MarketRecord(**fields)  # type: ignore[arg-type]  # the columns have the fields' types


def _text(stored: object) -> str | None:
    return None if stored is None else str(stored)
