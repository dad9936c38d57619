"""What the topic of all markets tells each audience, and how it is counted.

An announcement of a public market or event reaches everybody, one of a group's its members and
admins. Each group's announcements are counted apart, so an audience's number is a sum: it counts
what that audience was told, without a gap, and hidden markets leave no trace in another's.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from predmarket.server.read_model.changes import Changes, EventChange, MarketChange

Audience: TypeAlias = frozenset[int] | None
"""The groups whose announcements somebody hears besides the public ones; None: those of all."""
EVERYBODY: Audience = frozenset()


class Counts(NamedTuple):
    """How many announcements there have been: public ones, and those to each group."""

    public: int
    groups: Mapping[int, int]

    def of(self, audience: Audience) -> int:
        """Return how many of them an audience was told."""
        heard = self.groups if audience is None else self.groups.keys() & audience
        return self.public + sum([self.groups[id] for id in heard])


class Announced(NamedTuple):
    """A market or an event that was announced, with the counts up to this announcement."""

    change: MarketChange | EventChange
    counts: Counts

    def reaches(self, audience: Audience) -> bool:
        """Tell whether an audience is told."""
        group_id = self.change.record.group_id
        return group_id is None or audience is None or group_id in audience


def announced_in(changes: Changes) -> list[Announced]:
    """Return the announcements of a batch in their order."""
    found: list[Announced] = []
    public, groups = changes.markets_seq, dict(changes.group_seqs)
    changed: list[MarketChange | EventChange] = [*changes.markets, *changes.events]
    for change in reversed(changed):
        if change.announced is None:
            continue
        found.append(Announced(change, Counts(public, dict(groups))))
        group_id = change.record.group_id
        if group_id is None:
            public -= 1
        else:
            groups[group_id] -= 1
    return found[::-1]
