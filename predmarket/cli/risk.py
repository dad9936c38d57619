"""An order's effect on its owner in words: the shares it buys, its cost, its maximum loss.

A SELL without YES shares buys NO (docs/market_rules.md, Contract), which the answer to a preview
does not show. A second, reduce-only preview finds out how much of the order gives away shares: only
the exchange knows which shares other orders have reserved.
"""

from dataclasses import replace
from decimal import Decimal

import predmarket.client as api
from predmarket.client.calls import NewOrder
from predmarket.client.response_types import Preview
from predmarket.enums import OrderType, Side, TimeInForce

_UNMET = {Side.BUY: "0.1", Side.SELL: "0.9"}
"""Prices on every tick."""


def closing(client: "api.Client", order: NewOrder) -> Decimal:
    """Return the part of ``order`` that gives away shares its owner holds."""
    reducing = replace(
        order,
        type=OrderType.LIMIT,
        price=_UNMET[Side(order.side)],
        time_in_force=TimeInForce.GTC,
        expires_at=None,
        post_only=None,
        reduce_only=True,
        max_slippage=None,
        client_order_id=None,
    )
    try:
        held = client.preview_order(reducing)
    except api.ApiError:  # NOTHING_TO_REDUCE: it all opens. Else count on nothing: it costs most
        return Decimal(0)
    return Decimal(held["fillQty"]) + Decimal(held["restQty"])


def explained(order: NewOrder, preview: Preview, closes: Decimal) -> dict[str, object]:
    """Return the answer to a preview with cost and mostLost.

    cost is the cash that leaves the available balance, negative if the order brings cash in.
    mostLost is the loss if the shares that the order opens become worthless.
    """
    is_buy = order.side == Side.BUY
    gained, given = ("YES", "NO") if is_buy else ("NO", "YES")
    filled, rest = Decimal(preview["fillQty"]), Decimal(preview["restQty"])
    closes = min(closes, filled + rest)
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
        "closes": f"{closes} {given}" if closes else None,
        "opens": opens,
        "cost": f"{cost + bound:.6f}",
        "mostLost": f"{at_worst + bound:.6f}",
    }
