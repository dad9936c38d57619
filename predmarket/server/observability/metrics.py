"""Metrics for Prometheus, in a registry of this application's own.

Counters are incremented where the event happens. Gauges (the queue, the epoch, the pool) are read
when Prometheus asks. A label has few values, all of them ours: a route's template, never a path.

Cost, measured on the 2-core machine of docs/performance.md: an observation 0.6 µs, an increment
0.3 µs, finding the labelled child by tuple 0.1 µs in the dicts here (``labels()`` takes 0.7 µs).
An order pays for one observation and one increment, about 1 µs; a batch for three observations.
"""

import asyncio
import time
from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from predmarket.engine.commands import PlaceOrder
from predmarket.enums import ErrorCode, OrderType, Side
from predmarket.server.core.status import CoreStatus
from predmarket.server.observability.log_queue import dropped_lines
from predmarket.server.storage.database import Database

CONTENT_TYPE = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")  # the framework adds it

_REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COMMIT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_BATCH = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


class Metrics:
    """The metrics of one application; also the core's ``Observer``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._scrape: asyncio.Task[bytes] | None = None
        registry = self.registry
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._requests = Histogram(
            "http_request_duration_seconds",
            "Time from a request's head to the end of its answer.",
            ("method", "route", "status"),
            buckets=_REQUEST_S,
            registry=registry,
        )
        self._placements = Counter(
            "order_placement",
            "Orders sent to the core, by result. Orders that a gateway refuses by itself are not "
            "counted here: see http_request_duration_seconds.",
            ("result", "code", "side", "type"),
            registry=registry,
        )
        self._trades = Counter("trade_execution", "Trades committed.", registry=registry)
        self.connections = Gauge(
            "ws_connections_active", "WebSocket connections open now.", registry=registry
        )
        self._batch_size = Histogram(
            "settlement_batch_size", "Commands in a commit.", buckets=_BATCH, registry=registry
        )
        self._commit_s = Histogram(
            "settlement_commit_seconds",
            "Duration of a commit.",
            buckets=_COMMIT_S,
            registry=registry,
        )
        self._recoveries = Counter(
            "settlement_recoveries", "Repairs after a failed commit or a defect.", registry=registry
        )
        self._dropped = Counter(
            "bus_parcels_dropped",
            "Parcels on Redis that were dropped, because they were repeated or not signed with "
            "this exchange's secret.",
            ("kind",),
            registry=registry,
        )
        self._request_of: dict[tuple[str, str, int], Histogram] = {}
        self._placement_of: dict[tuple[str, Side, OrderType], Counter] = {}

    def watch(self, core: Callable[[], CoreStatus], db: Database) -> None:
        """Read these two at each scrape."""
        self.registry.register(_Standing(core, db))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is a template, empty when none matched."""
        if method not in _METHODS:
            method = "OTHER"  # a client may send any method
        key = (method, route, status)
        child = self._request_of.get(key)
        if child is None:
            child = self._request_of[key] = self._requests.labels(method, route, str(status))
        child.observe(seconds)

    def placement(self, command: PlaceOrder, code: ErrorCode | None) -> None:
        """Count one order, accepted or refused with a code."""
        key = ("" if code is None else code.value, command.side, command.type)
        child = self._placement_of.get(key)
        if child is None:
            result = "accepted" if code is None else "refused"
            child = self._placements.labels(result, key[0], key[1].value, key[2].value)
            self._placement_of[key] = child
        child.inc()

    def batch_committed(self, commands: int, trades: int) -> None:
        """Count a committed batch (Observer)."""
        self._batch_size.observe(commands)
        if trades:
            self._trades.inc(trades)

    def commit_took(self, seconds: float) -> None:
        """Count a commit's time (Observer)."""
        self._commit_s.observe(seconds)

    def recovered(self) -> None:
        """Count a repair (Observer)."""
        self._recoveries.inc()

    def parcel_dropped(self, kind: str) -> None:
        """Count a dropped parcel."""
        self._dropped.labels(kind).inc()

    async def scrape(self) -> bytes:
        """Return all metrics in Prometheus's text format; simultaneous callers share one answer.

        It takes some 15 ms, so a thread does it.
        """
        if self._scrape is None or self._scrape.done():
            self._scrape = asyncio.create_task(asyncio.to_thread(generate_latest, self.registry))
        return await asyncio.shield(self._scrape)


class _Standing(Collector):
    """Figures that are read at each scrape."""

    def __init__(self, core: Callable[[], CoreStatus], db: Database) -> None:
        self._core = core
        self._db = db
        self._started = time.time()

    def describe(self) -> list[Metric]:
        """Return nothing, so that registering reads nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        core = self._core()
        in_use, size = self._db.pool_use()
        for name, meaning, value in (
            ("settlement_queue_length", "Commands waiting to be decided.", core.waiting),
            ("settlement_epoch", "The lead's number, raised at each takeover.", core.epoch),
            ("settlement_sequence", "The last command committed.", core.sequence),
            ("settlement_healthy", "1 while the core leads and commits.", int(core.healthy)),
            ("settlement_durable", "1 when the database keeps what it commits.", int(core.durable)),
            ("database_pool_in_use", "Connections to the database in use.", in_use),
            ("database_pool_size", "Connections to the database kept open at the most.", size),
        ):
            yield GaugeMetricFamily(name, meaning, value)
        dropped = "Log lines dropped, because nobody read stderr fast enough."
        yield CounterMetricFamily("log_lines_dropped", dropped, dropped_lines())
        leader = GaugeMetricFamily("settlement_leader", "Which core leads.", labels=("holder",))
        leader.add_metric((core.leader,), 1)
        yield leader


PATH = "/metrics"
