"""Markets and events, their books, trades and candles."""

from typing import NotRequired, TypedDict

from predmarket.client.response_types.users import Creator


class Proposal(TypedDict):
    """A proposed resolution. effectiveAt is null, or passes, where another admin has to confirm."""

    outcome: str
    settlementPrice: str | None
    note: str | None
    source: str | None
    actorId: int
    effectiveAt: str | None


class EventProposal(TypedDict):
    """outcome is the winner's slug, NONE, WEIGHTS or VOID."""

    outcome: str
    weights: dict[str, str] | None
    note: str | None
    source: str | None
    actorId: int
    effectiveAt: str | None


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
    category: NotRequired[str | None]
    tags: NotRequired[list[str]]
    source: NotRequired[str | None]
    proposal: NotRequired[Proposal | None]
    group: NotRequired[str | None]


class Payouts(TypedDict):
    accounts: int
    total: str


class Resolution(TypedDict):
    """payouts is null during the payment of a large market, and if the market has a proposal."""

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
    category: NotRequired[str | None]
    tags: NotRequired[list[str]]
    source: NotRequired[str | None]
    proposal: NotRequired[EventProposal | None]
    group: NotRequired[str | None]
    series: str


class Event(EventSummary):
    """An event with its markets."""

    markets: list[Market]


class EventResolution(TypedDict):
    """payouts is null while the payment of a large event goes on, and for a proposal."""

    event: Event
    payouts: Payouts | None


class Imported(TypedDict):
    """kind is MARKET or EVENT, status NEW (in a dry run), CREATED or EXISTS. differs are the fields
    in which what exists is otherwise."""

    kind: str
    slug: str
    status: str
    id: int | None
    differs: list[str]


class ImportReport(TypedDict):
    """The markets, then the events of an import."""

    dryRun: bool
    items: list[Imported]


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


class CalibrationBin(TypedDict):
    """Markets with a price above ``above``, up to ``to``; price is their mean, and share the share
    of them that resolved YES."""

    above: str
    to: str
    markets: int
    price: str
    share: str


class Calibration(TypedDict):
    """unpriced: markets without a trade so early; more: there are older markets, not scored."""

    before: str
    markets: int
    brierScore: str | None
    baseRate: str | None
    unpriced: int
    more: bool
    bins: list[CalibrationBin]


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
