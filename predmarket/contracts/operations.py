"""Status and health of the exchange in the API."""

from typing import Literal

import msgspec

from predmarket.contracts.amounts import Time
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import SpanOfTime


class Leader(msgspec.Struct, frozen=True, rename="camel"):
    """The core that leads; ``epoch`` counts the takeovers."""

    epoch: int
    name: str | None


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """GET /v1/status. ``uptime`` is in seconds, ``sequence`` the last command committed,
    which only admins are shown.

    ``durability`` holds the database's settings in force. Its ``durable`` is "yes" if commits
    survive a crash of the machine, otherwise "no"; on PostgreSQL ``standby`` tells what a failover
    would lose. Where the database lacks what was acknowledged, ``journal`` says so. ``healthy``
    equals ``core`` of /healthz.
    ``time`` is the exchange's time, by which orders expire and markets close; null before a core
    has led.
    ``clock`` is how that time runs: wall, stepped (it stands until it is moved), or scaled=60.
    """

    version: str
    uptime: int
    backend: str
    leader: Leader
    durability: dict[str, str]
    sequence: int | None
    healthy: bool
    time: str | None
    clock: str


class MoveClock(Request, frozen=True):
    """POST /v1/clock: ``advance`` is a span such as 3h, ``set`` a time; one of them."""

    advance: SpanOfTime | None = None
    set: Time | None = None

    def problems(self) -> list[Problem]:
        if (self.advance is None) == (self.set is None):
            return [Problem("", "give advance or set")]
        return []


class ClockTime(msgspec.Struct, frozen=True, rename="camel"):
    """The exchange's time and how it runs, as in GET /v1/status."""

    time: str
    clock: str


Part = Literal["ok", "down", "disabled"]


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """GET /healthz, 503 when a part is down."""

    status: Literal["ok", "down"]
    database: Part
    redis: Part
    core: Part
