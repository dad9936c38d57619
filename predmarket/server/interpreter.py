"""The interpreter's settings: its lock and its garbage collector (performance.md).

The garbage collector does not search long-lived objects, because a search through a million orders
would stop everything for more than a second. Reference counting still frees them. So code that
drops a state first breaks its reference cycles (state_loader.dismantle).
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SWITCH_S = 0.0005
_GC_THRESHOLDS = (50_000, 20, 50)


def tune_interpreter() -> None:
    """Tune the interpreter for one busy event loop with waiting threads; call it once a process.

    A thread gets the interpreter lock ten times sooner than by default, so that the loop does not
    delay the end of a commit. Loaded modules are not searched for garbage again. An order's objects
    are searched less often, because reference counts free them.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


class Loads:
    """Guards the loads of a state, one at a time. The collector does not search a state of
    ``large`` objects or more."""

    def __init__(self, large: int = 50_000) -> None:
        self.large = large
        self._left_out = False

    @contextmanager
    def unsearched(self) -> Iterator[None]:
        """Exclude a state from garbage collection while it is made, and afterwards if it is large.

        Garbage that was excluded together with the former state is freed first.
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
