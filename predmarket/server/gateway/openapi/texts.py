"""The prose of the document: introduction, groups of calls, headers, sign-in."""

ABOUT = """\
A prediction market: orders on YES and NO shares, matched by price and time, settled in dollars.

- **Numbers** (money, prices, quantities, rates) are decimal strings in answers; requests may hold
  strings or JSON numbers. A number with more decimals than its unit holds is refused.
- **Times** are RFC 3339, in answers always UTC with microseconds.
- **Errors** have one form, whatever the call; `error.code` is stable, `error.message` is for
  people. A body's unknown fields are refused.
- **A market** is named by its id or its slug, in paths, queries and bodies alike; so is an event.
- **Lists** hold at most `limit` items; `nextCursor` asks for the following ones. Those of orders,
  fills, trades and ledger entries take `since`, which is included, and `until`, which is not.
- **Sending an order twice**: under the same `clientOrderId` it is placed once.
"""

TAGS: dict[str, str] = {
    "auth": "Accounts, sessions and keys. Access tokens last minutes, refresh tokens days.",
    "markets": "Questions that people trade on. Creating, changing and resolving is for admins.",
    "events": "Questions with several answers, each a market; one collateral covers them all.",
    "market data": "Order books, trades and candles, for everybody.",
    "orders": "Placing, changing and cancelling one's orders.",
    "account": "One's own money and holdings; transfers are for admins.",
    "users": "Accounts as admins see them.",
    "standings": "Seasons, and who has gained most. Starting and ending a season is for admins.",
    "administration": "What admins did.",
    "operations": "What the exchange says about itself.",
}

HEADERS: dict[str, object] = {
    "X-Request-Id": {
        "description": "The id the request came with (1 to 128 printable ASCII), else a new one",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "Retry-After": {
        "description": "Seconds after which it is worth trying again; not with OUTCOME_UNKNOWN",
        "required": False,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {
        "description": "How to say who is asking; with UNAUTHENTICATED",
        "required": False,
        "schema": {"type": "string"},
    },
}

SECURITY_SCHEMES: dict[str, object] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token (a JWT, from register, login or refresh) or an API key",
    },
}
