"""Answers of the exchange to every command of tests/cli/commands.py."""

from typing import cast

from tests.support.stub_data import (
    BALANCE,
    BOOK,
    MARKET,
    ORDER,
    POSITION,
    TIME,
    TRADE,
    USER,
    page,
    tokens,
)
from tests.support.stub_exchange import Answer, Request, Stub

SNOW = {
    **MARKET,
    "id": 12,
    "slug": "snow",
    "question": 'Snow, or "none"?\x1b[31m',
    "bestBid": None,
    "lastPrice": None,
    "closesAt": TIME,
}
GROUP = {"id": 3, "name": "class-9b", "memberCount": 28, "createdAt": TIME}
SEASON = {
    "id": 2,
    "name": "Spring",
    "credit": "100.000000",
    "startedAt": TIME,
    "creditedAt": TIME,
    "endedAt": None,
}
BOARD = {
    "items": [
        {"rank": 1, "displayName": "rainmaker", "profit": "12.500000", "value": "112.500000",
         "trades": 9},
        {"rank": 2, "displayName": "player-3", "profit": "-12.500000", "value": "87.500000",
         "trades": 9},
    ],
    "total": 2,
    "season": SEASON,
    "group": "class-9b",
}  # fmt: skip
INVITE = {
    "id": 4,
    "uses": 30,
    "used": 12,
    "expiresAt": TIME,
    "credit": "100.000000",
    "group": None,
    "createdAt": TIME,
    "revokedAt": None,
}
LISTED = {
    **USER,
    "disabled": False,
    "available": "95.000000",
    "locked": "5.000000",
    "lastSeenAt": TIME,
}
PROPOSAL = {
    "outcome": "SCALAR",
    "settlementPrice": "0.2500",
    "note": "It rained.",
    "source": "https://example.com",
    "actorId": 1,
    "effectiveAt": TIME,
}
OVERVIEW = {
    "openInterest": "25.00",
    "volume": "140.00",
    "markets": {"DRAFT": 0, "OPEN": 2, "CLOSED": 1},
    "pastDueCount": 1,
    "proposedCount": 1,
    "pastDue": [
        {
            "id": 1,
            "slug": "rain",
            "question": "Will it rain tomorrow?",
            "status": "CLOSED",
            "closesAt": TIME,
            "openInterest": "25.00",
            "volume": "140.00",
            "eventSlug": None,
            "proposal": PROPOSAL,
        }
    ],
}
OF_EVENT = {**MARKET, "bestBid": None, "lastPrice": None, "eventId": 1, "eventSlug": "vote"}
ANN = {
    **OF_EVENT,
    "id": 2,
    "slug": "ann",
    "question": "Does Ann win?",
    "bestBid": "0.5500",
    "bestAsk": "0.6000",
    "label": "Ann",
}
BOB = {**OF_EVENT, "id": 3, "slug": "bob", "question": "Does Bob win?", "bestBid": "0.3000"}
OUT = {
    **OF_EVENT,
    "id": 4,
    "slug": "cleo",
    "question": "Does Cleo win?",
    "status": "RESOLVED",
    "outcome": "NO",
    "settlementPrice": "0.0000",
}
LISTED_EVENT = {
    "id": 1,
    "slug": "vote",
    "title": "Who wins?",
    "description": "",
    "exhaustive": False,
    "status": "OPEN",
    "outcome": None,
    "openInterest": "10.00",
    "closesAt": TIME,
    "createdAt": TIME,
    "creator": {"id": 1, "fullName": None},
    "marketCount": 3,
    "series": "vote",
}
EVENT = {**LISTED_EVENT, "markets": [ANN, BOB, OUT]}
HOLDING = {
    "eventId": 1,
    "eventSlug": "vote",
    "returned": "10.000000",
    "none": "10.000000",
    "payoffs": [
        {"marketId": 2, "marketSlug": "ann", "payoff": "0.000000"},
        {"marketId": 3, "marketSlug": "bob", "payoff": "10.000000"},
    ],
}
CALIBRATION = {
    "before": "1d",
    "markets": 12,
    "brierScore": "0.154321",
    "baseRate": "0.416667",
    "unpriced": 1,
    "more": False,
    "bins": [
        {
            "above": "0.2000",
            "to": "0.3000",
            "markets": 7,
            "price": "0.250000",
            "share": "0.142857",
        },
        {
            "above": "0.7000",
            "to": "0.8000",
            "markets": 5,
            "price": "0.731000",
            "share": "0.800000",
        },
    ],
}
NO_OF_ANN = {
    **POSITION,
    "marketId": 2,
    "marketSlug": "ann",
    "qtyLong": "0.00",
    "qtyShort": "10.00",
    "avgPrice": "0.550000",
}
FILL = {
    "tradeId": 5,
    "orderId": 17,
    "marketId": 1,
    "marketSlug": "rain",
    "side": "BUY",
    "price": "0.5900",
    "qty": "4.00",
    "fee": "0.067732",
    "liquidity": "TAKER",
    "createdAt": TIME,
}
LINE = {
    "id": 9,
    "kind": "TRADE",
    "amount": "-2.360000",
    "balanceAfter": "97.640000",
    "counterpart": "market:1",
    "marketId": 1,
    "marketSlug": "rain",
    "tradeId": 5,
    "transferId": None,
    "reason": None,
    "commandSeq": 31,
    "createdAt": TIME,
}
PAYOUT = {
    **LINE,
    "id": 10,
    "kind": "PAYOUT",
    "amount": "10.000000",
    "balanceAfter": "107.640000",
    "counterpart": "event:1",
    "marketId": None,
    "marketSlug": None,
    "tradeId": None,
    "eventId": 1,
    "eventSlug": "vote",
}
CANDLE = {
    "start": TIME,
    "open": "0.5900",
    "high": "0.6100",
    "low": "0.5800",
    "close": "0.6000",
    "volume": "125.00",
    "trades": 7,
}
KEY = {"id": 3, "name": "quoter", "scopes": ["read", "trade"], "createdAt": TIME}
SESSION = {
    "id": 7,
    "createdAt": TIME,
    "lastUsedAt": TIME,
    "address": "192.0.2.1",
    "agent": "predmarket/1.0.0 (a laptop)",
    "current": True,
}
MANAGED = {**USER, "disabled": False}
ACT = {
    "id": 9,
    "at": TIME,
    "actorId": 1,
    "action": "MARKET_RESOLVE",
    "target": "market:1",
    "details": {"outcome": "SCALAR", "settlementPrice": "0.2500"},
}
TIE = {
    **ACT,
    "id": 10,
    "action": "EVENT_RESOLVE",
    "target": "event:1",
    "details": {"outcome": "WEIGHTS", "weights": {"market:2": "0.5000", "NONE": "0.5000"}},
}
PORTFOLIO = {
    "cash": "102.800000",
    "positionsValue": "42.350000",
    "totalValue": "145.150000",
    "realizedPnl": "0.400000",
    "unrealizedPnl": "0.350000",
}
PREVIEW = {
    "fillQty": "4.00",
    "restQty": "6.00",
    "avgPrice": "0.590000",
    "worstPrice": "0.5900",
    "fees": "0.067732",
    "locked": "6.027732",
    "queueAhead": None,
    "coveredQty": "0.00",
}
STATUS = {"version": "0.1.0", "uptimeSeconds": 61, "leader": True, "durability": {"fsync": "on"}}
REFUSAL = {"code": "INSUFFICIENT_FUNDS", "message": "needs 6.00, has 5.00", "details": {}}
BATCH = {"results": [{"order": ORDER}, {"error": REFUSAL}]}
RESOLVED = {
    "market": {**MARKET, "status": "RESOLVED", "outcome": "YES"},
    "payouts": {"accounts": 2, "total": "40.000000"},
}
EVENT_RESOLVED = {
    "event": {**EVENT, "status": "RESOLVED", "outcome": "ann"},
    "payouts": {"accounts": 2, "total": "10.000000"},
}
PROPOSED = {
    "market": {**MARKET, "status": "CLOSED", "proposal": PROPOSAL},
    "payouts": None,
}
TIED = {"outcome": "WEIGHTS", "weights": {"ann": "0.5000", "bob": "0.5000"}, "actorId": 1}
EVENT_PROPOSED = {
    "event": {
        **EVENT,
        "status": "CLOSED",
        "proposal": {**TIED, "note": None, "source": None, "effectiveAt": TIME},
    },
    "payouts": None,
}
ORDER_GROUP = {"id": 4, "limit": "10.00", "status": "ACTIVE", "createdAt": TIME, "updatedAt": TIME}
FAULTS = {"faults": "loss=0.01,seed=7", "injected": {"lost": 2, "cut": 0, "rejected": 0}}

