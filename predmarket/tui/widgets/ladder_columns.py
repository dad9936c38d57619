"""The ladder's columns at a width: their positions, and the order in which they are left out.

A column's position depends only on the width and the tick, never on its content. If there is too
little room, volume is left out first, then the quantity ahead, the gain, and last the own sizes.
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from predmarket.enums import Side
from predmarket.tui.state.formatting import MONEY_CELLS, SIZE_CELLS, decimals_of
from predmarket.units import Price


class ColumnKind(Enum):
    """What a column shows, from left to right."""

    MINE_BID = auto()
    AHEAD_BID = auto()
    BID = auto()
    PRICE = auto()
    ASK = auto()
    AHEAD_ASK = auto()
    MINE_ASK = auto()
    VOLUME = auto()
    GAIN = auto()

    @property
    def label(self) -> str:
        """Return what its head says."""
        return "P&L" if self is ColumnKind.GAIN else self.name.split("_")[0].lower()

    @property
    def side(self) -> Side | None:
        """Return the side that a click here is about."""
        return _SIDES.get(self)

    @property
    def own(self) -> bool:
        """Return whether it shows one's own orders."""
        return self in _OWN


_SIDES = {
    ColumnKind.MINE_BID: Side.BUY,
    ColumnKind.AHEAD_BID: Side.BUY,
    ColumnKind.BID: Side.BUY,
    ColumnKind.ASK: Side.SELL,
    ColumnKind.AHEAD_ASK: Side.SELL,
    ColumnKind.MINE_ASK: Side.SELL,
}
_OWN = frozenset(
    {ColumnKind.MINE_BID, ColumnKind.AHEAD_BID, ColumnKind.AHEAD_ASK, ColumnKind.MINE_ASK}
)

_SIZE = SIZE_CELLS + 1
_VOLUME, _VOLUME_MAX = _SIZE + 3, 22
_GAIN = MONEY_CELLS + 1
_DROPS = (
    frozenset[ColumnKind](),
    frozenset({ColumnKind.VOLUME}),
    frozenset({ColumnKind.VOLUME, ColumnKind.AHEAD_BID, ColumnKind.AHEAD_ASK}),
    frozenset({ColumnKind.VOLUME, ColumnKind.AHEAD_BID, ColumnKind.AHEAD_ASK, ColumnKind.GAIN}),
    frozenset(ColumnKind) - {ColumnKind.BID, ColumnKind.PRICE, ColumnKind.ASK},
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its first cell and its width, the gap to its neighbour included."""

    kind: ColumnKind
    x: int
    width: int


@lru_cache(maxsize=256)
def columns(width: int, tick: Price) -> tuple[Column, ...]:
    """Return the columns that fit into ``width`` cells, from the left."""
    price = decimals_of(tick) + 6  # two rules, the price, a cell for each mark
    kinds: list[ColumnKind] = []
    widths: dict[ColumnKind, int] = {}
    for dropped in _DROPS:
        kinds = [kind for kind in ColumnKind if kind not in dropped]
        widths = dict.fromkeys(kinds, _SIZE)
        widths[ColumnKind.PRICE] = price
        if ColumnKind.GAIN in widths:
            widths[ColumnKind.GAIN] = _GAIN
        if ColumnKind.VOLUME in widths:
            widths[ColumnKind.VOLUME] = _VOLUME
        if sum(widths.values()) <= width:
            break
    _spread(widths, max(0, width - sum(widths.values())))
    x, placed = 0, []
    for kind in kinds:
        placed.append(Column(kind, x, widths[kind]))
        x += widths[kind]
    return tuple(placed)


@lru_cache(maxsize=256)
def bar_cells(width: int, tick: Price) -> tuple[int, int, int]:
    """Return how long bars can be in bid, ask and volume, in cells; 0 without the column."""
    cells = {column.kind: column.width for column in columns(width, tick)}
    return cells[ColumnKind.BID], cells[ColumnKind.ASK], cells.get(ColumnKind.VOLUME, 1) - 1


def _spread(widths: dict[ColumnKind, int], room: int) -> None:
    """Give what room is left to the bars, both sides the same, so that they keep one scale."""
    if ColumnKind.VOLUME in widths:
        volume = min(room // 3, _VOLUME_MAX - _VOLUME)
        widths[ColumnKind.VOLUME] += volume
        room -= volume
    widths[ColumnKind.BID] += room // 2
    widths[ColumnKind.ASK] += room // 2
    widths[list(widths)[-1]] += room % 2
