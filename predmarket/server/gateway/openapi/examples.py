"""One example for each contract, of a request or an answer.

Answers are built from the contracts, so the type checker reports a new field that is missing here.
Requests are JSON as a client would send it. tests/server/gateway/openapi checks them.
"""

from typing import Any

import msgspec

from predmarket.contracts.accounts import (
    Balance,
    Counterpart,
    EntryKind,
    Fill,
    FillPage,
    LedgerLine,
    LedgerPage,
    Portfolio,
    Position,
    PositionList,
    Transfer,
    TransferRequest,
)
from predmarket.contracts.administration import AdminAct, AdminLogPage, Overview, PastDueMarket
from predmarket.contracts.calibration import Ahead, Calibration, CalibrationBin
from predmarket.contracts.errors import ErrorBody
from predmarket.contracts.events import (
    ConfirmEventProposalRequest,
    CreateEventRequest,
    Event,
    EventHolding,
    EventHoldingList,
    EventMarketRequest,
    EventPage,
    EventResolution,
    EventSummary,
    Payoff,
    ResolveEventRequest,
    UpdateEventRequest,
)
from predmarket.contracts.identity import (
    ApiKey,
    ApiKeyList,
    ApiKeyRequest,
    ClaimRequest,
    CreateUserRequest,
    Invite,
    InviteList,
    InviteRequest,
    ListedUser,
    LoginRequest,
    LogoutRequest,
    ManagedUser,
    NewApiKey,
    NewInvite,
    NewUser,
    PasswordRequest,
    RefreshRequest,
    RegisterRequest,
    Session,
    SessionInfo,
    SessionList,
    UpdateMeRequest,
    UpdateUserRequest,
    User,
    UserCode,
    UserList,
)
from predmarket.contracts.imports import (
    Imported,
    ImportKind,
    ImportReport,
    ImportRequest,
    ImportStatus,
)
from predmarket.contracts.markets import (
    Candle,
    CandleList,
    ConfirmProposalRequest,
    CreateMarketRequest,
    Creator,
    Market,
    MarketList,
    OrderBook,
    Payouts,
    Proposal,
    Resolution,
    ResolveMarketRequest,
    Trade,
    TradePage,
    UpdateMarketRequest,
)
from predmarket.contracts.operations import ClockTime, Health, Leader, MoveClock, Status
from predmarket.contracts.order_groups import OrderGroup, OrderGroupList, OrderGroupRequest
from predmarket.contracts.orders import (
    AmendOrderRequest,
    BatchAnswer,
    BatchRequest,
    BatchResult,
    CancelAfter,
    CancelAfterRequest,
    CancelAllRequest,
    CanceledOrders,
    Order,
    OrderFill,
    OrderPage,
    PlaceOrderRequest,
    Preview,
    QueuedOrder,
)
from predmarket.contracts.requests import NoFields
from predmarket.contracts.seasons import (
    Leaderboard,
    Season,
    SeasonList,
    SeasonRequest,
    Standing,
    StartedSeason,
)
from predmarket.contracts.user_groups import UserGroup, UserGroupList, UserGroupRequest
from predmarket.enums import (
    AdminAction,
    ErrorCode,
    Liquidity,
    MarketStatus,
    OrderGroupStatus,
    OrderStatus,
    OrderType,
    Outcome,
    Role,
    Scope,
    Side,
    TimeInForce,
)

_THEN = "2026-01-31T12:00:00.000000Z"
_LATER = "2026-01-31T12:05:07.250000Z"
_SLUG = "will-it-rain-tomorrow"
_QUESTION = "Will it rain tomorrow?"
_DESCRIPTION = "Resolves YES if measurable precipitation occurs"


def _fields(record: msgspec.Struct) -> dict[str, Any]:
    """Return a record's fields, for a record that adds more."""
    return msgspec.structs.asdict(record)