READS: dict[str, object] = {
    "/v1/auth/me": USER,
    "/v1/auth/api-keys": page({**KEY, "lastUsedAt": None}),
    "/v1/auth/sessions": page(SESSION),
    "/v1/markets": {"items": [MARKET, SNOW, ANN], "total": 3},
    "/v1/markets/sleet": {**SNOW, "status": "CLOSED", "proposal": PROPOSAL},
    "/v1/markets/rain": MARKET,
    "/v1/events": {"items": [LISTED_EVENT], "total": 1},
    "/v1/events/vote": EVENT,
    "/v1/orderbook/rain": BOOK,
    "/v1/calibration": CALIBRATION,
    "/v1/trades/rain": page(TRADE),
    "/v1/candles/rain": page(CANDLE),
    "/v1/orders": page(ORDER),
    "/v1/orders/17": {**ORDER, "queueAhead": "35.00"},
    "/v1/user/balance": BALANCE,
    "/v1/user/positions": page(POSITION, NO_OF_ANN),
    "/v1/user/events": page(HOLDING),
    "/v1/user/portfolio": PORTFOLIO,
    "/v1/user/fills": page(FILL),
    "/v1/user/ledger": page(PAYOUT, LINE),
    "/v1/users": {"items": [LISTED], "total": 1},
    "/v1/users/2/balance": BALANCE,
    "/v1/users/2/positions": page(POSITION),
    "/v1/users/2/orders": page(ORDER),
    "/v1/users/2/fills": page(FILL),
    "/v1/users/2/ledger": page(LINE),
    "/v1/admin/log": page(TIE, ACT),
    "/v1/admin/overview": OVERVIEW,
    "/v1/invites": page(INVITE),
    "/v1/groups": {"items": [GROUP], "total": 1},
    "/v1/seasons": page(SEASON),
    "/v1/leaderboard": BOARD,
    "/v1/status": STATUS,
    "/v1/faults": FAULTS,
    "/v1/order-groups": page(ORDER_GROUP),
    "/v1/order-groups/4": ORDER_GROUP,
}
"""The bodies of GET."""

