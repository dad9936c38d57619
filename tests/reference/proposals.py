"""Resolutions that are proposed: made by a confirm, or at their time; changed; withdrawn.

Invariant: what is proposed could be resolved so now. The ledger keeps it by what it is about:
("market", id) or ("event", id).
"""

from __future__ import annotations

from . import events, lifecycle
from .ledger import Ledger
from .records import Command, Notice, Proposal

Subject = tuple[str, int]


def propose(ledger: Ledger, command: Command) -> list[Notice]:
    """Announce a resolution in place of an earlier one, and close what it is about."""
    resolution = command["resolution"]
    of_event = resolution["op"] == "resolve_event"
    code = events.why_not(ledger, resolution) if of_event else lifecycle.why_not(ledger, resolution)
    if code is not None:
        return [("REFUSED", code)]
    if of_event:
        subject: Subject = ("event", resolution["event"])
        markets = events.unfinished(ledger, ledger.events[resolution["event"]])
        for market in markets:
            ledger.proposals.pop(("market", market.id), None)
    else:
        subject = ("market", resolution["market"])
        markets = [ledger.markets[resolution["market"]]]
    ledger.proposals[subject] = Proposal(
        resolution, command["actor"], command["at"], command["by_two"]
    )
    trading = [market for market in markets if market.status != "CLOSED"]
    return lifecycle.change(ledger, trading, "CLOSED", command["ts"])


def confirm(ledger: Ledger, command: Command) -> list[Notice]:
    """Make what is proposed, unless its proposer asks and two are needed."""
    subject, code = _subject(ledger, command)
    if code is not None:
        return [("REFUSED", code)]
    proposal = ledger.proposals[subject]
    if proposal.by_two and proposal.actor == command["actor"]:
        return [("REFUSED", "ANOTHER_ADMIN_NEEDED")]
    return make(ledger, subject)


def withdraw(ledger: Ledger, command: Command) -> list[Notice]:
    """Drop what is proposed; what it is about stays closed."""
    subject, code = _subject(ledger, command)
    if code is not None:
        return [("REFUSED", code)]
    del ledger.proposals[subject]
    return []


def make(ledger: Ledger, subject: Subject) -> list[Notice]:
    """Resolve as it was proposed."""
    resolution = ledger.proposals.pop(subject).resolution
    resolve = lifecycle.resolve if subject[0] == "market" else events.resolve
    return resolve(ledger, resolution)


def timed(ledger: Ledger) -> list[tuple[int, Subject]]:
    """Return what happens by itself, with its time."""
    return [
        (proposal.at, subject)
        for subject, proposal in ledger.proposals.items()
        if proposal.at is not None and not proposal.by_two
    ]


def _subject(ledger: Ledger, command: Command) -> tuple[Subject, str | None]:
    """Return what a command is about, and why there is nothing to confirm or withdraw."""
    if command["market"] is None:
        subject: Subject = ("event", command["event"])
        known: object = ledger.events.get(command["event"])
        event = None
    else:
        subject = ("market", command["market"])
        market = ledger.markets.get(command["market"])
        known = market
        event = None if market is None else market.event.id
    if known is None:
        return subject, f"{subject[0].upper()}_NOT_FOUND"
    if subject in ledger.proposals:
        return subject, None
    if event is not None and ("event", event) in ledger.proposals:
        return subject, "EVENT_DECIDES"
    return subject, "PROPOSAL_NOT_FOUND"