_user = User(2, "user@example.com", Role.USER, "Test User", _THEN, "rainmaker")
_balance = Balance("994.480000", "0.000000", "994.480000")
_market = Market(
    id=1,
    slug=_SLUG,
    question=_QUESTION,
    description=_DESCRIPTION,
    status=MarketStatus.OPEN,
    outcome=None,
    settlement_price=None,
    tick_size="0.0100",
    maker_fee_rate="0.0000",
    taker_fee_rate="0.0000",
    closes_at=None,
    created_at=_THEN,
    creator=Creator(1, "Admin User"),
    last_price="0.5500",
    best_bid="0.5400",
    best_ask="0.5600",
    volume="10.00",
    open_interest="10.00",
    category="weather",
    tags=["rain", "oslo"],
    source="https://weather.example/oslo",
)
_order = Order(
    id=7,
    client_order_id="rain-1",
    market_id=1,
    market_slug=_SLUG,
    user_id=2,
    side=Side.BUY,
    type=OrderType.LIMIT,
    price="0.5500",
    qty="25.00",
    qty_filled="10.00",
    qty_remaining="15.00",
    avg_fill_price="0.550000",
    fees_paid="0.000000",
    status=OrderStatus.PARTIALLY_FILLED,
    reason=None,
    time_in_force=TimeInForce.GTC,
    expires_at=None,
    created_at=_THEN,
    updated_at=_THEN,
    fills=[OrderFill(3, "0.5500", "10.00", "0.000000", Liquidity.TAKER)],
)
_canceled = msgspec.structs.replace(
    _order, status=OrderStatus.CANCELED, reason="USER", updated_at=_LATER
)
_trade = Trade(3, 7, 6, 1, "0.5500", "10.00", Side.BUY, _THEN)
_fill = Fill(
    trade_id=3,
    order_id=7,
    market_id=1,
    market_slug=_SLUG,
    side=Side.BUY,
    price="0.5500",
    qty="10.00",
    fee="0.000000",
    liquidity=Liquidity.TAKER,
    created_at=_THEN,
)
_position = Position(1, _SLUG, "10.00", "0.00", "0.550000", "0.000000", "0.000000", "0.5500")
_POLITICS, _MAYOR, _GAZETTE = "politics", ["mayor"], "The city's gazette"
_ada = msgspec.structs.replace(
    _market,
    id=2,
    slug="mayor-ada",
    question="Will Ada be elected mayor?",
    description="",
    event_id=1,
    event_slug="mayor",
    label="Ada",
    category=_POLITICS,
    tags=_MAYOR,
    source=_GAZETTE,
)
_bert = msgspec.structs.replace(
    _ada, id=3, slug="mayor-bert", question="Will Bert be elected mayor?", label="Bert"
)
_summary = EventSummary(
    id=1,
    slug="mayor",
    title="Who will be elected mayor?",
    description="The candidate who is sworn in",
    exhaustive=False,
    status=MarketStatus.OPEN,
    outcome=None,
    open_interest="10.00",
    closes_at=None,
    created_at=_THEN,
    creator=Creator(1, "Admin User"),
    group=None,
    market_count=2,
    category=_POLITICS,
    tags=_MAYOR,
    source=_GAZETTE,
    series="mayor",
)
_event = Event(**_fields(_summary), markets=[_ada, _bert])
_ended = msgspec.structs.replace(
    _event,
    status=MarketStatus.RESOLVED,
    outcome="mayor-ada",
    open_interest="0.00",
    markets=[
        msgspec.structs.replace(_ada, status=MarketStatus.RESOLVED, outcome=Outcome.YES),
        msgspec.structs.replace(_bert, status=MarketStatus.RESOLVED, outcome=Outcome.NO),
    ],
)
_holding = EventHolding(
    1,
    "mayor",
    returned="10.000000",
    none="10.000000",
    payoffs=[Payoff(2, "mayor-ada", "0.000000"), Payoff(3, "mayor-bert", "0.000000")],
)
_resolved = msgspec.structs.replace(_market, status=MarketStatus.RESOLVED, outcome=Outcome.YES)

_refused = ErrorBody(
    ErrorCode.PRICE_OFF_TICK, "the price is off the tick of 0.0100", {"tickSize": "0.0100"}
)
_managed = ManagedUser(**_fields(_user), disabled=False)
_listed = ListedUser(
    **_fields(_managed), available="94.480000", locked="5.520000", last_seen_at=_LATER
)
_line = LedgerLine(
    id=12,
    kind=EntryKind.TRADE,
    amount="-5.500000",
    balance_after="94.500000",
    counterpart=Counterpart.COLLATERAL,
    market_id=1,
    market_slug=_SLUG,
    trade_id=3,
    transfer_id=None,
    reason=None,
    command_seq=1_024,
    created_at=_THEN,
)

_act = AdminAct(
    id=9,
    at=_LATER,
    actor_id=1,
    action=AdminAction.MARKET_RESOLVE,
    target="market:1",
    details={"outcome": "YES"},
)

