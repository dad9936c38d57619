"""Holds clicks whose target has just changed, and keys that no hand pressed one by one.

Eye and hand need about 200 ms. A click on a cell whose meaning changed less than that ago is held.
A cell's meaning changes when it shows another price; when an order there would take instead of
rest, or the reverse; when others' size there appears, vanishes, doubles or halves; or when the
trader's orders there appear or vanish. The arrival of the trader's own order does not hold the next
one.
"""

from collections import deque
from collections.abc import Callable, Hashable
from operator import attrgetter

from predmarket.enums import Side
from predmarket.tui.state.ladder import Row
from predmarket.units import Qty

HOLD_SECONDS = 0.2
"""Seconds that clicks on a cell are held after its meaning changed."""
BURST = 5
BURST_SECONDS = 0.1
REPEAT_SECONDS = 0.06
"""A key that is held down repeats within this time; no finger strikes a key twice in it."""
_MEANINGS = (
    (Side.BUY, attrgetter("bid", "mine_bid", "buy_takes")),
    (Side.SELL, attrgetter("ask", "mine_ask", "sell_takes")),
)
"""The parts of a row on which an order of each side depends."""


class ClickGuard:
    """Remembers each cell's last change of meaning, by a clock in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._axis_moved = -HOLD_SECONDS
        self._sizes: dict[tuple[Side, Hashable], float] = {}
        self._own: dict[tuple[Side, Hashable], float] = {}

    def axis_moved(self) -> None:
        """Record that every row now shows another price."""
        self._axis_moved = self._clock()

    def row_changed(self, before: Row, after: Row) -> None:
        """Record a row's old and new content, for the same price."""
        for side, meaning in _MEANINGS:
            if meaning(before) == meaning(after):
                continue
            if size_moved(before, after, side):
                self.changed(side, after.price, own=False)
            if own_moved(before, after, side):
                self.changed(side, after.price, own=True)

    def changed(self, side: Side, place: Hashable, *, own: bool) -> None:
        """Record that a cell means something else: its size, or the trader's orders there."""
        (self._own if own else self._sizes)[side, place] = self._clock()

    def reason(self, side: Side, place: Hashable, *, own: bool, pointer: bool) -> str | None:
        """Return why an action on a cell is held; None if it may go on. ``place`` is the price, or
        whatever else tells cells of a side apart.

        ``own`` means an action on the trader's orders there, not on the size. ``pointer`` means
        that the mouse was used; a keyboard cursor stays with its price on a moving axis.
        """
        if pointer and self._recent(self._axis_moved):
            return "the prices moved under the click"
        moved = (self._own if own else self._sizes).get((side, place))
        if moved is None or not self._recent(moved):
            return None
        return "the orders changed under the click" if own else "the book moved under the click"

    def _recent(self, moment: float) -> bool:
        return self._clock() - moment < HOLD_SECONDS


class Hand:
    """Distinguishes keys pressed by hand from a repeating key and from pasted text.

    Times are the keys' arrivals in seconds; the keys of one read arrive at once.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=BURST + 1)
        self._key = ""
        self._gap = REPEAT_SECONDS

    def pressed(self, key: str, at: float) -> None:
        """Record a key."""
        same = key == self._key and bool(self._times)
        self._gap = at - self._times[-1] if same else REPEAT_SECONDS
        self._key = key
        self._times.append(at)

    def reason(self) -> str | None:
        """Return why the last key sends no order; None if it may."""
        if self._gap < REPEAT_SECONDS:
            return "the key repeats"
        times = self._times
        if len(times) > BURST and times[-1] - times[0] < BURST_SECONDS:
            return "too many keys at once"
        return None


def size_moved(before: Row, after: Row, side: Side) -> bool:
    """Return whether the meaning of placing on a cell has changed."""
    if before.takes(side) != after.takes(side):
        return True
    was = before.resting(side) - before.mine(side)
    now = after.resting(side) - after.mine(side)
    return other_size(was, now)


def other_size(was: Qty, now: Qty) -> bool:
    """Return whether a size has appeared, vanished, doubled or halved."""
    return was != now and (was >= 2 * now or now >= 2 * was)


def own_moved(before: Row, after: Row, side: Side) -> bool:
    """Return whether the meaning of cancelling on a cell has changed."""
    return bool(before.mine(side)) != bool(after.mine(side))
