"""A proposed resolution of a market or of an event."""

from dataclasses import dataclass, field
from typing import Protocol

from predmarket.client import response_types
from predmarket.tui.state import formatting, parse
from predmarket.units import Micros


@dataclass(frozen=True, slots=True)
class Proposal:
    """How it is to end: YES, 0.25, an event's winner; why, and by which user.

    ``effective_at`` is when it happens by itself. Where another admin has to confirm, it is None,
    or passes. ``wire`` is the same as the exchange has it.
    """

    outcome: str
    note: str
    source: str
    actor: int
    effective_at: Micros | None
    wire: response_types.Proposal | response_types.EventProposal = field(compare=False)

    def when(self, now: Micros) -> str:
        """Return when it happens, in words."""
        if self.effective_at is None or self.effective_at <= now:
            return "when an admin confirms"
        return f"in {formatting.span(self.effective_at - now)}"

    @property
    def words(self) -> str:
        """Return what is proposed, by whom and why, on one line."""
        why = [part for part in (" ".join(self.note.split()), self.source) if part]
        said = f"{self.outcome} proposed by user {self.actor}"
        return ": ".join([said, " ".join(why)]) if why else said


class Proposed(Protocol):
    """A market or an event."""

    @property
    def final(self) -> bool:
        """Tell whether it has ended."""

    @property
    def proposal(self) -> Proposal | None:
        """Return what is proposed for it."""


def news(before: Proposed | None, after: Proposed | None) -> str:
    """Return what became of a proposal between two states; "" if nothing did."""
    had = None if before is None else before.proposal
    if after is None or after.final or after.proposal == had:
        return ""
    return "the proposal is withdrawn" if after.proposal is None else after.proposal.words


def of_wire(
    proposal: response_types.Proposal | response_types.EventProposal | None,
) -> Proposal | None:
    """Return a proposal as the wire has it; None stays None."""
    if proposal is None:
        return None
    price = proposal.get("settlementPrice")
    return Proposal(
        outcome=price if isinstance(price, str) else proposal["outcome"],
        note=proposal["note"] or "",
        source=proposal["source"] or "",
        actor=proposal["actorId"],
        effective_at=parse.time(proposal["effectiveAt"]),
        wire=proposal,
    )
