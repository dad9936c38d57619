"""The database of version 0.1.0 in ``version_0_1_0/``, and how it was made: by that version's code.

Random commands over HTTP, then orders that rest, a key and a session: orders of all kinds, trades,
positions, resolved and voided markets, transfers, statements, candles, the admin log. ``shown`` is
what the API showed of them. This module made it, in the tree of the commit before migration 0015:

    git worktree add --detach /tmp/old $(git log --format=%h --diff-filter=A -1 -- '*0015_*')^
    cp tests/server/storage/old_database.py /tmp/old/tests/server/storage/
    into=$PWD/tests/server/storage/version_0_1_0 python=$PWD/.venv/bin/python
    cd /tmp/old && $python -m tests.server.storage.old_database $into
"""

import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from predmarket.server.storage.migrations import upgrade
from tests.conformance import pair as pairs
from tests.conformance import world as worlds
from tests.conformance.pair import Pair
from tests.conformance.world import ADMIN, World
from tests.reference.generate import random_commands
from tests.support.http_exchange import PASSWORD
from tests.support.postgres import PostgresServer, fresh_database, libpq

SEED, COMMANDS = 11, 120
SECRET = "the secret of a database that was made for a test"
START = 1_735_732_800_000_000
"""A time in µs so early that no test's clock precedes it."""
_INTERVALS = ("1m", "1h")

Json = dict[str, Any]


def fill(url: str, folder: Path) -> Json:
    """Fill a database; return what its API shows at the end."""
    os.environ["PREDMARKET_JWT_SECRET"] = SECRET
    worlds.START = vars(pairs)["START"] = START
    world = World(url, folder)
    try:
        pair = Pair(world)
        for command in random_commands(SEED, pair.reference, COMMANDS):
            pair.do(command)
        users = list(world.tokens)
        market = {"slug": "late", "question": "Is it late?", "takerFeeRate": "0.07"}
        assert world.call(ADMIN, "POST", "/v1/markets", market)[0] == 201
        for n, (user, side, price) in enumerate(
            ((users[1], "BUY", "0.40"), (users[2], "SELL", "0.40"), (users[1], "BUY", "0.30"))
        ):
            deposit = {"userId": user, "amount": "100", "reason": "prize"}
            world.call(ADMIN, "POST", "/v1/user/transfer", deposit, {"idempotency-key": f"k{n}"})
            order = {"marketId": "late", "side": side, "type": "LIMIT", "price": price, "qty": "5",
                     "clientOrderId": f"late-{n}"}  # fmt: skip
            assert world.call(user, "POST", "/v1/orders", order)[0] == 201
        pair.world.now += 1_000_000
        key = world.call(
            users[1], "POST", "/v1/auth/api-keys", {"name": "bot", "scopes": ["read", "trade"]}
        )
        assert key[0] == 201, key
        email = "user2@example.com"
        session = world.call(
            users[1], "POST", "/v1/auth/login", {"email": email, "password": PASSWORD}
        )
        return {
            "now": world.now,
            "users": users,
            "key": key[1]["key"],
            "refreshToken": session[1]["refreshToken"],
            "paths": {
                str(user): {path: _all(world, user, path) for path in _paths(user, world)}
                for user in users
            },
        }
    finally:
        world.close()


def _paths(user: int, world: World) -> Iterator[str]:
    of_user = ("balance", "positions", "portfolio", "fills", "ledger")
    yield from (f"/v1/user/{name}" for name in of_user)
    yield "/v1/orders"
    if user != ADMIN:
        return
    yield "/v1/admin/log"
    for market in range(1, world.get(ADMIN, "/v1/markets")["total"] + 1):
        yield from (f"/v1/{name}/{market}" for name in ("markets", "orderbook", "trades"))
        since = "from=2025-01-01T11:00:00Z&to=2025-01-01T14:00:00Z"
        yield from (f"/v1/candles/{market}?interval={one}&{since}" for one in _INTERVALS)


def _all(world: World, user: int, path: str) -> object:
    """Return an answer, or all items of a list."""
    answer = world.get(user, path)
    items = answer.get("items")
    while items is not None and answer.get("nextCursor"):
        answer = world.get(user, f"{path}?cursor={answer['nextCursor']}")
        items += answer["items"]
    return answer if items is None else items


def of_sqlite(folder: Path) -> tuple[str, Json]:
    """Return the dump of an SQLite database."""
    path = folder / "predmarket.db"
    upgrade(f"sqlite:///{path}")
    shown = fill(f"sqlite:///{path}", folder)
    connection = sqlite3.connect(path)
    dump = "\n".join(connection.iterdump())
    connection.close()
    return dump + "\n", shown


def of_postgres(folder: Path) -> tuple[str, Json]:
    """Return the dump of a PostgreSQL database, without settings of the session."""
    with PostgresServer() as server, fresh_database(server.url()) as url:
        upgrade(url)
        shown = fill(url, folder)
        dump = subprocess.run(
            [server.bin / "pg_dump", "--inserts", "--rows-per-insert=1000", "--no-owner",
             "--no-privileges", "-d", libpq(url)],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    kept = [
        one for one in dump.splitlines() if not re.match(r"\\|SET |--|SELECT pg_catalog.set_c", one)
    ]
    return re.sub(r"\n{2,}", "\n", "\n".join(kept)) + "\n", shown


def _write(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def main() -> None:
    """Write both dumps, and what the API showed."""
    into = Path(sys.argv[1])
    found = []
    for name, make in (("sqlite", of_sqlite), ("postgres", of_postgres)):
        with tempfile.TemporaryDirectory() as folder:
            dump, shown = make(Path(folder))
        _write(into / f"{name}.sql.gz", dump)
        found.append(shown)
    assert found[0]["paths"] == found[1]["paths"]
    shown = dict(zip(("sqlite", "postgres"), found, strict=True))
    _write(into / "shown.json.gz", json.dumps(shown))


if __name__ == "__main__":
    main()
