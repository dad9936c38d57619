"""Files of orders, as order batch takes them."""

from predmarket.client.rows_file import Body, RowKind, read_rows

_ORDER = RowKind(
    "order",
    (
        "marketId", "side", "type", "price", "qty", "timeInForce", "expiresAt", "postOnly",
        "reduceOnly", "maxSlippage", "selfTradePrevention", "clientOrderId", "deadline",
    ),
    {
        "market": "marketId",
        "tif": "timeInForce",
        "expires": "expiresAt",
        "slippage": "maxSlippage",
        "stp": "selfTradePrevention",
        "clientId": "clientOrderId",
    },
    ("postOnly", "reduceOnly"),
)  # fmt: skip
_WORDS = ("side", "type", "timeInForce", "selfTradePrevention")
"""Fields whose words are spelled in capitals."""


def read_orders(file: str) -> list[Body]:
    """Return the orders in ``file`` as POST /v1/orders takes them (- is stdin).

    Raises UnreadableFile.
    """
    return [_completed(order) for order in read_rows(file, _ORDER)]


def _completed(order: Body) -> Body:
    """Return ``order`` with its words in capitals and the default type."""
    words = {name: value.upper() for name in _WORDS if isinstance(value := order.get(name), str)}
    market = order.get("marketId")
    digits = isinstance(market, str) and market.isascii() and market.isdigit()
    number = {"marketId": int(str(market))} if digits and len(str(market)) <= 18 else {}
    return {"type": "LIMIT", **order, **words, **number}
