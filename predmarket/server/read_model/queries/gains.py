"""Queries on what accounts have gained.

What an account holds of a market is valued at a mark: the price that the market pays once it is
resolved; before, the midpoint of its book, rounded down to a price unit, else its last price. The
*gain* of an account in a market is that value, less the money paid there net of the money received,
fees included (``net_paid``). So the gain in all markets is the account's worth less the money moved
into it, and the gains of all accounts add up to minus the fees, whatever the marks are.

A market in the steps of a VOID counts as voided: its holders will have their payments back.

Gains are counted by the group that a market belongs to *now*. A final market never changes its
group, so at a season's start the gains in final ones are stored together, by group; those in others
are stored for each market alone and each event.
"""

from typing import NamedTuple, TypeAlias

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import EventOutcome, MarketStatus, Outcome, Side
from predmarket.server.read_model.queries.books import OPEN, RESTS
from predmarket.server.storage.tables.core import core_state
from predmarket.server.storage.tables.history import trades
from predmarket.server.storage.tables.standings import season_starts
from predmarket.server.storage.tables.trading import (
    accounts,
    events,
    holdings,
    markets,
    orders,
    positions,
)
from predmarket.units import PRICE_ONE, Money

NO_GROUP = 0
"""In place of a group: the markets without a group."""

_FINAL = (MarketStatus.RESOLVED.value, MarketStatus.VOIDED.value)
_ZERO: ColumnElement[int] = literal_column("0", BigInteger)
_Summands: TypeAlias = Select[int, int, int, int, Money, Money, Money, int]


class Mark(NamedTuple):
    """What an account had gained at a season's start: in a market alone, in an event, or in the
    final ones of a group. One row of an account has its number of trades."""

    user_id: int
    market_id: int
    event_id: int
    group_id: int
    gain: Money
    trades: int


class Start(NamedTuple):
    """A season's start: the season's id, and the last trade before."""

    season_id: int
    last_trade_id: int


async def marks_now(connection: AsyncConnection) -> tuple[int, list[Mark]]:
    """Return the id of the last trade, and what every account has gained until now."""
    last = (await connection.execute(select(core_state.c.last_trade_id))).scalar_one_or_none()
    held = union_all(_of_positions(), _of_holdings(), _of_accounts()).subquery("held")
    place = (held.c.user_id, held.c.market_id, held.c.event_id)
    # The group of what is not final may still change.
    alone = or_(held.c.market_id != 0, held.c.event_id != 0)
    group = case((alone, 0), else_=held.c.group_id)
    gain, count = total(held.c.value - held.c.paid), total(held.c.trades)
    query = select(*place, group, gain, count).group_by(*place, group)
    rows = await connection.execute(query.having(or_(gain != 0, count != 0)))
    return last or 0, [Mark(*row) for row in rows]


def gains(start: Start | None) -> Subquery:
    """Return a query of the sums of each account (``user_id``) by group of markets (``group_id``).

    ``value`` is what is held, ``gain`` the gain since the account's beginning; ``profit`` and
    ``trades`` are those since a season's start, None: since the beginning.
    """
    parts = _parts(start).subquery("parts")
    gain = total(parts.c.value - parts.c.paid)
    query = select(
        parts.c.user_id,
        parts.c.group_id,
        total(parts.c.value).label("value"),
        gain.label("gain"),
        (gain - total(parts.c.before)).label("profit"),
        total(parts.c.trades).label("trades"),
    )
    return query.group_by(parts.c.user_id, parts.c.group_id).subquery("gains")


def total(summand: ColumnElement[int]) -> ColumnElement[int]:
    """Return a sum as an integer; PostgreSQL adds integers up to a decimal."""
    return cast(func.sum(summand), BigInteger)


def _parts(start: Start | None) -> CompoundSelect[int, int, int, int, Money, Money, Money, int]:
    hidden = _hidden_trades(0 if start is None else start.last_trade_id)
    of_group = _part(hidden.c.user_id, hidden.c.group_id, trades=hidden.c.trades)
    parts = [
        _of_positions(),
        _of_holdings(),
        _of_accounts(),
        of_group,
        _part(hidden.c.user_id, trades=-hidden.c.trades),
    ]
    if start is not None:
        parts.append(_of_start(start.season_id))
    return union_all(*parts)


