"""Every read of an exchange with a long history, and its start, beside one without.

LISTS_TRADES (10000000), LISTS_ORDERS (1000000, resting), LISTS_USERS (10000), LISTS_MARKETS (1000)
and LISTS_EVENTS (1000, of two outcomes) are the sizes.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil

from benchmarks.crowd import gather
from benchmarks.daemon import MARKET
from benchmarks.history import DAYS, remember
from benchmarks.table import Line
from predmarket.server.process import start
from predmarket.server.process.seed import ADMIN, USER, SeedUser
from predmarket.server.storage import migrations
from tests.support.exchange import QUICK, ExchangeProcess
from tests.support.postgres import PostgresServer, fresh_database

TRADES = int(os.environ.get("LISTS_TRADES", "10000000"))
ORDERS = int(os.environ.get("LISTS_ORDERS", "1000000"))
USERS = int(os.environ.get("LISTS_USERS", "10000"))
MARKETS = int(os.environ.get("LISTS_MARKETS", "1000"))
EVENTS = int(os.environ.get("LISTS_EVENTS", "1000"))
CALLS = 15
SHOWN = 5
"""So many of the reads that grew most are shown."""
_START_S = 600.0
_EVENT = "event-1"
_USER_ID = 2
_NOW = datetime.now(UTC)
_LAST_WEEK = f"since={_NOW - timedelta(7):%Y-%m-%dT%H:%M:%SZ}"
_LONG_AGO = f"until={_NOW - timedelta(DAYS - 2):%Y-%m-%dT%H:%M:%SZ}"
_DAY = f"from={_NOW - timedelta(1):%Y-%m-%dT%H:%M:%SZ}"
_OWN = ("", "?limit=100", f"?{_LAST_WEEK}", f"?{_LONG_AGO}")
_ORDERS = (
    *_OWN, "?status=OPEN", "?status=FILLED", "?status=CANCELED", f"?market={MARKET}",
    "?market=single-7&status=FILLED", "?clientOrderId=h100",
)  # fmt: skip
_LEDGER = (*_OWN, "?kind=TRANSFER", f"?market={MARKET}", "?market=single-7")
PUBLIC = (
    "/v1/status", "/v1/markets", "/v1/markets?limit=100&status=OPEN", "/v1/markets?q=grow",
    f"/v1/markets/{MARKET}", "/v1/events", "/v1/events?limit=100", "/v1/events?q=grow",
    f"/v1/events/{_EVENT}", f"/v1/orderbook/{MARKET}", f"/v1/orderbook/{MARKET}?depth=100",
    *(f"/v1/trades/{MARKET}{end}" for end in _OWN), "/v1/trades/single-7",
    f"/v1/candles/{MARKET}?interval=1m&{_DAY}", f"/v1/candles/{MARKET}?interval=1d",
    f"/v1/candles/{MARKET}?interval=1h", "/v1/leaderboard", "/v1/calibration", "/v1/seasons",
    "/trade-api/v2/markets", "/trade-api/v2/events", "/trade-api/v2/markets/trades",
    f"/trade-api/v2/markets/trades?ticker={MARKET}", "/trade-api/v2/series",
)  # fmt: skip
OWN = (
    *(f"/v1/orders{end}" for end in _ORDERS), "/v1/orders/{order}", "/v1/order-groups",
    *(f"/v1/user/fills{end}" for end in _OWN), *(f"/v1/user/ledger{end}" for end in _LEDGER),
    "/v1/user/balance", "/v1/user/portfolio", "/v1/user/positions", "/v1/user/events",
    "/v1/auth/sessions", "/trade-api/v2/portfolio/orders", "/trade-api/v2/portfolio/fills",
    "/trade-api/v2/portfolio/positions", "/trade-api/v2/portfolio/balance",
    "/trade-api/v2/portfolio/settlements",
)  # fmt: skip
ADMINS = (
    "/v1/admin/overview", "/v1/admin/log", "/v1/users", "/v1/users?limit=100", "/v1/users?q=crowd7",
    "/v1/users/2/balance", "/v1/users/2/positions", "/v1/users/2/orders", "/v1/users/2/fills",
    "/v1/users/2/ledger", "/v1/invites", "/v1/groups", "/metrics",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """One exchange: its start, its memory, and the median of each read in milliseconds."""

    start_s: float
    memory_mib: float
    reads_ms: dict[str, float]


def measure() -> Iterator[Line]:
    """Yield start, memory and the reads that grew most, on both databases."""
    with PostgresServer() as server:
        yield from _lines("PostgreSQL", server.url())
    yield from _lines("SQLite", None)


def _lines(kind: str, server_url: str | None) -> Iterator[Line]:
    with prepared(server_url, full=False) as small, prepared(server_url, full=True) as large:
        few, many = measured(small), measured(large)
    size = f"{TRADES:,} trades, {ORDERS:,} resting orders, {MARKETS:,} markets, {EVENTS:,} events"
    yield Line(
        "lists", f"{kind}, start", many.start_s * 1e3, "ms", "itself without", few.start_s * 1e3,
        conditions=size,
    )  # fmt: skip
    yield Line(
        "lists", f"{kind}, memory", many.memory_mib, "MiB", "itself without", few.memory_mib,
        conditions=size,
    )  # fmt: skip
    grown = sorted(
        many.reads_ms, key=lambda path: many.reads_ms[path] - few.reads_ms[path], reverse=True
    )
    ratios = [many.reads_ms[path] / few.reads_ms[path] for path in grown]
    yield Line(
        "lists", f"{kind}, {len(grown)} reads, median ratio", statistics.median(ratios), "×",
        conditions=f"p50 of {CALLS} calls each, the others idle",
    )  # fmt: skip
    for path in grown[:SHOWN]:
        yield Line(
            "lists", f"{kind}, {path}", many.reads_ms[path], "ms", "itself without",
            few.reads_ms[path],
        )  # fmt: skip


@contextmanager
def prepared(server_url: str | None, *, full: bool) -> Iterator[ExchangeProcess]:
    """Yield an exchange that is not running, on a PostgreSQL server, or on SQLite without one.

    It has the sizes above if ``full``, else a few markets and one event.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'predmarket.db'}"
        if server_url is not None:
            url = stack.enter_context(fresh_database(server_url))
        migrations.upgrade(url)
        start.seed({"database_url": url, "data_dir": str(folder)}, force=False)
        process = ExchangeProcess(
            folder, url, settings={"LOG_LEVEL": "error"}, program=QUICK, start_s=_START_S
        )
        process.start()
        _create(process.url, *((MARKETS, EVENTS) if full else (7, 1)))
        process.stop()
        if full:
            gather(url, USERS, ORDERS)
            remember(url, _USER_ID, TRADES)
        yield process


