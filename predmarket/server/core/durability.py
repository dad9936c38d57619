"""Whether a commit survives a power cut of the database's machine, and a failover."""

from dataclasses import dataclass, field

LOSES_COMMITS = "the database may lose commits when the machine stops"
LOSES_AT_FAILOVER = "a failover to the database's standby may lose acknowledged orders"
STANDBY_MISSING = "no standby follows the database: there is none to fail over to"

STANDBY = "standby"
"""The setting's name for the database's standby: ``synchronous`` (a failover loses nothing),
``asynchronous`` (it loses the last commits), ``missing`` (there is none to fail over to) or
``none`` (none is configured)."""
JOURNAL = "journal"
"""Names what is wrong with a journal that lacks what was committed (known_batch.py)."""
_RISKS = {"asynchronous": LOSES_AT_FAILOVER, "missing": STANDBY_MISSING}


@dataclass(frozen=True, slots=True)
class Durability:
    """``durable``: a commit survives a power cut. ``settings`` are the database's, in force."""

    durable: bool = False
    settings: dict[str, str] = field(default_factory=dict)

    def lacking(self, behind: str) -> "Durability":
        """Return this, or, if the journal is behind what was committed, that it is."""
        return Durability(False, {**self.settings, JOURNAL: behind}) if behind else self

    @property
    def risks(self) -> list[str]:
        """Return what may be lost, in words."""
        failover = _RISKS.get(self.settings.get(STANDBY, ""))
        return [LOSES_COMMITS] * (not self.durable) + ([failover] if failover else [])
