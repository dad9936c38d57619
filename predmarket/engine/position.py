"""A user's shares in one market."""

from predmarket.units import Money, Qty


class Position:
    """One user's shares in one market.

    ``reserved_*`` are the shares that back close parts of resting orders. ``net_paid`` is what the
    user paid in this market less what came back, fees included: what a VOID undoes.
    """

    __slots__ = (
        "cost_no", "cost_yes", "market_id", "net_paid", "no", "realized", "reserved_no",
        "reserved_yes", "user_id", "version", "yes",
    )  # fmt: skip

    def __init__(self, user_id: int, market_id: int) -> None:
        self.user_id = user_id
        self.market_id = market_id
        self.yes: Qty = 0
        self.no: Qty = 0
        self.reserved_yes: Qty = 0
        self.reserved_no: Qty = 0
        self.cost_yes: Money = 0
        self.cost_no: Money = 0
        self.realized: Money = 0
        self.net_paid: Money = 0
        self.version = 0

    def free_opposite(self, is_buy: bool) -> Qty:
        """Return the unreserved shares that an order of that direction would give."""
        return self.no - self.reserved_no if is_buy else self.yes - self.reserved_yes

    def reserve(self, is_buy: bool, qty: Qty) -> None:
        """Reserve ``qty`` (release, when negative) of the shares such an order gives."""
        if is_buy:
            self.reserved_no += qty
        else:
            self.reserved_yes += qty

    def give_yes(self, qty: Qty, proceeds: Money) -> None:
        """Part with YES shares for ``proceeds``, realizing the difference to their cost."""
        removed = self.cost_yes * qty // self.yes
        self.yes -= qty
        self.cost_yes -= removed
        self.realized += proceeds - removed

    def give_no(self, qty: Qty, proceeds: Money) -> None:
        """Part with NO shares for ``proceeds``, realizing the difference to their cost."""
        removed = self.cost_no * qty // self.no
        self.no -= qty
        self.cost_no -= removed
        self.realized += proceeds - removed