CREATIONS: dict[str, Answer] = {
    "/v1/auth/register": Answer(201, tokens(1)),
    "/v1/auth/login": Answer(body=tokens(1)),
    "/v1/auth/refresh": Answer(body=tokens(2)),
    "/v1/auth/logout": Answer(204),
    "/v1/auth/password": Answer(204),
    "/v1/auth/revoke-all": Answer(204),
    "/v1/users/2/revoke-all": Answer(204),
    "/v1/auth/api-keys": Answer(201, {**KEY, "key": "pm_SECRET"}),
    "/v1/markets": Answer(201, MARKET),
    "/v1/markets/rain/proposal/confirm": Answer(body=RESOLVED),
    "/v1/events/vote/proposal/confirm": Answer(body=EVENT_RESOLVED),
    "/v1/events": Answer(201, EVENT),
    "/v1/events/vote/markets": Answer(201, {**BOB, "id": 5, "slug": "dan"}),
    "/v1/orders": Answer(201, ORDER),
    "/v1/orders/preview": Answer(body=PREVIEW),
    "/v1/orders/batch": Answer(body=BATCH),
    "/v1/orders/17/cancel": Answer(body={**ORDER, "status": "CANCELED", "reason": "USER"}),
    "/v1/orders/18/cancel": Answer(body={**ORDER, "id": 18, "status": "CANCELED"}),
    "/v1/order-groups": Answer(201, ORDER_GROUP),
    "/v1/order-groups/4/reset": Answer(body=ORDER_GROUP),
    "/v1/order-groups/4/trigger": Answer(body={**ORDER_GROUP, "status": "TRIPPED"}),
    "/v1/orders/cancel-all": Answer(body={"canceled": [17, 18]}),
    "/v1/orders/cancel-after": Answer(body={"cancelAt": TIME}),
    "/v1/groups": Answer(201, GROUP),
    "/v1/seasons": Answer(201, {**SEASON, "accountsCredited": 28}),
    "/v1/seasons/2/end": Answer(body={**SEASON, "endedAt": TIME}),
    "/v1/auth/claim": Answer(body=tokens(1)),
    "/v1/users": Answer(201, {"user": MANAGED, "code": "7KQF-M2XW"}),
    "/v1/users/2/reset": Answer(body={"code": "7KQF-M2XW"}),
    "/v1/invites": Answer(201, {**INVITE, "code": "7KQF-M2XW"}),
    "/v1/user/transfer": Answer(201, {"id": 4, "balance": BALANCE}),
}
"""The answers to POST that are the same each time."""


