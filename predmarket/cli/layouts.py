"""The layout of each kind of answer, as a table and as CSV.

CSV has every field of the API, in the API's order. A table has the fields that people want to see.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from predmarket import units
from predmarket.cli.grid import Column, Grid, Layout
from predmarket.client.response_types import Book


def _text(heading: str, key: str) -> Column:
    return Column(heading, key)


def _number(heading: str, key: str) -> Column:
    return Column(heading, key, numeric=True)


def _optional(heading: str, key: str) -> Column:
    return Column(heading, key, optional=True)


def _no_price(heading: str, key: str) -> Column:
    """Return the column of the price of NO, when ``key`` holds that of YES."""

    def shown(value: object) -> object:
        return str(1 - Decimal(value)) if isinstance(value, str) else None

    return Column(heading, key, numeric=True, shown=shown)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def proposed(proposal: object) -> object:
    """Return how a market or an event is proposed to end, in a word; None for no proposal."""
    if not isinstance(proposal, Mapping):
        return None
    return proposal.get("settlementPrice") or proposal.get("weights") or proposal["outcome"]


PROPOSED = Column("PROPOSED", "proposal", optional=True, shown=proposed)

MARKET = Layout(
    (
        _number("ID", "id"),
        _text("MARKET", "slug"),
        _optional("EVENT", "eventSlug"),
        _optional("GROUP", "group"),
        _text("STATUS", "status"),
        PROPOSED,
        _number("BID", "bestBid"),
        _number("ASK", "bestAsk"),
        _number("LAST", "lastPrice"),
        _number("VOLUME", "volume"),
        _text("CLOSES", "closesAt"),
        _text("QUESTION", "question"),
    ),
    _names(
        "id slug question description status outcome settlementPrice tickSize makerFeeRate"
        " takerFeeRate closesAt createdAt creator lastPrice bestBid bestAsk volume openInterest"
        " eventId eventSlug label category tags source proposal group"
    ),
    least=("CLOSES", "QUESTION", "VOLUME", "EVENT", "GROUP"),
)

ORDER_FILL = Layout(
    (
        _number("TRADE", "tradeId"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
        _number("FEE", "fee"),
        _text("AS", "liquidity"),
    ),
    _names("tradeId price qty fee liquidity"),
)

ORDER = Layout(
    (
        _number("ID", "id"),
        _text("MARKET", "marketSlug"),
        _text("SIDE", "side"),
        _text("TYPE", "type"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
        _number("FILLED", "qtyFilled"),
        _number("AVG", "avgFillPrice"),
        _text("TIF", "timeInForce"),
        _text("STATUS", "status"),
        _text("REASON", "reason"),
        _text("CREATED", "createdAt"),
        _text("CLIENT ID", "clientOrderId"),
    ),
    _names(
        "id clientOrderId marketId marketSlug userId side type price qty qtyFilled qtyRemaining"
        " avgFillPrice feesPaid status reason timeInForce expiresAt createdAt updatedAt queueAhead"
        " fills orderGroupId"
    ),
    {"fills": ORDER_FILL},
    least=("CLIENT ID", "CREATED", "AVG", "TYPE", "TIF", "REASON"),
)

PREVIEW = Layout(
    fields=_names("fillQty restQty avgPrice worstPrice fees locked queueAhead coveredQty")
)
EXPLAINED_PREVIEW = Layout(fields=(*PREVIEW.fields, "closes", "opens", "cost", "mostLost"))

BATCH_RESULT = Layout(
    (
        _number("#", "number"),
        _number("ID", "id"),
        _text("STATUS", "status"),
        _number("QTY", "qty"),
        _number("FILLED", "qtyFilled"),
        _text("CLIENT ID", "clientOrderId"),
        _text("ERROR", "error"),
    ),
    _names("number id status qty qtyFilled clientOrderId error"),
)

TRADE = Layout(
    (
        _number("ID", "id"),
        _text("TIME", "createdAt"),
        _text("TAKER", "takerSide"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
    ),
    _names("id buyOrderId sellOrderId marketId price qty takerSide createdAt"),
)

USER = Layout(
    (
        _number("ID", "id"),
        _text("EMAIL", "email"),
        _text("ROLE", "role"),
        _text("NAME", "fullName"),
        _text("DISABLED", "disabled"),
        _text("CREATED", "createdAt"),
    ),
    _names("id email role fullName displayName disabled createdAt"),
)

LISTED_USER = Layout(
    (
        _number("ID", "id"),
        _text("EMAIL", "email"),
        _text("ROLE", "role"),
        _text("NAME", "fullName"),
        _text("DISABLED", "disabled"),
        _number("AVAILABLE", "available"),
        _number("LOCKED", "locked"),
        _text("LAST SEEN", "lastSeenAt"),
    ),
    _names("id email role fullName displayName disabled createdAt available locked lastSeenAt"),
)

PAST_DUE = Layout(
    (
        _number("ID", "id"),
        _text("MARKET", "slug"),
        _text("EVENT", "eventSlug"),
        _text("STATUS", "status"),
        PROPOSED,
        _text("CLOSED", "closesAt"),
        _number("OPEN INTEREST", "openInterest"),
        _number("VOLUME", "volume"),
    ),
    _names("id slug question status closesAt openInterest volume eventSlug proposal"),
)

USER_WITH_CODE = Layout(fields=_names("id email role fullName code"))

IMPORTED = Layout(
    (
        _text("EMAIL", "email"),
        _text("NAME", "fullName"),
        _text("GROUP", "group"),
        _text("STATUS", "status"),
        _text("CODE", "code"),
        _text("ERROR", "error"),
    ),
    _names("id email fullName credit group status code error"),
)

IMPORTED_MARKETS = Layout(
    (
        _text("AT", "place"),
        _text("SLUG", "slug"),
        _text("STATUS", "status"),
        _number("ID", "id"),
        _text("DIFFERS", "differs"),
    ),
    _names("place kind slug status id differs"),
)

CALIBRATION = Layout(
    (
        _number("ABOVE", "above"),
        _number("TO", "to"),
        _number("MARKETS", "markets"),
        _number("PRICE", "price"),
        _number("YES", "share"),
    ),
    _names("above to markets price share"),
)

INVITE = Layout(
    (
        _number("ID", "id"),
        _number("USED", "used"),
        _number("OF", "uses"),
        _number("CREDIT", "credit"),
        _text("GROUP", "group"),
        _text("EXPIRES", "expiresAt"),
        _text("REVOKED", "revokedAt"),
    ),
    _names("id uses used expiresAt credit group createdAt revokedAt"),
)

NEW_INVITE = Layout(fields=_names("id code uses expiresAt credit group"))

USER_GROUP = Layout(
    (
        _number("ID", "id"),
        _text("NAME", "name"),
        _number("MEMBERS", "memberCount"),
        _text("CREATED", "createdAt"),
    ),
    _names("id name memberCount createdAt"),
)

SEASON = Layout(
    (
        _number("ID", "id"),
        _text("NAME", "name"),
        _number("CREDIT", "credit"),
        _text("STARTED", "startedAt"),
        _text("CREDITED", "creditedAt"),
        _text("ENDED", "endedAt"),
    ),
    _names("id name credit startedAt creditedAt endedAt"),
    least=("CREDITED",),
)

STANDING = Layout(
    (
        _number("RANK", "rank"),
        _text("NAME", "displayName"),
        _number("PROFIT", "profit"),
        _number("VALUE", "value"),
        _number("TRADES", "trades"),
    ),
    _names("rank displayName profit value trades"),
    least=("TRADES",),
)

ORDER_GROUP = Layout(
    (
        _number("ID", "id"),
        _number("LIMIT", "limit"),
        _text("STATUS", "status"),
        _text("CREATED", "createdAt"),
        _text("UPDATED", "updatedAt"),
    ),
    _names("id limit status createdAt updatedAt"),
    least=("CREATED",),
)

SESSION = Layout(
    (
        _number("ID", "id"),
        _text("CREATED", "createdAt"),
        _text("LAST USED", "lastUsedAt"),
        _text("ADDRESS", "address"),
        _text("AGENT", "agent"),
        _text("THIS ONE", "current"),
    ),
    _names("id createdAt lastUsedAt address agent current"),
    least=("CREATED",),
)

API_KEY = Layout(
    (
        _number("ID", "id"),
        _text("NAME", "name"),
        _text("SCOPES", "scopes"),
        _text("CREATED", "createdAt"),
        _text("LAST USED", "lastUsedAt"),
    ),
    _names("id name scopes createdAt lastUsedAt keyId"),
)

NEW_API_KEY = Layout(fields=_names("id name scopes key keyId"))

BALANCE = Layout(
    (
        _number("AVAILABLE", "available"),
        _number("LOCKED", "locked"),
        _number("TOTAL", "total"),
    ),
    _names("available locked total"),
)

POSITION = Layout(
    (
        _text("MARKET", "marketSlug"),
        _number("YES", "qtyLong"),
        _number("NO", "qtyShort"),
        _number("AVG", "avgPrice"),
        _no_price("NO AVG", "avgPrice"),
        _number("MARK", "markPrice"),
        _no_price("NO MARK", "markPrice"),
        _number("REALIZED", "realizedPnl"),
        _number("UNREALIZED", "unrealizedPnl"),
    ),
    _names("marketId marketSlug qtyLong qtyShort avgPrice realizedPnl unrealizedPnl markPrice"),
    least=("REALIZED", "NO MARK", "NO AVG"),
)

PORTFOLIO = Layout(
    (
        _number("CASH", "cash"),
        _number("POSITIONS", "positionsValue"),
        _number("TOTAL", "totalValue"),
        _number("REALIZED", "realizedPnl"),
        _number("UNREALIZED", "unrealizedPnl"),
    ),
    _names("cash positionsValue totalValue realizedPnl unrealizedPnl"),
)

FILL = Layout(
    (
        _number("TRADE", "tradeId"),
        _number("ORDER", "orderId"),
        _text("TIME", "createdAt"),
        _text("MARKET", "marketSlug"),
        _text("SIDE", "side"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
        _number("FEE", "fee"),
        _text("AS", "liquidity"),
    ),
    _names("tradeId orderId marketId marketSlug side price qty fee liquidity createdAt"),
    least=("AS", "TRADE"),
)

LEDGER_LINE = Layout(
    (
        _number("ID", "id"),
        _text("TIME", "createdAt"),
        _text("KIND", "kind"),
        _text("MARKET", "marketSlug"),
        _optional("EVENT", "eventSlug"),
        _number("TRADE", "tradeId"),
        _number("AMOUNT", "amount"),
        _number("BALANCE", "balanceAfter"),
        _text("REASON", "reason"),
    ),
    _names(
        "id kind amount counterpart marketId marketSlug tradeId transferId reason commandSeq"
        " createdAt balanceAfter eventId eventSlug"
    ),
    least=("REASON", "TRADE"),
)

ADMIN_ACT = Layout(
    (
        _number("ID", "id"),
        _text("TIME", "at"),
        _number("ACTOR", "actorId"),
        _text("ACTION", "action"),
        _text("TARGET", "target"),
        _text("DETAILS", "details"),
    ),
    _names("id at actorId action target details"),
    least=("DETAILS",),
)

CANDLE = Layout(
    (
        _text("START", "start"),
        _number("OPEN", "open"),
        _number("HIGH", "high"),
        _number("LOW", "low"),
        _number("CLOSE", "close"),
        _number("VOLUME", "volume"),
        _number("TRADES", "trades"),
    ),
    _names("start open high low close volume trades"),
)

TICKER = Layout(
    (
        _text("MARKET", "slug"),
        _text("STATUS", "status"),
        _number("BID", "bestBid"),
        _number("ASK", "bestAsk"),
        _number("LAST", "lastPrice"),
        _number("VOLUME", "volume"),
        _number("OPEN INTEREST", "openInterest"),
    ),
    _names("id slug status bestBid bestAsk lastPrice volume openInterest"),
)

RESOLUTION = Layout(fields=("market", "payouts"))
TRANSFER = Layout(fields=("id", "balance"))
ANY = Layout()
"""Whatever fields the answer has."""

SETTING = Layout(
    (
        _text("OF", "scope"),
        _text("NAME", "name"),
        _text("VALUE", "value"),
        _text("FROM", "origin"),
    ),
    _names("scope name value origin"),
)

CHECK = Layout(
    (_text("CHECK", "name"), _text("OK", "ok"), _text("DETAIL", "detail")),
    _names("name ok detail"),
)

LEVEL_FIELDS = ("side", "price", "qty")


def levels(book: Book) -> list[dict[str, object]]:
    """Return the book's levels, one a row, bids first, the best first on each side."""
    sides = (("BID", book["bids"]), ("ASK", book["asks"]))
    return [
        {"side": side, "price": price, "qty": qty} for side, rows in sides for price, qty in rows
    ]


def ladder(book: Book) -> Grid:
    """Return the book as a ladder: prices falling down the middle, bids left, asks right, each
    with the sum from the best price to there.
    """
    asks = [("", "", price, qty, total) for price, qty, total in _summed(book["asks"])]
    bids = [(total, qty, price, "", "") for price, qty, total in _summed(book["bids"])]
    return Grid(
        ("SUM", "BID", "PRICE", "ASK", "SUM"),
        (True,) * 5,
        [*reversed(asks), *bids],
        ("SUM", "SUM"),
    )


def _summed(side: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    total = 0
    rows = []
    for price, qty in side:
        total += units.parse(qty, units.QTY_DECIMALS)
        rows.append((price, qty, units.format_qty(total)))
    return rows
