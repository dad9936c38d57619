"""The faults in force: what they are, when they strike next, and how often they struck.

Each kind of fault has its own sequence of random numbers, which follows from the seed. So the same
requests in the same order meet the same faults.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol
from weakref import WeakSet

import msgspec

from predmarket.contracts.faults import ALL, MAX_SEED, FaultSpec, Injected, Lengths

log = logging.getLogger(__name__)


class Concerned(Protocol):
    """A connection that faults strike."""

    def faults_changed(self) -> None:
        """Follow the faults now in force."""


class Fate(NamedTuple):
    """The faults of one request. Delays are in seconds. Without ``rejected`` it is carried out,
    unless it is ``lost_before`` that; ``lost_after`` means that its answer is lost."""

    delay_in: float
    delay_out: float
    lost_before: bool
    lost_after: bool
    rejected: bool


class Faults:
    """The faults of one gateway."""

    def __init__(self, spec: FaultSpec) -> None:
        self._concerned: WeakSet[Concerned] = WeakSet()
        self._draws: dict[str, Random] = {}
        self._struck: dict[str, int] = {}
        self.change(spec)

    def change(self, spec: FaultSpec) -> None:
        """Have other faults from now on, on open connections too."""
        if spec.seed is None and not spec.is_none:
            spec = msgspec.structs.replace(spec, seed=secrets.randbelow(MAX_SEED))
        self.spec = spec
        self.on = not spec.is_none
        self._draws = {
            kind: Random(f"{spec.seed} {kind}")
            for kind in ("latency", "loss", "order", "reject", "cut")
        }
        self._struck = dict.fromkeys(Injected.__struct_fields__, 0)
        for one in list(self._concerned):
            one.faults_changed()

    @property
    def injected(self) -> Injected:
        """Return how often each fault has struck since the last change."""
        return Injected(**self._struck)

    def concern(self, one: Concerned) -> None:
        """Tell a connection of changes while it is there."""
        self._concerned.add(one)

    def struck(self, what: str) -> None:
        """Count a fault, and log it."""
        self._struck[what] += 1
        log.info("fault", extra={"fault": what})

    def fate(self, *, may_reject: bool = True) -> Fate:
        """Draw the faults of the next request."""
        lost = self._happens("loss", self.spec.loss)
        before = lost and self._happens("order", ALL // 2)
        rejected = may_reject and self._happens("reject", self.spec.reject)
        return Fate(self.delay(), self.delay(), before, lost and not before, rejected)

    def delay(self) -> float:
        """Return the seconds that the next piece takes longer in one direction."""
        return self._seconds("latency", self.spec.latency) / 2

    def life(self) -> float | None:
        """Return the seconds after which the next connection is cut, None: it is not."""
        return None if self.spec.cut is None else self._seconds("cut", self.spec.cut)

    def _happens(self, kind: str, share: int) -> bool:
        return bool(share) and self._draws[kind].randrange(ALL) < share

    def _seconds(self, kind: str, lengths: Lengths | None) -> float:
        if lengths is None:
            return 0.0
        middle, spread = lengths
        return (middle + self._draws[kind].randint(-spread, spread)) / 1_000_000


class CutTimer:
    """Cuts one connection some time after its first request. ``may_cut`` puts it off."""

    AGAIN_S = 0.1

    def __init__(
        self,
        faults: Faults,
        loop: asyncio.AbstractEventLoop,
        cut: Callable[[], None],
        may_cut: Callable[[], bool],
    ) -> None:
        self._faults = faults
        self._loop = loop
        self._cut = cut
        self._may_cut = may_cut
        self._timer: asyncio.TimerHandle | None = None
        self._runs = False

    def start(self) -> None:
        """Begin to count, unless it does already."""
        if not self._runs:
            self._runs = True
            self.restart()

    def restart(self) -> None:
        """Follow the faults now in force."""
        self._clear()
        life = self._faults.life() if self._runs else None
        if life is not None:
            self._timer = self._loop.call_later(life, self._due)

    def stop(self) -> None:
        """Cut nothing any more: the connection is gone."""
        self._runs = False
        self._clear()

    def _clear(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        if self._may_cut():
            self._faults.struck("cut")
            self._cut()
        else:
            self._timer = self._loop.call_later(self.AGAIN_S, self._due)
