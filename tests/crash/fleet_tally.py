"""Counts of a campaign on a fleet."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class FleetTally:
    """Counts of a campaign. ``takeovers_s`` run from a leader's end to the next one's lead."""

    rounds: Counter[str] = field(default_factory=Counter)
    under_way: str = ""
    acknowledged: int = 0
    unknown: int = 0
    deposed: int = 0
    takeovers_s: list[float] = field(default_factory=list)
    failovers_s: list[float] = field(default_factory=list)
    """Times from a database's end to a core's lead on its standby."""
    traded: int = 0
    """Orders of the traders, in events and in the market."""
    acts: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    """Acts on events, and the acts that a disturbance cut off."""
    payouts: int = 0
    snapshots: int = 0
    """Database snapshots in which money was conserved."""

    def __str__(self) -> str:
        did = _listed(self.rounds)
        line = (
            f"{did}; {self.acknowledged} orders acknowledged, {self.unknown} unknown at first; "
            f"{self.deposed} cores deposed besides; {self.traded} orders of traders; events: "
            f"{_listed(self.acts)}; cut off: {_listed(self.cut)}; {self.payouts} payouts; "
            f"{self.snapshots} snapshots"
        )
        for name, times in (("takeover", self.takeovers_s), ("failover", self.failovers_s)):
            if took := sorted(times):
                line += f"; {name} median {took[len(took) // 2]:.2f} s, longest {took[-1]:.2f} s"
        return line


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(counts.items()))