def _create(url: str, markets: int, events: int) -> None:
    with _signed_in(url, ADMIN) as admin:
        for number in range(1, markets + 1):
            market = {"slug": f"single-{number}", "question": "Will it grow?"}
            admin.post("/v1/markets", json=market).raise_for_status()
        for number in range(1, events + 1):
            slug = f"event-{number}"
            outcomes = [
                {"slug": f"{slug}-{label}", "label": label, "question": "Does it grow?"}
                for label in "ab"
            ]
            event = {"slug": slug, "title": "What grows?", "markets": outcomes}
            admin.post("/v1/events", json=event).raise_for_status()


def measured(exchange: ExchangeProcess) -> Measured:
    """Start an exchange, send each read, and stop it."""
    began = time.perf_counter()
    exchange.start()
    try:
        started = time.perf_counter() - began
        memory = psutil.Process(exchange.pid).memory_info().rss / 2**20
        reads: dict[str, float] = {}
        with _signed_in(exchange.url, USER) as user, _signed_in(exchange.url, ADMIN) as admin:
            newest = user.get("/v1/orders?limit=1").json()["items"]
            order = str(newest[0]["id"]) if newest else "1"
            for client, paths in ((user, PUBLIC + OWN), (admin, ADMINS)):
                for path in paths:
                    reads[path] = _median_ms(client, path.replace("{order}", order))
        return Measured(started, memory, reads)
    finally:
        exchange.stop()


@contextmanager
def _signed_in(url: str, who: SeedUser) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        body = {"email": who.email, "password": who.password}
        answer = client.post("/v1/auth/login", json=body).raise_for_status().json()
        client.cookies.clear()
        client.headers["authorization"] = f"Bearer {answer['accessToken']}"
        yield client


def _median_ms(client: httpx.Client, path: str) -> float:
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = client.get(path)
        took.append((time.perf_counter() - began) * 1e3)
        assert answer.status_code in (200, 404), f"{path}: {answer.text}"  # 404: no order yet
    return statistics.median(took)
