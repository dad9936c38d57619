"""Random commands in which resolutions of markets and of events are proposed, too.

They are proposed for times near now, confirmed by few admins, changed, withdrawn, and made
impossible in every way; most come true, so that what happens by itself happens often.
"""

from __future__ import annotations

from .exchange import ReferenceExchange
from .generate import Draft
from .generate_events import EventGenerator

ADMINS = (101, 102)


class ProposalGenerator(EventGenerator):
    """Chooses one command after the other, proposals among them."""

    admins = ADMINS

    def __init__(self, seed: int, exchange: ReferenceExchange, *, connections: bool) -> None:
        super().__init__(seed, exchange, connections=connections)
        self.kinds += [(self._propose, 24), (self._confirm, 9), (self._withdraw, 6)]

    def _admin(self) -> int:
        return self.random.choice(self.admins)

    def _propose(self) -> Draft:
        make = self.random.choice((self._strike, self._strike, self._resolve, self._resolve_event))
        resolution = make()
        # A VOID may come with a withdrawal before it; it is proposed by itself.
        self.planned = []
        if resolution["op"] not in ("resolve", "resolve_event"):
            return resolution
        return self.stamp(
            {
                "op": "propose",
                "resolution": resolution,
                "actor": self._admin(),
                "at": None if self.chance(0.1) else self.soon(),
                "by_two": self.chance(0.2),
            }
        )

    def _confirm(self) -> Draft:
        return self._about("confirm")

    def _withdraw(self) -> Draft:
        return self._about("withdraw")

    def _about(self, op: str) -> Draft:
        """Return a command about something proposed, or sometimes about something else."""
        subjects = [*self.exchange.ledger.proposals]
        if subjects and self.chance(0.8):
            kind, id_ = self.random.choice(subjects)
        elif self.chance(0.5):
            kind, id_ = "market", self.any_market()
        else:
            kind, id_ = "event", self._any_event()[0]
        market, event = (id_, None) if kind == "market" else (None, id_)
        return self.stamp({"op": op, "market": market, "event": event, "actor": self._admin()})
