"""Inserts many rows directly into the database: trades, resting orders, holders of a market.

Each row is a copy of a real row that the exchange wrote, so that a new column is copied too. The
totals that the core checks at its start are updated. No exchange may run on the database meanwhile.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update

from predmarket.server.storage.tables.core import core_state
from predmarket.server.storage.tables.history import trades
from predmarket.server.storage.tables.identity import users
from predmarket.server.storage.tables.trading import accounts, markets, orders, positions
from predmarket.units import PRICE_ONE

_PIECE = 5_000

Row = dict[str, Any]


def _rows(connection: Connection, table: Table, *where: Any) -> list[Row]:  # noqa: ANN401 -- SQL
    found = connection.execute(select(table).where(*where)).mappings()
    return [dict(row) for row in found]


def _one(connection: Connection, table: Table, *where: Any) -> Row:  # noqa: ANN401 -- SQL
    (row,) = _rows(connection, table, *where)
    return row


def _add(connection: Connection, table: Table, rows: Iterator[Row]) -> None:
    piece: list[Row] = []
    for row in rows:
        piece.append(row)
        if len(piece) == _PIECE:
            connection.execute(insert(table), piece)
            piece = []
    if piece:
        connection.execute(insert(table), piece)


def add_trades(connection: Connection, market_id: int, count: int) -> None:
    """Add this many trades to a market, spread over the time since its last trade."""
    core = _one(connection, core_state)
    last = max(_rows(connection, trades, trades.c.market_id == market_id), key=lambda r: r["id"])
    begin, first = last["created_at"], core["last_trade_id"] + 1
    step = max(1, (core["last_time"] - begin) // (count + 1))
    _add(
        connection,
        trades,
        (
            {**last, "id": first + n, "created_at": begin + n * step, "price": 4_000 + n % 2_000}
            for n in range(count)
        ),
    )
    connection.execute(
        update(markets)
        .where(markets.c.id == market_id)
        .values(
            trade_seq=markets.c.trade_seq + count, volume=markets.c.volume + count * last["qty"]
        )
    )
    connection.execute(update(core_state).values(last_trade_id=core["last_trade_id"] + count))


def add_orders(connection: Connection, order_id: int, prices: Sequence[int], count: int) -> None:
    """Add this many copies of a resting order for its owner, at these prices in turn."""
    core = _one(connection, core_state)
    kind = _one(connection, orders, orders.c.id == order_id)
    whose = accounts.c.user_id == kind["user_id"]
    first, rank = core["last_order_id"] + 1, core["last_rank"] + 1
    (seq,) = connection.execute(select(accounts.c.order_seq).where(whose)).scalars()
    buys = kind["side"] == "BUY"
    locked = 0

    def made() -> Iterator[Row]:
        nonlocal locked
        for n in range(count):
            price = prices[n % len(prices)]
            lock = (price if buys else PRICE_ONE - price) * kind["qty"]
            locked += lock
            yield {
                **kind, "id": first + n, "rank": rank + n, "topic_seq": seq + 1 + n,
                "price": price, "locked": lock, "client_order_id": None,
            }  # fmt: skip

    _add(connection, orders, made())
    connection.execute(
        update(accounts)
        .where(whose)
        .values(
            locked=accounts.c.locked + locked,
            available=accounts.c.available - locked,
            order_seq=seq + count,
        )
    )
    connection.execute(
        update(core_state).values(
            last_order_id=core["last_order_id"] + count, last_rank=core["last_rank"] + count
        )
    )


def add_holders(connection: Connection, market_id: int, count: int) -> None:
    """Add this many users who each hold a contract of YES or NO in a market.

    Two users must hold one of each already; their rows are the originals.
    """
    both = _rows(connection, positions, positions.c.market_id == market_id)
    (yes,) = [row for row in both if row["yes"]]
    (no,) = [row for row in both if row["no"]]
    user = _one(connection, users, users.c.id == yes["user_id"])
    account = _one(connection, accounts, accounts.c.user_id == yes["user_id"])
    (last,) = connection.execute(select(func.max(users.c.id))).scalars()
    ids = range(last + 1, last + 1 + 2 * (count // 2))
    _add(
        connection,
        users,
        ({**user, "id": id, "email": f"holder{id}@example.com"} for id in ids),
    )
    bare = {"available": 0, "locked": 0, "deadman_at": None}
    _add(connection, accounts, ({**account, **bare, "user_id": id} for id in ids))
    _add(connection, positions, ({**(yes if id % 2 else no), "user_id": id} for id in ids))
    sets = yes["yes"] * (len(ids) // 2)
    assert yes["yes"] == no["no"], "the two hold as much"
    connection.execute(
        update(markets)
        .where(markets.c.id == market_id)
        .values(
            open_interest=markets.c.open_interest + sets,
            collateral=markets.c.collateral + sets * PRICE_ONE,
        )
    )
    connection.execute(
        update(core_state).values(net_deposits=core_state.c.net_deposits + sets * PRICE_ONE)
    )
