"""Ids in order, by kind: lists of markets and events read one page from it, and nothing else."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator
from heapq import merge
from typing import NamedTuple

from predmarket.enums import MarketStatus

END = 2**63
"""Above every id."""


class Kind(NamedTuple):
    """What markets or events have in common: their status, and the group that they belong to."""

    status: MarketStatus
    group_id: int | None = None


class Listing:
    """The ids of markets or events, each under its kind.

    Invariant: the ids of a kind are in ascending order. So a page costs what it returns, and
    counting costs as many steps as there are kinds, however many ids there are.
    """

    def __init__(self) -> None:
        self._ids: dict[Kind, list[int]] = {}
        self._kind: dict[int, Kind] = {}

    def put(self, id: int, kind: Kind) -> None:
        """List an id under a kind, and no longer under another one."""
        before = self._kind.get(id)
        if before == kind:
            return
        if before is not None:
            ids = self._ids[before]
            del ids[bisect_left(ids, id)]
            if not ids:
                del self._ids[before]
        insort(self._ids.setdefault(kind, []), id)
        self._kind[id] = kind

    def count(self, kinds: Collection[Kind]) -> int:
        """Return how many ids have one of these kinds."""
        return sum(len(ids) for ids in self._of(kinds))

    def newest(self, kinds: Collection[Kind], before: int = END) -> Iterator[int]:
        """Yield the ids of these kinds below ``before``, the highest first.

        Nothing may change while they are read.
        """
        below = [
            map(ids.__getitem__, range(bisect_left(ids, before) - 1, -1, -1))
            for ids in self._of(kinds)
        ]
        return below[0] if len(below) == 1 else merge(*below, reverse=True)

    def below(self, kinds: Collection[Kind], before: int, passed_over: int) -> int:
        """Return the id below which a page begins that passes over so many of the ids."""
        parts = self._of(kinds)
        top = min(before, max((ids[-1] + 1 for ids in parts), default=0))
        ends = [bisect_left(ids, top) for ids in parts]

        def passed(distance: int) -> int:
            least = top - distance
            return sum(end - bisect_left(ids, least) for ids, end in zip(parts, ends, strict=True))

        return top - bisect_left(range(top), passed_over, key=passed) if passed_over else top

    def _of(self, kinds: Collection[Kind]) -> list[list[int]]:
        return [ids for kind in kinds if (ids := self._ids.get(kind)) is not None]
