"""The interpreter's settings: its lock and its garbage collector (performance.md).

The garbage collector does not search long-lived objects: a search through a million orders would
stop everything for more than a second. Reference counting still frees them, so code that drops a
state breaks its reference cycles first (recovery.dismantle).
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SWITCH_S = 0.0005
_GC_THRESHOLDS = (50_000, 20, 50)


def tune_interpreter() -> None:
    """Fit the interpreter to one busy event loop with threads that wait; once a process.

    A thread gets the interpreter lock back ten times sooner than by default, so that the end of a
    commit is not kept waiting by the loop. What was loaded is not searched for garbage again, and
    what an order makes is searched less often: it is freed by its reference counts.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


class Loads:
    """Loads of a state, one at a time. The collector does not search a state of ``large`` objects
    or more."""

    def __init__(self, large: int = 50_000) -> None:
        self.large = large
        self._left_out = False

    @contextmanager
    def unsearched(self) -> Iterator[None]:
        """Keep the collector from searching a state while it is made, and later if it is large.

        Garbage that was kept from the search along with the state before is freed first.
        """
        if self._left_out:
            gc.unfreeze()
            gc.collect()
        gc.disable()
        try:
            yield
        finally:
            self._left_out = self._left_out or gc.get_count()[0] >= self.large
            if self._left_out:
                gc.freeze()
            gc.enable()


loads = Loads()
