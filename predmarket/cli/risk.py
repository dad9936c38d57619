"""An order's effect on its owner in words: the shares it buys, its cost, its maximum loss.

A SELL without YES shares buys NO (docs/market_rules.md, Contract), which the answer to a preview
does not show. Its coveredQty is the part of the order that gives away shares which the user holds,
in an event also those that NO of other outcomes brings (docs/market_rules.md, Events).
"""

from decimal import Decimal

from predmarket.client.calls import NewOrder
from predmarket.client.response_types import Preview
from predmarket.enums import Side


def explained(order: NewOrder, preview: Preview, event: str | None) -> dict[str, object]:
    """Return the answer to a preview with cost and mostLost; ``event`` is the market's, if any.

    cost is the cash that leaves the available balance, negative if the order brings cash in.
    mostLost is the loss if the shares that the order opens become worthless.
    """
    is_buy = order.side == Side.BUY
    gained, given = ("YES", "NO") if is_buy else ("NO", "YES")
    filled, rest = Decimal(preview["fillQty"]), Decimal(preview["restQty"])
    closes = min(Decimal(preview["coveredQty"]), filled + rest)
    opened = filled - min(closes, filled)
    cost = Decimal(0)
    at_worst = Decimal(0)
    if preview["avgPrice"] is not None and preview["worstPrice"] is not None:
        average, worst = Decimal(preview["avgPrice"]), Decimal(preview["worstPrice"])
        if not is_buy:
            average, worst = 1 - average, 1 - worst
        cost = average * filled - (filled - opened)
        # The shares that are given away are so at the first prices, and here only the last is known
        at_worst = (average if opened == filled else worst) * opened
    bound = Decimal(preview["fees"]) + Decimal(preview["locked"])
    opens = f"{filled + rest - closes} {gained}" if filled + rest > closes else None
    if opens and not is_buy:
        opens += ", since one cannot sell YES that one does not hold"
    return {
        **preview,
        "closes": f"{closes} {given}{_out_of(event, is_buy)}" if closes else None,
        "opens": opens,
        "cost": f"{cost + bound:.6f}",
        "mostLost": f"{at_worst + bound:.6f}",
    }


def _out_of(event: str | None, is_buy: bool) -> str:
    """Return the end of the line on the covered part in a market of ``event``."""
    if event is None:
        return ""
    held = "a share of every other outcome" if is_buy else "shares of this outcome"
    return f", {held} that you hold in the event {event}: it locks nothing"