_CODE = "7KQF-M2XW-9TJD-PC4H"
_invite = Invite(1, 30, 12, "2026-02-07T12:00:00.000000Z", "100.000000", "Class 9b", _THEN, None)
_past_due = PastDueMarket(
    id=1,
    slug=_SLUG,
    question=_QUESTION,
    status=MarketStatus.CLOSED,
    closes_at=_THEN,
    open_interest="25.00",
    volume="140.00",
    event_slug=None,
    proposal=Proposal(Outcome.YES, None, "11 mm in Oslo", None, 1, _LATER),
)
_season = Season(1, "Spring", "100.000000", _THEN, _LATER, None)
_user_group = UserGroup(1, "Class 9b", 28, _THEN)
_group = OrderGroup(4, "250.00", OrderGroupStatus.ACTIVE, _THEN, _LATER)

_ANSWERS: list[msgspec.Struct] = [
    Session("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIyIn0.c2ln", "cmVmcmVzaC10b2tlbg", _user),
    _user,
    _market,
    MarketList([_market], total=1),
    Resolution(_resolved, Payouts(accounts=2, total="10.000000")),
    _event,
    EventPage([_summary], total=1),
    EventResolution(_ended, Payouts(accounts=1, total="10.000000")),
    EventHoldingList([_holding]),
    Calibration(
        before=Ahead.DAY,
        markets=3,
        brier_score="0.086667",
        base_rate="0.333333",
        unpriced=1,
        more=False,
        bins=[
            CalibrationBin("0.2000", "0.3000", 2, "0.250000", "0.000000"),
            CalibrationBin("0.6000", "0.7000", 1, "0.630000", "1.000000"),
        ],
    ),
    ImportReport(
        dry_run=True,
        items=[
            Imported(ImportKind.MARKET, "snow-friday", ImportStatus.NEW, None, []),
            Imported(ImportKind.MARKET, "snow-saturday", ImportStatus.EXISTS, 4, ["question"]),
        ],
    ),
    OrderBook(1, bids=[("0.5400", "20.00")], asks=[("0.5600", "5.00")], seq=12),
    TradePage([_trade], next_cursor=None),
    _order,
    QueuedOrder(**_fields(_order), queue_ahead="20.00"),
    Preview("10.00", "15.00", "0.550000", "0.5500", "0.000000", "8.250000", "0.00", "0.00"),
    BatchAnswer([BatchResult(order=_order), BatchResult(error=_refused)]),
    OrderPage([_canceled], next_cursor=None),
    CanceledOrders([7, 9]),
    CancelAfter(_LATER),
    _balance,
    Transfer(4, _balance),
    PositionList([_position]),
    Portfolio("994.480000", "5.500000", "999.980000", "0.000000", "0.000000"),
    FillPage([_fill], next_cursor=None),
    LedgerPage([_line], next_cursor=None),
    CandleList([Candle(_THEN, "0.5400", "0.5600", "0.5300", "0.5500", "42.00", trades=6)]),
    NewApiKey(5, "bot", [Scope.READ, Scope.TRADE], "pmk_c2hvd24gb25jZQ"),
    ApiKeyList([ApiKey(5, "bot", [Scope.READ, Scope.TRADE], _THEN, _LATER)]),
    SessionList([SessionInfo(7, _THEN, _LATER, "192.0.2.1", "predmarket/1.0.0", current=True)]),
    _managed,
    UserList([_listed], total=1),
    AdminLogPage([_act], next_cursor=None),
    _group,
    OrderGroupList([_group]),
    _user_group,
    UserCode(_CODE),
    NewUser(_managed, _CODE),
    _invite,
    NewInvite(**_fields(_invite), code=_CODE),
    InviteList([_invite]),
    UserGroupList([_user_group], total=1),
    _season,
    SeasonList([_season]),
    StartedSeason(1, "Spring", "100.000000", _THEN, _LATER, None, 28),
    Leaderboard(
        [Standing(1, "Ann", "12.500000", "112.500000", trades=9)],
        total=28,
        season=_season,
        group=None,
    ),
    _past_due,
    Overview("25.00", "140.00", {MarketStatus.CLOSED: 1}, 1, [_past_due], 1),
    Status(
        "1.0.0",
        uptime=86_400,
        backend="sqlite",
        leader=Leader(3, None),
        durability={"synchronous": "FULL"},
        sequence=1_024,
        healthy=True,
        time=_THEN,
        clock="wall",
    ),
    ClockTime(_THEN, "stepped"),
    Health("ok", database="ok", redis="disabled", core="ok"),
]

