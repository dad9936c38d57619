"""The upgrade of an old version's database loses nothing, and trading continues."""

import gzip
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import MetaData, select, text

from predmarket.enums import LIVE_STATUSES, Side
from predmarket.server.gateway.auth import passwords
from predmarket.server.process import runtime
from predmarket.server.read_model.quotes import WIDTHS
from predmarket.server.settings import Settings
from predmarket.server.storage.database import sync_engine
from predmarket.server.storage.migrations import current, head, upgrade
from predmarket.testing.serving import serving
from predmarket.units import PRICE_ONE
from tests.conformance.pair import same
from tests.crash.campaign import audit_holds
from tests.server.storage.old_database import SECRET
from tests.support.clock import Shown
from tests.support.http_exchange import PASSWORD
from tests.support.postgres import libpq

OLD = Path(__file__).with_name("version_0_1_0")
HOUR = 3_600_000_000

Json = dict[str, Any]
Rows = dict[str, list[tuple[Any, ...]]]


def stored(name: str) -> str:
    """Return the content of a file of the old version's database."""
    return gzip.decompress((OLD / name).read_bytes()).decode()


@pytest.fixture(params=["sqlite", "postgres"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Json]:
    """Return the URL of the database that the old version left, and what its API showed."""
    url = request.getfixturevalue(f"{request.param}_url")
    dump = stored(f"{request.param}.sql.gz")
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "predmarket.db")
        connection.executescript(dump)
        connection.close()
    else:
        with psycopg.connect(libpq(url), autocommit=True) as server:
            server.execute(dump.encode())
    return url, json.loads(stored("shown.json.gz"))[request.param]


def rows_of(url: str, columns: dict[str, list[str]] | None = None) -> tuple[Rows, Any]:
    """Return all rows of all tables, or of these, with the columns."""
    engine, found = sync_engine(url), MetaData()
    with engine.connect() as connection:
        found.reflect(connection)
        tables = [table for table in found.sorted_tables if table.name != "alembic_version"]
        columns = columns or {table.name: table.c.keys() for table in tables}
        rows: Rows = {}
        for name, names in columns.items():
            table = found.tables[name]
            read = connection.execute(select(*(table.c[one] for one in names)))
            rows[name] = sorted((tuple(row) for row in read), key=repr)
    engine.dispose()
    return rows, columns


@asynccontextmanager
async def serve(url: str, folder: Path, now: int) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the database at a fixed time."""
    limits = ("auth_rate_limit", "auth_window_limit", "order_rate_limit", "read_rate_limit")
    given = {"port": 0, "data_dir": str(folder), "database_url": url, "jwt_secret": SECRET}
    settings = Settings.load({**given, **dict.fromkeys(limits, "off")})
    async with (
        runtime.node(settings, 0, Shown(lambda: now)) as node,
        serving(node) as (address, _),
        httpx.AsyncClient(base_url=address, timeout=60, verify=False) as client,
    ):
        async with node.db.write() as connection:  # as if the upgrade had followed at once
            for table in ("sessions", "refresh_tokens"):
                late = f"UPDATE {table} SET expires_at = 8000000000000000"
                await connection.execute(text(late))
        yield client


async def every(client: httpx.AsyncClient, path: str, token: str) -> object:
    """Return an answer, or all items of a list."""
    headers = {"authorization": f"Bearer {token}"}
    found = (await client.get(path, headers=headers)).raise_for_status().json()
    cursor, items = found.get("nextCursor"), found.get("items")
    while items is not None and cursor:
        page = (await client.get(path, params={"cursor": cursor}, headers=headers)).json()
        items, cursor = items + page["items"], page["nextCursor"]
    return found if items is None else items


def bearer(token: str) -> Json:
    """Return the argument that authenticates a request."""
    return {"headers": {"authorization": f"Bearer {token}"}}


async def test_the_version_before(
    old: tuple[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upgrade changes no row and no answer.

    Keys, sessions and orders continue, and the audit passes.
    """
    url, shown = old
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    assert current(url) == "0014"
    before, columns = rows_of(url)
    assert all(before[name] for name in ("trades", "orders", "positions", "ledger", "sessions"))
    upgrade(url)
    assert current(url) == head()
    assert rows_of(url, columns)[0] == before
    quotes_begin(url)
    audit_holds(url)
    async with serve(url, tmp_path, shown["now"]) as client:
        tokens = [token async for token in logged_in(client, len(shown["users"]))]
        for user, token in zip(shown["users"], tokens, strict=True):
            for path, answer in shown["paths"][str(user)].items():
                same(path, answer, await every(client, path, token))
        session = {"refreshToken": shown["refreshToken"]}
        assert (await client.post("/v1/auth/refresh", json=session)).status_code == 200
        await trade_on(client, shown["key"], tokens)
    audit_holds(url)


