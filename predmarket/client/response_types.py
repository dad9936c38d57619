"""The API's answers as typed dictionaries: the JSON with names and types.

Money, prices, quantities and rates are decimal strings, times RFC 3339 UTC, ids integers. The
module holds only types.
"""

from typing import Generic, NotRequired, TypedDict, TypeVar

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """One page of a list. nextCursor is null on the last; total comes where offset is used."""

    items: list[T]
    nextCursor: NotRequired[str | None]
    total: NotRequired[int]


class User(TypedDict):
    id: int
    email: str
    role: str
    fullName: str | None
    createdAt: str
    disabled: NotRequired[bool]


class Login(TypedDict):
    """The answer of register, login and refresh."""

    accessToken: str
    refreshToken: str
    user: User


class ApiKey(TypedDict):
    id: int
    name: str
    scopes: list[str]
    createdAt: str
    lastUsedAt: str | None
    keyId: NotRequired[str]


class SessionInfo(TypedDict):
    """lastUsedAt is the login or the last refresh; current marks the session of this request."""

    id: int
    createdAt: str
    lastUsedAt: str
    address: str | None
    agent: str | None
    current: bool


class NewApiKey(TypedDict):
    """key is shown only in this answer; keyId is there with a public key."""

    id: int
    name: str
    scopes: list[str]
    key: str
    keyId: NotRequired[str]


class Creator(TypedDict):
    id: int
    fullName: str | None


class Market(TypedDict):
    id: int
    slug: str
    question: str
    description: str
    status: str
    outcome: str | None
    settlementPrice: str | None
    tickSize: str
    makerFeeRate: str
    takerFeeRate: str
    closesAt: str | None
    createdAt: str
    creator: Creator
    lastPrice: str | None
    bestBid: str | None
    bestAsk: str | None
    volume: str
    openInterest: str
    eventId: NotRequired[int | None]
    eventSlug: NotRequired[str | None]
    label: NotRequired[str | None]


class Payouts(TypedDict):
    accounts: int
    total: str


class Resolution(TypedDict):
    """During the payment of a large market payouts is null."""

    market: Market
    payouts: Payouts | None


class EventSummary(TypedDict):
    """outcome is the winner's slug, NONE, WEIGHTS or VOID. openInterest are complete sets."""

    id: int
    slug: str
    title: str
    description: str
    exhaustive: bool
    status: str
    outcome: str | None
    openInterest: str
    closesAt: str | None
    createdAt: str
    creator: Creator
    marketCount: int


class Event(EventSummary):
    """An event with its markets."""

    markets: list[Market]


class EventResolution(TypedDict):
    """While the payment of a large event goes on, payouts is null."""

    event: Event
    payouts: Payouts | None


class Payoff(TypedDict):
    """The amount that the user receives if that market of an event resolves YES."""

    marketId: int
    marketSlug: str
    payoff: str


class EventHolding(TypedDict):
    """returned: money that complete sets have paid ahead. none: the payoff if no market wins."""

    eventId: int
    eventSlug: str
    returned: str
    none: str | None
    payoffs: list[Payoff]


class Book(TypedDict):
    """bids and asks are [price, qty] pairs, the best first."""

    marketId: int
    bids: list[list[str]]
    asks: list[list[str]]
    seq: int


class BookLevels(TypedDict):
    """A book in the feed: the whole book, or sizes that replace a level's; "0.00" removes the
    level.
    """

    marketId: int
    bids: list[list[str]]
    asks: list[list[str]]


class Ticker(TypedDict):
    marketId: int
    lastPrice: str | None
    bestBid: str | None
    bestAsk: str | None
    volume: str
    openInterest: str


class EventTickers(TypedDict):
    """The markets of an event: all of them, or those that changed."""

    markets: list[Ticker]


class Trade(TypedDict):
    id: int
    buyOrderId: int
    sellOrderId: int
    marketId: int
    price: str
    qty: str
    takerSide: str
    createdAt: str


class Candle(TypedDict):
    """The trades of one interval, which begins at start."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int


class OrderFill(TypedDict):
    tradeId: int
    price: str
    qty: str
    fee: str
    liquidity: str


class OrderState(TypedDict):
    """An order without its executions, as the feed sends it."""

    id: int
    clientOrderId: str | None
    marketId: int | None
    marketSlug: str | None
    userId: int
    side: str
    type: str
    price: str | None
    qty: str
    qtyFilled: str
    qtyRemaining: str
    avgFillPrice: str | None
    feesPaid: str
    status: str
    reason: str | None
    timeInForce: str
    expiresAt: str | None
    createdAt: str
    updatedAt: str
    orderGroupId: NotRequired[int]


class OrderGroup(TypedDict):
    """limit is what the group's orders may fill within 15 seconds; a TRIPPED one takes none."""

    id: int
    limit: str
    status: str
    createdAt: str
    updatedAt: str


