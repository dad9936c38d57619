"""Holds clicks that miss what the trader aimed at, and keys that no hand pressed one by one.

An eye and a hand need about 200 ms. A click on what changed its meaning less than that ago is held.
A cell's meaning changes when another price comes to stand there, when an order there would now take
instead of rest (or the other way), when others' size there comes, goes, doubles or halves, or when
one's own orders there come or go. One's own order that just arrived is no reason to hold the next.
"""

from collections import deque
from collections.abc import Callable
from operator import attrgetter

from predmarket.enums import Side
from predmarket.tui.state.ladder import Row
from predmarket.units import Price

HOLD_SECONDS = 0.2
"""How long a click is held after what it meets has changed."""
BURST = 5
BURST_SECONDS = 0.1
REPEAT_SECONDS = 0.06
"""A key that is held down repeats within this time; no finger strikes a key twice in it."""
_MEANINGS = (
    (Side.BUY, attrgetter("bid", "mine_bid", "buy_takes")),
    (Side.SELL, attrgetter("ask", "mine_ask", "sell_takes")),
)
"""What of a row an order of each side depends on."""


class ClickGuard:
    """Remembers when which cell last changed its meaning, by a clock in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._axis_moved = -HOLD_SECONDS
        self._sizes: dict[tuple[Side, Price], float] = {}
        self._own: dict[tuple[Side, Price], float] = {}

    def axis_moved(self) -> None:
        """Note that every row now stands for another price."""
        self._axis_moved = self._clock()

    def row_changed(self, before: Row, after: Row) -> None:
        """Note what a row showed and what it shows now, of the same price."""
        for side, meaning in _MEANINGS:
            if meaning(before) == meaning(after):
                continue
            if size_moved(before, after, side):
                self._sizes[side, after.price] = self._clock()
            if own_moved(before, after, side):
                self._own[side, after.price] = self._clock()

    def reason(self, side: Side, price: Price, *, own: bool, pointer: bool) -> str | None:
        """Return why an act on a cell is held; None when it may go on.

        ``own`` says that it is about one's own orders there, not about the size; ``pointer`` that
        it was aimed at with the mouse: a keyboard cursor stays with its price on a moving axis.
        """
        if pointer and self._recent(self._axis_moved):
            return "the prices moved under the click"
        moved = (self._own if own else self._sizes).get((side, price))
        if moved is None or not self._recent(moved):
            return None
        return "the orders changed under the click" if own else "the book moved under the click"

    def _recent(self, moment: float) -> bool:
        return self._clock() - moment < HOLD_SECONDS


class Hand:
    """Tells keys that a hand presses from a key that repeats and from pasted text.

    Times are in seconds, those at which keys came; the keys of one read came at once.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=BURST + 1)
        self._key = ""
        self._gap = REPEAT_SECONDS

    def pressed(self, key: str, at: float) -> None:
        """Note that a key came."""
        same = key == self._key and bool(self._times)
        self._gap = at - self._times[-1] if same else REPEAT_SECONDS
        self._key = key
        self._times.append(at)

    def reason(self) -> str | None:
        """Return why the last key sends no order; None when it may."""
        if self._gap < REPEAT_SECONDS:
            return "the key repeats"
        times = self._times
        if len(times) > BURST and times[-1] - times[0] < BURST_SECONDS:
            return "too many keys at once"
        return None


def size_moved(before: Row, after: Row, side: Side) -> bool:
    """Return whether placing on a cell has come to mean something else."""
    if before.takes(side) != after.takes(side):
        return True
    was = before.resting(side) - before.mine(side)
    now = after.resting(side) - after.mine(side)
    return was != now and (was >= 2 * now or now >= 2 * was)


def own_moved(before: Row, after: Row, side: Side) -> bool:
    """Return whether cancelling on a cell has come to mean something else."""
    return bool(before.mine(side)) != bool(after.mine(side))
