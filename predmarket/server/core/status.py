"""The core's status."""

from dataclasses import dataclass

from predmarket.units import Micros


@dataclass(frozen=True, slots=True)
class CoreStatus:
    """The core's status.

    ``healthy`` is false while the core repairs itself or stops, while a commit hangs, while it
    cannot confirm its lead, and while the journal is ahead of the database's time by ``ahead``.
    ``waiting`` counts the undecided commands.
    """

    leader: str
    epoch: int
    batch: int
    sequence: int
    healthy: bool
    durable: bool
    durability: dict[str, str]
    waiting: int = 0
    ahead: Micros = 0