def answer_all(stub: Stub) -> None:
    """Let ``stub`` answer every command of ASKING."""
    for path, body in READS.items():
        stub.on("GET", path, Answer(body=body))
    for path, answer in CREATIONS.items():
        stub.on("POST", path, answer)
    stub.on("POST", "/v1/markets/rain/resolve", Answer(body=RESOLVED), Answer(body=PROPOSED))
    resolved = Answer(body=EVENT_RESOLVED)
    stub.on("POST", "/v1/events/vote/resolve", resolved, Answer(body=EVENT_PROPOSED))
    stub.on("DELETE", "/v1/markets/rain/proposal", Answer(body={**MARKET, "status": "CLOSED"}))
    stub.on("DELETE", "/v1/events/vote/proposal", Answer(body={**EVENT, "status": "CLOSED"}))
    stub.on("PATCH", "/v1/markets/rain", Answer(body={**MARKET, "status": "HALTED"}))
    stub.on("PATCH", "/v1/order-groups/4", Answer(body={**ORDER_GROUP, "limit": "25.00"}))
    stub.on("DELETE", "/v1/order-groups/4", Answer(204))
    stub.on("PUT", "/v1/faults", Answer(body=FAULTS))
    stub.on("PATCH", "/v1/events/vote", Answer(body={**EVENT, "status": "HALTED"}))
    stub.on("PATCH", "/v1/orders/17", Answer(body={**ORDER, "qty": "5.00"}))
    stub.on("PATCH", "/v1/users/2", Answer(body={**MANAGED, "role": "ADMIN"}))
    stub.on("DELETE", "/v1/auth/api-keys/3", Answer(204))
    stub.on("DELETE", "/v1/auth/sessions/7", Answer(204))
    stub.on("DELETE", "/v1/invites/4", Answer(204))
    stub.on("PATCH", "/v1/auth/me", Answer(body={**USER, "displayName": "rainmaker"}))
    stub.on("POST", "/v1/import", _imported)
    for method in ("PUT", "DELETE"):
        stub.on(method, "/v1/groups/class-9b/members/2", Answer(204))


def _imported(request: Request) -> Answer:
    """Return the report of an import: what it names is new, but for the market rain."""
    body = cast("dict[str, list[dict[str, object]]]", request.body)
    items = [
        {"kind": kind, "slug": one["slug"], "status": "NEW", "id": None, "differs": []}
        for name, kind in (("markets", "MARKET"), ("events", "EVENT"))
        for one in body.get(name, ())
    ]
    there = {"status": "EXISTS", "id": 1, "differs": ["question"]}
    items = [{**one, **there} if one["slug"] == "rain" else one for one in items]
    return Answer(body={"dryRun": bool(body.get("dryRun")), "items": items})
