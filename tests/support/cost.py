"""A check for linear time: it compares two sizes, and needs no absolute times."""

import time
from collections.abc import Callable

_RUNS = 5
_LARGER = 4
_MOST = 9.0
"""Four times the input costs four times as much when it is linear, sixteen times when it is
quadratic; between them is room for a noisy machine."""


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """Tell whether four times the size costs this thread about four times as much."""
    return min(_seconds(work, size * _LARGER), 1.0) < _MOST * _seconds(work, size) + 0.001


def _seconds(work: Callable[[int], object], size: int) -> float:
    best = float("inf")
    for _ in range(_RUNS):
        began = time.thread_time()
        work(size)
        best = min(best, time.thread_time() - began)
    return best
