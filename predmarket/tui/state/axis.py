"""The static price axis: the price of each row, and the visible window.

Row 0 is the highest price in the window. The axis moves only by its methods: new prices, new sizes
and time leave every price in its place. If all prices fit, it never moves.
"""

from dataclasses import dataclass

from predmarket.units import PRICE_ONE, Price


@dataclass(slots=True)
class Axis:
    """The prices of one tick, highest first, and a window of ``rows`` of them from ``top``."""

    tick: Price
    rows: int = 0
    top: int = 0

    @property
    def count(self) -> int:
        """Return how many prices there are: 99 of a cent."""
        return PRICE_ONE // self.tick - 1

    @property
    def shown(self) -> int:
        """Return how many of them show."""
        return min(self.rows, self.count)

    @property
    def folded(self) -> bool:
        """Return whether some do not show."""
        return self.rows < self.count

    @property
    def highest(self) -> Price:
        """Return the price of the first row."""
        return self.price(0)

    @property
    def lowest(self) -> Price:
        """Return the price of the last row."""
        return self.price(max(self.shown - 1, 0))

    def price(self, row: int) -> Price:
        """Return the price of a row."""
        return PRICE_ONE - self.tick * (1 + self.top + row)

    def prices(self) -> range:
        """Return the prices that show, the highest first."""
        first = self.price(0)
        return range(first, first - self.shown * self.tick, -self.tick)

    def row(self, price: Price) -> int | None:
        """Return the row of a price, None where it does not show."""
        row = (PRICE_ONE - price) // self.tick - 1 - self.top
        return row if 0 <= row < self.shown else None

    def scroll(self, rows: int) -> bool:
        """Move the window down the prices, up if negative; return whether it moved."""
        before = self.top
        self.top = max(0, min(self.top + rows, self.count - self.shown))
        return self.top != before

    def centre(self, price: Price) -> bool:
        """Move the window so that ``price`` is in its middle; return whether it moved."""
        row = (PRICE_ONE - price) // self.tick - 1
        return self.scroll(row - self.shown // 2 - self.top)

    def reveal(self, price: Price) -> bool:
        """Move the window no further than it takes to show ``price``; return whether it moved."""
        row = (PRICE_ONE - price) // self.tick - 1 - self.top
        if row < 0:
            return self.scroll(row)
        return self.scroll(max(0, row - self.shown + 1))

    def resize(self, rows: int) -> bool:
        """Show so many rows and keep the middle price where it was: in the middle."""
        middle = self.price(self.shown // 2)
        self.rows = rows
        return self.centre(middle)