class OrderGroupUpdate(OrderGroup):
    """What happened to a group, and how it stood then."""

    change: str


class OrderGroupsSnapshot(TypedDict):
    items: list[OrderGroup]


class Order(OrderState):
    """queueAhead is present in the answer for a single resting order."""

    fills: list[OrderFill]
    queueAhead: NotRequired[str]


class Preview(TypedDict):
    """coveredQty gives shares held already, and so locks no cash."""

    fillQty: str
    restQty: str
    avgPrice: str | None
    worstPrice: str | None
    fees: str
    locked: str
    queueAhead: str | None
    coveredQty: str


class ErrorBody(TypedDict):
    code: str
    message: str
    details: NotRequired[object]


class BatchResult(TypedDict, total=False):
    """Either the order or the error that refused it."""

    order: Order
    error: ErrorBody


class Batch(TypedDict):
    results: list[BatchResult]


class Canceled(TypedDict):
    canceled: list[int]


class Balance(TypedDict):
    available: str
    locked: str
    total: str


class Position(TypedDict):
    marketId: int
    marketSlug: str
    qtyLong: str
    qtyShort: str
    avgPrice: str | None
    realizedPnl: str
    unrealizedPnl: str
    markPrice: str | None


class Portfolio(TypedDict):
    cash: str
    positionsValue: str
    totalValue: str
    realizedPnl: str
    unrealizedPnl: str


class Fill(TypedDict):
    """One of the user's executions."""

    tradeId: int
    orderId: int
    marketId: int
    marketSlug: str
    side: str
    price: str
    qty: str
    fee: str
    liquidity: str
    createdAt: str


class LedgerLine(TypedDict):
    """amount enters one's cash and leaves the counterpart, or, negative, the other way. The payout
    of a whole event names the event and no market.
    """

    id: int
    kind: str
    amount: str
    balanceAfter: str
    counterpart: str
    marketId: int | None
    marketSlug: str | None
    tradeId: int | None
    transferId: int | None
    reason: str | None
    commandSeq: int
    createdAt: str
    eventId: int | None
    eventSlug: str | None


class AdminAct(TypedDict):
    """target is a kind and an id, such as ``market:7``; actorId is null if no user did it."""

    id: int
    at: str
    actorId: int | None
    action: str
    target: str
    details: dict[str, str | int | bool | list[str] | dict[str, str]]


class InjectedFaults(TypedDict):
    """How often each fault has struck since the faults were last set."""

    lost: int
    cut: int
    rejected: int


class FaultsInForce(TypedDict):
    """faults is a text such as latency=50ms±20ms,seed=7, or none."""

    faults: str
    injected: InjectedFaults


class TradesSnapshot(TypedDict):
    """The last trades, newest first. missed means that older missed trades are not sent."""

    marketId: int
    items: list[Trade]
    missed: NotRequired[bool]


class MarketsSnapshot(TypedDict):
    """Markets and events that are not final, newest first; more: there are others."""

    items: list[Market]
    events: NotRequired[list[EventSummary]]
    more: NotRequired[bool]


class OrdersSnapshot(TypedDict):
    """The user's open orders, newest first; more means that there are others."""

    items: list[OrderState]
    more: NotRequired[bool]
    missed: NotRequired[bool]


class FillsSnapshot(TypedDict):
    """The user's last executions, newest first."""

    items: list[Fill]
    missed: NotRequired[bool]


class EventPositionsSnapshot(TypedDict):
    """Every live event that one holds something of."""

    items: list[EventHolding]


class PositionsSnapshot(TypedDict):
    """The user's positions in all markets with any past trade."""

    items: list[Position]


class OrderAck(TypedDict, total=False):
    """The order, or the cancelled orders of a cancel-all."""

    order: Order
    canceled: list[int]


class CancelAfter(TypedDict):
    """The time at which the dead-man switch cancels all orders; null if it is off."""

    cancelAt: str | None


class Transfer(TypedDict):
    id: int
    balance: Balance


JsonObject = dict[str, object]
"""An answer whose fields the exchange may still add to."""