_REQUESTS: dict[type[msgspec.Struct], dict[str, object]] = {
    RegisterRequest: {
        "email": "ann@example.com",
        "password": "a long enough password",
        "fullName": "Ann Example",
    },
    LoginRequest: {"email": "user@example.com", "password": "password123"},
    RefreshRequest: {"refreshToken": "cmVmcmVzaC10b2tlbg"},
    CreateMarketRequest: {
        "slug": "will-it-snow",
        "question": "Will it snow tomorrow?",
        "description": "Resolves YES if snow is measured",
        "tickSize": "0.01",
        "takerFeeRate": "0.07",
        "status": "OPEN",
        "category": "weather",
        "tags": ["snow", "oslo"],
        "source": "https://weather.example/oslo",
    },
    UpdateMarketRequest: {"status": "HALTED"},
    MoveClock: {"advance": "3h"},
    ResolveMarketRequest: {
        "outcome": "YES",
        "note": "It rained for an hour.",
        "source": "https://weather.example.com/today",
        "after": "24h",
    },
    ConfirmProposalRequest: {
        "proposal": {
            "outcome": "YES",
            "settlementPrice": None,
            "note": "It rained for an hour.",
            "source": "https://weather.example.com/today",
            "actorId": 1,
            "effectiveAt": _LATER,
        }
    },
    ConfirmEventProposalRequest: {
        "proposal": {
            "outcome": "mayor-ada",
            "weights": None,
            "note": "Ada was sworn in.",
            "source": None,
            "actorId": 1,
            "effectiveAt": _LATER,
        }
    },
    CreateEventRequest: {
        "slug": "mayor-2027",
        "title": "Who will be elected mayor in 2027?",
        "markets": [
            {"slug": "mayor-2027-ada", "question": "Will Ada be elected?", "label": "Ada"},
            {"slug": "mayor-2027-bert", "question": "Will Bert be elected?", "label": "Bert"},
        ],
    },
    UpdateEventRequest: {"status": "HALTED"},
    EventMarketRequest: {
        "slug": "mayor-cleo",
        "question": "Will Cleo be elected mayor?",
        "label": "Cleo",
    },
    ResolveEventRequest: {"outcome": "mayor-ada"},
    PlaceOrderRequest: {
        "marketId": _SLUG,
        "side": "BUY",
        "type": "LIMIT",
        "price": "0.55",
        "qty": "25",
    },
    ImportRequest: {
        "markets": [
            {"slug": "snow-friday", "question": "Will it snow on Friday?"},
            {"slug": "snow-saturday", "question": "Will it snow on Saturday?"},
        ],
        "dryRun": True,
    },
    BatchRequest: {
        "orders": [
            {"marketId": _SLUG, "side": "BUY", "type": "LIMIT", "price": "0.54", "qty": "5"},
            {"marketId": _SLUG, "side": "SELL", "type": "MARKET", "qty": "5"},
        ]
    },
    PasswordRequest: {"oldPassword": "the old password", "newPassword": "a longer password"},
    ApiKeyRequest: {"name": "bot", "scopes": ["read", "trade"]},
    UpdateUserRequest: {"disabled": True},
    AmendOrderRequest: {"price": "0.56", "qty": "20"},
    CancelAllRequest: {"marketId": _SLUG, "side": "BUY"},
    CancelAfterRequest: {"seconds": 30},
    OrderGroupRequest: {"limit": "250"},
    ClaimRequest: {"code": _CODE, "password": "a longer password"},
    UpdateMeRequest: {"displayName": "rainmaker"},
    CreateUserRequest: {
        "email": "ann@example.com",
        "fullName": "Ann Ames",
        "credit": "100",
        "group": "Class 9b",
    },
    InviteRequest: {"uses": 30, "credit": "100", "group": "Class 9b"},
    UserGroupRequest: {"name": "Class 9b"},
    SeasonRequest: {"name": "Spring", "credit": "100"},
    NoFields: {},
    LogoutRequest: {"refreshToken": "cmVmcmVzaC10b2tlbg"},
    TransferRequest: {"userId": 2, "amount": "100", "reason": "welcome"},
}

EXAMPLES: dict[type, object] = {
    **_REQUESTS,
    **{type(answer): msgspec.to_builtins(answer) for answer in _ANSWERS},
}

OTHER_EXAMPLES: dict[tuple[type, int], object] = {
    (Health, 503): {"status": "down", "database": "down", "redis": "disabled", "core": "ok"},
}
"""Of an answer under another status than its main one."""
