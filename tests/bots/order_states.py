"""Order states as the exchange shows them to a bot."""

from typing import cast

from predmarket.client.response_types import OrderState
from predmarket.enums import Side
from predmarket.units import (
    MONEY_DECIMALS,
    QTY_DECIMALS,
    Money,
    Price,
    Qty,
    format,
    format_price,
    format_qty,
)


def order_state(
    id: int,
    market_id: int,
    side: Side,
    price: Price,
    qty: Qty,
    *,
    filled: Qty,
    notional: Money,
    fees: Money,
    status: str,
) -> OrderState:
    """Return an order's state; the average price is rounded half up to six decimals."""
    average = None
    if filled:
        average = format((notional * 200 // filled + 1) // 2, MONEY_DECIMALS)
    state = {
        "id": id,
        "marketId": market_id,
        "side": side.value,
        "price": format_price(price),
        "qty": format_qty(qty),
        "qtyFilled": format(filled, QTY_DECIMALS),
        "avgFillPrice": average,
        "feesPaid": format(fees, MONEY_DECIMALS),
        "status": status,
    }
    return cast("OrderState", state)
