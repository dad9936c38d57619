"""The http row of an exchange that holds much, beside one that holds nothing.

GROWTH_ORDERS (100000,1000000), GROWTH_MARKETS (100,1000) and GROWTH_USERS (10000) are the sizes.
"""

import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import httpx

from benchmarks import load
from benchmarks.crowd import gather
from benchmarks.daemon import MARKET, Daemon, daemon
from benchmarks.rows.http import CONNECTIONS, SECONDS, closed_loop
from benchmarks.table import Line
from benchmarks.yardsticks import durability
from predmarket.server.process.seed import ADMIN
from tests.support.postgres import PostgresServer

TURNS = 5


def _sizes(name: str, usual: str) -> list[int]:
    return [int(size) for size in os.environ.get(name, usual).split(",") if size]


ORDERS = _sizes("GROWTH_ORDERS", "100000,1000000")
MARKETS = _sizes("GROWTH_MARKETS", "100,1000")
USERS = _sizes("GROWTH_USERS", "10000")


def measure() -> Iterator[Line]:
    """Yield the rate and p99 at each size on both databases; all sizes take turns."""
    with PostgresServer() as server:
        yield from _lines("PostgreSQL", server, durability(server.url()))
    yield from _lines("SQLite", None, "synchronous=full")


def _lines(kind: str, server: PostgresServer | None, durable: str) -> Iterator[Line]:
    with ExitStack() as stack:
        exchanges = {"nothing": stack.enter_context(daemon(server))}
        for count in ORDERS:
            prepared = daemon(server, _filled(0, count))
            exchanges[f"{count:,} resting orders"] = stack.enter_context(prepared)
        for count in USERS:
            prepared = daemon(server, _filled(count, 0))
            exchanges[f"{count:,} users"] = stack.enter_context(prepared)
        for count in MARKETS:
            one = stack.enter_context(daemon(server))
            exchanges[f"orders in {count:,} markets"] = _with_markets(one, count)
        results: dict[str, list[load.Result]] = {name: [] for name in exchanges}
        for _ in range(TURNS):
            for name, exchange in exchanges.items():
                results[name].append(closed_loop(exchange))
    rate, p99 = _medians(results["nothing"])
    for name, runs in results.items():
        own_rate, own_p99 = _medians(runs)
        conditions = (
            f"{durable}, closed loop, {CONNECTIONS} connections, {TURNS} turns of {SECONDS:.0f} s, "
            f"{sum(run.errors for run in runs)} errors, p99 {own_p99:.0f} ms beside {p99:.0f} ms"
        )
        if name != "nothing":
            yield Line(
                "growth", f"{kind}, {name}", own_rate, "/s", "itself without", rate, "≥ 0.9 ×",
                conditions,
            )  # fmt: skip


def _filled(accounts: int, orders: int) -> Callable[[str], None]:
    return lambda url: gather(url, accounts, orders)


def _medians(runs: list[load.Result]) -> tuple[float, float]:
    rate = statistics.median(run.rate for run in runs)
    return rate, statistics.median(run.percentile_ms(99) for run in runs)


def _with_markets(exchange: Daemon, count: int) -> Daemon:
    """Create markets until there are so many; return the exchange with orders for all of them."""
    slugs = [MARKET]
    with httpx.Client(base_url=exchange.process.url, timeout=30) as client:
        body = {"email": ADMIN.email, "password": ADMIN.password}
        signed_in = client.post("/v1/auth/login", json=body).raise_for_status().json()
        client.cookies.clear()
        client.headers["authorization"] = f"Bearer {signed_in['accessToken']}"
        for number in range(2, count + 1):
            market = {"slug": f"market-{number}", "question": "Will it grow?"}
            client.post("/v1/markets", json=market).raise_for_status()
            slugs.append(market["slug"])
    return replace(exchange, markets=slugs)
