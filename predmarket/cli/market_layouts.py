"""Layouts of markets and prices."""

from collections.abc import Mapping

from predmarket.cli.columns import names, number, optional, text
from predmarket.cli.grid import Column, Layout


def proposed(proposal: object) -> object:
    """Return the proposed outcome of a market or an event; None without a proposal."""
    if not isinstance(proposal, Mapping):
        return None
    return proposal.get("settlementPrice") or proposal.get("weights") or proposal["outcome"]


PROPOSED = Column("PROPOSED", "proposal", optional=True, shown=proposed)

MARKET = Layout(
    (
        number("ID", "id"),
        text("MARKET", "slug"),
        optional("EVENT", "eventSlug"),
        optional("GROUP", "group"),
        text("STATUS", "status"),
        PROPOSED,
        number("BID", "bestBid"),
        number("ASK", "bestAsk"),
        number("LAST", "lastPrice"),
        number("VOLUME", "volume"),
        text("CLOSES", "closesAt"),
        text("QUESTION", "question"),
    ),
    names(
        "id slug question description status outcome settlementPrice tickSize makerFeeRate"
        " takerFeeRate closesAt createdAt creator lastPrice bestBid bestAsk volume openInterest"
        " eventId eventSlug label category tags source proposal group"
    ),
    least=("CLOSES", "QUESTION", "VOLUME", "EVENT", "GROUP"),
)

TRADE = Layout(
    (
        number("ID", "id"),
        text("TIME", "createdAt"),
        text("TAKER", "takerSide"),
        number("PRICE", "price"),
        number("QTY", "qty"),
    ),
    names("id buyOrderId sellOrderId marketId price qty takerSide createdAt"),
)

CANDLE = Layout(
    (
        text("START", "start"),
        number("OPEN", "open"),
        number("HIGH", "high"),
        number("LOW", "low"),
        number("CLOSE", "close"),
        number("VOLUME", "volume"),
        number("TRADES", "trades"),
    ),
    names("start open high low close volume trades"),
)

TICKER = Layout(
    (
        text("MARKET", "slug"),
        text("STATUS", "status"),
        number("BID", "bestBid"),
        number("ASK", "bestAsk"),
        number("LAST", "lastPrice"),
        number("VOLUME", "volume"),
        number("OPEN INTEREST", "openInterest"),
    ),
    names("id slug status bestBid bestAsk lastPrice volume openInterest"),
)

PAST_DUE = Layout(
    (
        number("ID", "id"),
        text("MARKET", "slug"),
        text("EVENT", "eventSlug"),
        text("STATUS", "status"),
        PROPOSED,
        text("CLOSED", "closesAt"),
        number("OPEN INTEREST", "openInterest"),
        number("VOLUME", "volume"),
    ),
    names("id slug question status closesAt openInterest volume eventSlug proposal"),
)

IMPORTED_MARKETS = Layout(
    (
        text("AT", "place"),
        text("SLUG", "slug"),
        text("STATUS", "status"),
        number("ID", "id"),
        text("DIFFERS", "differs"),
    ),
    names("place kind slug status id differs"),
)

CALIBRATION = Layout(
    (
        number("ABOVE", "above"),
        number("TO", "to"),
        number("MARKETS", "markets"),
        number("PRICE", "price"),
        number("YES", "share"),
    ),
    names("above to markets price share"),
)

RESOLUTION = Layout(fields=("market", "payouts"))