def _part(
    user_id: ColumnElement[int],
    group_id: ColumnElement[int] = _ZERO,
    *,
    market_id: ColumnElement[int] = _ZERO,
    event_id: ColumnElement[int] = _ZERO,
    value: ColumnElement[Money] = _ZERO,
    paid: ColumnElement[Money] = _ZERO,
    before: ColumnElement[Money] = _ZERO,
    trades: ColumnElement[int] = _ZERO,
) -> _Summands:
    """Return a query of summands: the value held, the money paid for it, the gain before the
    season's start, and trades. Of what is not final the market alone, or the event, is named."""
    return select(
        user_id.label("user_id"),
        group_id.label("group_id"),
        market_id.label("market_id"),
        event_id.label("event_id"),
        value.label("value"),
        paid.label("paid"),
        before.label("before"),
        trades.label("trades"),
    )


def _of_positions() -> _Summands:
    """Return what positions are worth; a market without an event also counts its NO as a base."""
    mark = _marks()
    net = (positions.c.yes - positions.c.no) * func.coalesce(mark.c.price, 0)
    value = case(
        (markets.c.ending == Outcome.VOID.value, positions.c.net_paid),
        (positions.c.event_id.is_(None), net + positions.c.no * PRICE_ONE),
        else_=net,
    )
    final = or_(positions.c.event_id.is_not(None), markets.c.status.in_(_FINAL))
    return (
        _part(
            positions.c.user_id,
            func.coalesce(markets.c.group_id, NO_GROUP),
            market_id=case((final, 0), else_=positions.c.market_id),
            event_id=func.coalesce(positions.c.event_id, 0),
            value=value,
            paid=positions.c.net_paid,
        )
        .join(markets, markets.c.id == positions.c.market_id)
        .outerjoin(mark, mark.c.id == positions.c.market_id)
    )


def _of_holdings() -> _Summands:
    """Return what the bases of events are worth."""
    void = events.c.ending == EventOutcome.VOID.value
    value = case((void, holdings.c.net_paid), else_=holdings.c.base * PRICE_ONE)
    return _part(
        holdings.c.user_id,
        func.coalesce(events.c.group_id, NO_GROUP),
        event_id=case((events.c.outcome.is_(None), events.c.id), else_=0),
        value=value,
        paid=holdings.c.net_paid,
    ).join(events, events.c.id == holdings.c.event_id)


def _of_accounts() -> _Summands:
    """Return the number of trades of each account, in markets of all groups."""
    return _part(accounts.c.user_id, trades=accounts.c.fill_seq)


def _of_start(season_id: int) -> _Summands:
    """Return what was there at a season's start, by the present groups."""
    start = season_starts.c
    group_id = func.coalesce(markets.c.group_id, events.c.group_id, start.group_id)
    part = _part(start.user_id, group_id, before=start.gain, trades=-start.trades)
    part = part.outerjoin(markets, markets.c.id == start.market_id)
    part = part.outerjoin(events, events.c.id == start.event_id)
    return part.where(start.season_id == season_id)


def _hidden_trades(after: int) -> CTE:
    """Return a query of the number of an account's trades in markets of a group, after a trade.

    It reads the trades of those markets alone, once.
    """
    grouped = select(markets.c.id).where(markets.c.group_id.is_not(None))
    sides = [
        select(user.label("user_id"), trades.c.market_id).where(
            trades.c.market_id.in_(grouped), trades.c.id > after
        )
        for user in (trades.c.buy_user_id, trades.c.sell_user_id)
    ]
    each = union_all(*sides).subquery("hidden_trades")
    query = select(each.c.user_id, markets.c.group_id, func.count().label("trades"))
    query = query.join(markets, markets.c.id == each.c.market_id)
    counted = query.group_by(each.c.user_id, markets.c.group_id)
    return counted.cte("hidden").prefix_with("MATERIALIZED")


def _marks() -> Subquery:
    """Return the mark of each market in which something is held, in price units.

    Computed once for each market, not for each position of it.
    """
    book = (
        select(
            markets.c.id,
            markets.c.settlement_price,
            markets.c.last_price,
            _top(Side.BUY).label("bid"),
            _top(Side.SELL).label("ask"),
        )
        .where(markets.c.open_interest > 0)
        .cte("books")
        .prefix_with("MATERIALIZED")
    )
    midpoint = (book.c.bid + book.c.ask) // 2  # null without both
    price = func.coalesce(book.c.settlement_price, midpoint, book.c.last_price)
    return select(book.c.id, price.label("price")).subquery("marks")


def _top(side: Side) -> ColumnElement[int]:
    """Return the best resting price on a side of a market, by the index of open orders."""
    best = func.max if side is Side.BUY else func.min
    at = (orders.c.market_id == markets.c.id) & (orders.c.side == side.value)
    return select(best(orders.c.price)).where(at, RESTS, OPEN).scalar_subquery()
