"""A check for linear time: it compares two sizes, and needs no absolute times."""

import time
from collections.abc import Callable

_RUNS = 5
_ROUNDS = 4
_LARGER = 4
_MOST = 9.0
"""Four times the input costs four times as much when it is linear, sixteen times when it is
quadratic; between them is room for a noisy machine."""


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """Tell whether four times the size costs this thread about four times as much.

    A busy machine can hold up every run of one size, so what looks too slow is measured again: the
    fastest run of each size counts, and only more runs of it make a slower one unlikely.
    """
    small = large = float("inf")
    for _ in range(_ROUNDS):
        small = min(small, _seconds(work, size))
        large = min(large, _seconds(work, size * _LARGER))
        if min(large, 1.0) < _MOST * small + 0.001:
            return True
    return False


def _seconds(work: Callable[[int], object], size: int) -> float:
    best = float("inf")
    for _ in range(_RUNS):
        began = time.thread_time()
        work(size)
        best = min(best, time.thread_time() - began)
    return best
