"""Calls about markets and their market data."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from predmarket.client.calls.call import (
    Access,
    Call,
    EventRef,
    MarketRef,
    Moment,
    Number,
    get,
    given,
    in_path,
    list_of,
    metadata,
    moment,
    number,
    query_of,
)
from predmarket.client.response_types import (
    Book,
    Calibration,
    Candle,
    ImportReport,
    Market,
    Page,
    Proposal,
    Resolution,
    Trade,
)


def markets(
    *,
    status: str | None = None,
    q: str | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
    group: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Market]]:
    """List markets: those of a category, with all of some tags, whose source holds a text, or of a
    group. ``q`` is looked for in names, category and tags."""
    return list_of(
        "/v1/markets",
        Access.OPTIONAL,
        status=status,
        q=q,
        category=category,
        tags=None if tags is None else ",".join(tags),
        source=source,
        group=group,
        limit=limit,
        offset=offset,
        cursor=cursor,
    )


def market(market: MarketRef) -> Call[Market]:
    """One market."""
    return get(f"/v1/markets/{in_path(market)}", Access.OPTIONAL)


def create_market(
    slug: str,
    question: str,
    *,
    description: str | None = None,
    tick_size: Number | None = None,
    maker_fee_rate: Number | None = None,
    taker_fee_rate: Number | None = None,
    closes_at: Moment | None = None,
    status: str | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
    group: str | None = None,
) -> Call[Market]:
    """Create a market, for the members of a group alone if one is given (admin)."""
    body = given(
        slug=slug,
        question=question,
        description=description,
        tickSize=number(tick_size),
        makerFeeRate=number(maker_fee_rate),
        takerFeeRate=number(taker_fee_rate),
        closesAt=moment(closes_at),
        status=status,
    )
    return Call("POST", "/v1/markets", body=body | metadata(category, tags, source, group))


def import_all(
    *,
    markets: Sequence[Mapping[str, object]] | None = None,
    events: Sequence[Mapping[str, object]] | None = None,
    dry_run: bool = False,
) -> Call[ImportReport]:
    """Create markets and events, all of them or none, from bodies as the API takes them (admin).
    Those whose slug exists stay as they are; a dry run only tells what would be created."""
    body = given(markets=markets, events=events, dryRun=dry_run or None)
    return Call("POST", "/v1/import", body=body)


def update_market(
    market: MarketRef,
    *,
    status: str | None = None,
    closes_at: Moment | None = None,
    question: str | None = None,
    description: str | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
    group: str | None = None,
) -> Call[Market]:
    """Change a market's status, text, category, tags, source or group (admin); an empty category,
    tags, source or group is removed."""
    body = given(
        status=status,
        closesAt=moment(closes_at),
        question=question,
        description=description,
    )
    body |= metadata(category, tags, source, group)
    return Call("PATCH", f"/v1/markets/{in_path(market)}", body=body)


def resolve_market(
    market: MarketRef,
    outcome: str,
    settlement_price: Number | None = None,
    *,
    note: str | None = None,
    source: str | None = None,
    after: str | None = None,
    effective_at: Moment | None = None,
) -> Call[Resolution]:
    """Resolve or void a market, finally (admin).

    With ``after`` ("24h") or ``effective_at`` the resolution is proposed: nothing is paid before.
    """
    body = given(
        outcome=outcome,
        settlementPrice=number(settlement_price),
        note=note,
        source=source,
        after=after,
        effectiveAt=moment(effective_at),
    )
    return Call("POST", f"/v1/markets/{in_path(market)}/resolve", body=body)


def confirm_proposal(market: MarketRef, proposal: Proposal | None = None) -> Call[Resolution]:
    """Make a market's proposed resolution at once, finally (admin).

    With ``proposal``, the market's as it was seen, one that has taken its place is not made.
    """
    body = given(proposal=proposal)
    return Call("POST", f"/v1/markets/{in_path(market)}/proposal/confirm", body=body)


def withdraw_proposal(market: MarketRef) -> Call[Market]:
    """Withdraw a market's proposed resolution; the market stays CLOSED (admin)."""
    return Call("DELETE", f"/v1/markets/{in_path(market)}/proposal")


def book(market: MarketRef, *, depth: int | None = None) -> Call[Book]:
    """The order book, ``depth`` levels a side."""
    return get(f"/v1/orderbook/{in_path(market)}", Access.OPTIONAL, depth=depth)


def trades(
    market: MarketRef,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Trade]]:
    """Trades, newest first; from ``since`` on, until before ``until``."""
    return list_of(
        f"/v1/trades/{in_path(market)}",
        Access.OPTIONAL,
        since=moment(since),
        until=moment(until),
        limit=limit,
        cursor=cursor,
    )


def calibration(
    *,
    before: str | None = None,
    event: EventRef | None = None,
    category: str | None = None,
    tags: Sequence[str] | None = None,
    source: str | None = None,
) -> Call[Calibration]:
    """How right the prices of resolved markets were, 1h, 1d or 7d before they closed."""
    return get(
        "/v1/calibration",
        Access.OPTIONAL,
        before=before,
        event=event,
        category=category,
        tags=None if tags is None else ",".join(tags),
        source=source,
    )


def candles(
    market: MarketRef, interval: str, *, since: Moment | None = None, to: Moment | None = None
) -> Call[Page[Candle]]:
    """Prices by interval (1m, 5m, 15m, 1h, 1d), oldest first; empty intervals are left out."""
    query = query_of(interval=interval, to=moment(to)) | query_of(**{"from": moment(since)})
    path = f"/v1/candles/{in_path(market)}"
    listing: Call[Page[Candle]] = list_of(path, Access.OPTIONAL)
    return replace(listing, params=query)
