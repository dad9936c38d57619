"""Complete answers of the API, in which tests change single fields."""

TIME = "2030-01-02T03:04:05.000006Z"

USER: dict[str, object] = {
    "id": 2,
    "email": "ann@example.com",
    "role": "USER",
    "fullName": None,
    "createdAt": TIME,
    "displayName": "player-2",
}

MARKET: dict[str, object] = {
    "id": 1,
    "slug": "rain",
    "question": "Will it rain tomorrow?",
    "description": None,
    "status": "OPEN",
    "outcome": None,
    "settlementPrice": None,
    "tickSize": "0.0100",
    "makerFeeRate": "0.0000",
    "takerFeeRate": "0.0700",
    "closesAt": None,
    "createdAt": TIME,
    "creator": {"id": 1, "fullName": None},
    "lastPrice": "0.6100",
    "bestBid": "0.6000",
    "bestAsk": None,
    "volume": "125.00",
    "openInterest": "40.00",
}

ORDER: dict[str, object] = {
    "id": 17,
    "clientOrderId": "mine-1",
    "marketId": 1,
    "marketSlug": "rain",
    "userId": 2,
    "side": "BUY",
    "type": "LIMIT",
    "price": "0.6000",
    "qty": "10.00",
    "qtyFilled": "4.00",
    "qtyRemaining": "6.00",
    "avgFillPrice": "0.590000",
    "feesPaid": "0.000000",
    "status": "PARTIALLY_FILLED",
    "reason": None,
    "timeInForce": "GTC",
    "expiresAt": None,
    "createdAt": TIME,
    "updatedAt": TIME,
    "fills": [
        {"tradeId": 5, "price": "0.5900", "qty": "4.00", "fee": "0.000000", "liquidity": "TAKER"}
    ],
}

TRADE: dict[str, object] = {
    "id": 5,
    "buyOrderId": 17,
    "sellOrderId": 16,
    "marketId": 1,
    "price": "0.5900",
    "qty": "4.00",
    "takerSide": "BUY",
    "createdAt": TIME,
}

BOOK: dict[str, object] = {
    "marketId": 1,
    "bids": [["0.6000", "60.00"], ["0.5900", "220.50"]],
    "asks": [["0.6200", "85.00"], ["0.6300", "310.00"]],
    "seq": 9,
}

BALANCE: dict[str, object] = {
    "available": "96.800000",
    "locked": "6.000000",
    "total": "102.800000",
}

POSITION: dict[str, object] = {
    "marketId": 1,
    "marketSlug": "rain",
    "qtyLong": "70.00",
    "qtyShort": "0.00",
    "avgPrice": "0.600000",
    "realizedPnl": "0.400000",
    "unrealizedPnl": "0.350000",
    "markPrice": None,
}


def tokens(number: int) -> dict[str, object]:
    """Return the answer to a login; its tokens contain SECRET, so that tests find a leak."""
    return {
        "accessToken": f"SECRET-access-{number}",
        "refreshToken": f"SECRET-refresh-{number}",
        "user": USER,
    }


def page(*items: object, cursor: str | None = None) -> dict[str, object]:
    """Return a page of a list."""
    return {"items": list(items), "nextCursor": cursor}
