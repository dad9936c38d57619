"""What the exchange says about itself."""

from typing import Literal

import msgspec


class Leader(msgspec.Struct, frozen=True, rename="camel"):
    """Who settles: the epoch counts takeovers."""

    epoch: int
    name: str | None


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """GET /v1/status. ``uptime`` is in seconds, ``sequence`` the last command committed.

    ``durability``: the database's settings in force, and by them ``durable`` "yes" or "no", whether
    what is committed outlives a crash of the machine. ``healthy``: as ``core`` of /healthz.
    ``time``: the exchange's, by which orders expire and markets close; null before any core led.
    """

    version: str
    uptime: int
    backend: str
    leader: Leader
    durability: dict[str, str]
    sequence: int
    healthy: bool
    time: str | None


Part = Literal["ok", "down", "disabled"]


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """GET /healthz, 503 when a part is down."""

    status: Literal["ok", "down"]
    database: Part
    redis: Part
    core: Part
