"""Calls about a user's own money and holdings."""

from predmarket.client.calls.call import Call, MarketRef, Moment, get, list_of, moment, of_user
from predmarket.client.response_types import (
    Balance,
    EventHolding,
    Fill,
    LedgerLine,
    Page,
    Portfolio,
    Position,
)


def balance(*, user_id: int | None = None) -> Call[Balance]:
    """Cash: available, locked, total. ``user_id`` names another user (admin), here and below."""
    return get(of_user(user_id, "balance"))


def positions(*, user_id: int | None = None) -> Call[Page[Position]]:
    """Holdings, one entry a market."""
    return list_of(of_user(user_id, "positions"))


def event_holdings() -> Call[Page[EventHolding]]:
    """The user's live events: the payoff of each outcome, and the money paid out ahead."""
    return list_of("/v1/user/events")


def portfolio() -> Call[Portfolio]:
    """Cash and holdings valued together."""
    return get("/v1/user/portfolio")


def fills(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    user_id: int | None = None,
) -> Call[Page[Fill]]:
    """The user's executions, newest first; from ``since`` on, before ``until``."""
    since, until = moment(since), moment(until)
    return list_of(of_user(user_id, "fills"), since=since, until=until, limit=limit, cursor=cursor)


def statement(
    *,
    market: MarketRef | None = None,
    kind: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    user_id: int | None = None,
) -> Call[Page[LedgerLine]]:
    """Every movement of the user's cash, newest first; from ``since`` on, before ``until``."""
    return list_of(
        of_user(user_id, "ledger"),
        market=market,
        kind=kind,
        since=moment(since),
        until=moment(until),
        limit=limit,
        cursor=cursor,
    )
