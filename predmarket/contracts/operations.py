"""Status and health of the exchange in the API."""

from typing import Literal

import msgspec


class Leader(msgspec.Struct, frozen=True, rename="camel"):
    """The core that leads; ``epoch`` counts the takeovers."""

    epoch: int
    name: str | None


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """GET /v1/status. ``uptime`` is in seconds, ``sequence`` the last command committed.

    ``durability`` holds the database's settings in force. Its ``durable`` is "yes" if commits
    survive a crash of the machine, otherwise "no". ``healthy`` equals ``core`` of /healthz.
    ``time`` is the exchange's time, by which orders expire and markets close; null before a core
    has led.
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
