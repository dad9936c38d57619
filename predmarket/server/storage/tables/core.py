"""The core's own tables: its state, the lease, the journal and the outbox.

Only the core's transaction changes them.
"""

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table, Text, text

from predmarket.server.storage.tables.base import BigInt, counter, metadata

core_state = Table(
    "core_state",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("epoch", BigInt, nullable=False),
    Column("last_batch", BigInt, nullable=False),
    Column("last_seq", BigInt, nullable=False),
    Column("last_time", BigInt, nullable=False),
    Column("last_hash", LargeBinary, nullable=False),
    Column("last_order_id", BigInt, nullable=False),
    Column("last_trade_id", BigInt, nullable=False),
    Column("last_market_id", BigInt, nullable=False),
    Column("last_transfer_id", BigInt, nullable=False),
    Column("last_rank", BigInt, nullable=False),
    Column("last_ledger_id", BigInt, nullable=False, server_default=text("0")),
    Column("fees", BigInt, nullable=False),
    Column("net_deposits", BigInt, nullable=False),
    counter("markets_seq"),
    Column("stream_epoch", BigInt, nullable=False, server_default=text("0")),
    Column("stream_place", Text, nullable=False, server_default=text("'0-0/0'")),
    Column("unfinished", Text, nullable=False, server_default=text("'[]'")),
    Column("logged_from", BigInt, nullable=False, server_default=text("0")),
    Column("origin", Text, nullable=False, server_default=text("''")),
    Column("group_seqs", Text, nullable=False, server_default=text("'{}'")),
    CheckConstraint("id = 1", name="single"),
    CheckConstraint("fees >= 0", name="fees"),
)
"""One row: the leader's epoch, which fences every commit, the counters and totals, and how far
the command stream is dealt with (core/stream_position.py). The admin log begins after command
number ``logged_from``. ``unfinished`` are the steps that commands have left (engine/steps.py).
``origin`` names the exchange and the command that this one was forked from; it is empty if it was
not. ``markets_seq`` counts what the topic of all markets told everybody, ``group_seqs`` (JSON)
what it told the members of each group."""

lease = Table(
    "lease",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInt, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
"""The leader of a shared database and the end of its lease, by the database's clock. It is not in
``core_state``, since a renewal must not collide with a running commit."""

journal = Table(
    "journal",
    metadata,
    Column("batch", BigInt, primary_key=True, autoincrement=False),
    Column("epoch", BigInt, nullable=False),
    Column("first_seq", BigInt, nullable=False),
    Column("last_seq", BigInt, nullable=False),
    Column("rules", Text, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""Each batch's commands with number, time and id; ``hash`` chains it to the batch before."""

outbox = Table(
    "outbox",
    metadata,
    Column("batch", BigInt, primary_key=True, autoincrement=False),
    Column("changes", LargeBinary, nullable=False),
)
"""The changes of the last batches (read_model/changes.py), for gateways and subscribers."""
