"""What the core says of itself."""

from dataclasses import dataclass

from predmarket.units import Micros


@dataclass(frozen=True, slots=True)
class CoreStatus:
    """What the core says of itself.

    ``healthy`` is false while it recovers or stops, when a commit hangs, when it cannot tell any
    more that it leads, and while the journal is ahead of the database's time; ``ahead`` is by how
    much. ``waiting`` counts the commands that are not decided yet.
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
