"""Quantities by level, with their sums over blocks of levels.

A grid has up to 9 999 levels. The quantity at a price or better is a sum over whole blocks and the
levels of one block. No order is visited.

Invariant: a block's sum is that of its levels.
"""

BLOCK_BITS = 6
"""A block covers 64 levels: a grid has at most 157 blocks."""


class Depth:
    """One user's resting quantity on one side of one book, by level index."""

    __slots__ = ("bits", "blocks", "levels")

    def __init__(self) -> None:
        self.bits = 0
        self.levels: dict[int, int] = {}
        self.blocks: dict[int, int] = {}

    def add(self, index: int, qty: int) -> None:
        """Add ``qty``, which may be negative, at a level."""
        left = self.levels.get(index, 0) + qty
        block = index >> BLOCK_BITS
        self.blocks[block] = self.blocks.get(block, 0) + qty
        if left:
            self.levels[index] = left
            self.bits |= 1 << index
        else:
            del self.levels[index]
            self.bits &= ~(1 << index)

    def best(self) -> int:
        """Return the best level's index, -1 when there is none."""
        return self.bits.bit_length() - 1

    def total(self) -> int:
        """Return the quantity at all levels."""
        return sum(self.blocks.values())

    def from_index(self, index: int) -> int:
        """Return the quantity at this level and better ones."""
        block = index >> BLOCK_BITS
        above = sum(qty for number, qty in self.blocks.items() if number > block)
        levels = range(index, (block + 1) << BLOCK_BITS)
        return above + sum(self.levels.get(one, 0) for one in levels)
