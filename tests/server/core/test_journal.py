"""The journal's format: old entries stay readable for ever."""

import msgspec

from predmarket.engine.commands import Disconnect, PlaceOrder
from predmarket.enums import OrderType, Side, TimeInForce
from predmarket.server.core import journal
from predmarket.server.core.journal import Entry

OLD = [
    "place", 3, 1, "BUY", "LIMIT", 6_000, 100, "GTC", None, False, False, None, "SKIP", "k", None,
    "1~rain|x", True,
]  # fmt: skip


def test_an_order_from_before_connections_is_read() -> None:
    """An order's entry from before connections ends earlier and is read with default values."""
    (entry,) = journal.decode(msgspec.msgpack.encode([[7, "id", OLD]]))
    assert entry == Entry(
        7,
        "id",
        PlaceOrder(
            3, 1, Side.BUY, OrderType.LIMIT, 6_000, 100, TimeInForce.GTC,
            client_order_id="k", request="1~rain|x", as_admin=True,
        ),
    )  # fmt: skip


def test_connections_survive_the_journal() -> None:
    """Both commands about connections are read back unchanged, so a replay ends the same orders."""
    placed = PlaceOrder(
        3, 1, Side.BUY, OrderType.LIMIT, 6_000, 100, TimeInForce.GTC, connection="a-1"
    )
    entries = [Entry(7, "x", placed), Entry(8, "", Disconnect("a", "a-1", 3))]
    assert journal.decode(journal.encode(entries)) == entries
    assert msgspec.msgpack.decode(journal.encode(entries))[1][2] == ["disconnect", "a", "a-1", 3]


def test_the_hash_covers_everything() -> None:
    """The hash covers the previous batch, the number, the place in the stream and the commands."""
    hashed = journal.chain(journal.GENESIS, 1, 1, b"entries")
    others = [
        journal.chain(hashed, 1, 1, b"entries"),
        journal.chain(journal.GENESIS, 2, 1, b"entries"),
        journal.chain(journal.GENESIS, 1, 2, b"entries"),
        journal.chain(journal.GENESIS, 1, 1, b"other"),
    ]
    assert len({hashed, *others}) == 5