def quotes_begin(url: str) -> None:
    """Require that the recorded quotes begin with how each market stands."""
    engine = sync_engine(url)
    with engine.connect() as connection:
        now = connection.execute(text("SELECT last_time FROM core_state")).scalar_one()
        totals = "id, open_interest, last_price, volume"
        standing = {
            id: (interest, price, volume)
            for id, interest, price, volume in connection.execute(
                text(f"SELECT {totals} FROM markets")
            )
        }
        bids, asks = dict.fromkeys(standing, 0), dict.fromkeys(standing, PRICE_ONE)
        for id, side, price, status in connection.execute(
            text("SELECT market_id, side, price, status FROM orders")
        ):
            if status in LIVE_STATUSES and side == Side.BUY:
                bids[id] = max(bids[id], price)
            elif status in LIVE_STATUSES:
                asks[id] = min(asks[id], price)
        found = {tuple(row) for row in connection.execute(text("SELECT * FROM quotes"))}
    engine.dispose()
    assert any(bids.values())
    assert found == {
        (id, width, now // width * width, *[bids[id]] * 3, *[asks[id]] * 3, *standing[id])
        for id in standing
        for width in WIDTHS
    }


async def logged_in(client: httpx.AsyncClient, users: int) -> AsyncIterator[str]:
    """Log each user in; yield the access tokens."""
    for number in range(1, users + 1):
        body = {"email": f"user{number}@example.com", "password": PASSWORD}
        answer = (await client.post("/v1/auth/login", json=body)).raise_for_status().json()
        client.cookies.clear()
        yield answer["accessToken"]


async def trade_on(client: httpx.AsyncClient, key: str, tokens: list[str]) -> None:
    """Fill open orders, repeat placed ones, make an event and trade it."""
    again = {"marketId": "late", "side": "BUY", "type": "LIMIT", "price": "0.40", "qty": "5"}
    repeated = await client.post(
        "/v1/orders", json={**again, "clientOrderId": "late-0"}, **bearer(key)
    )
    assert (repeated.status_code, repeated.json()["status"]) == (200, "FILLED")
    sold = await client.post(
        "/v1/orders",
        json={"marketId": "late", "side": "SELL", "type": "LIMIT", "price": "0.30", "qty": "5"},
        **bearer(tokens[2]),
    )
    assert sold.json()["status"] == "FILLED", sold.text
    markets = [{"slug": f"new-{letter}", "question": "?"} for letter in "abc"]
    body = {"slug": "new", "title": "What is new?", "markets": markets}
    made = await client.post("/v1/events", json=body, **bearer(tokens[0]))
    assert made.status_code == 201, made.text
    for market, price in (("new-a", "0.40"), ("new-b", "0.30")):
        for token, side in ((tokens[2], "SELL"), (key, "BUY")):
            order = {"marketId": market, "side": side, "type": "LIMIT", "price": price, "qty": "5"}
            answer = await client.post("/v1/orders", json=order, **bearer(token))
            assert answer.status_code == 201, answer.text
    (held,) = (await client.get("/v1/user/events", **bearer(tokens[2]))).json()["items"]
    assert (held["returned"], held["none"]) == ("5.000000", "5.000000")
    for path in ("/v1/markets/late/resolve", "/v1/events/new/resolve"):
        ended = {"outcome": "VOID"}
        answer = await client.post(path, json=ended, **bearer(tokens[0]))
        assert answer.status_code == 200, answer.text
