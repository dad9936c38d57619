"""Turns the exchange's records into API objects: only here integers become decimal strings.

Averages, marks and values follow docs/market_rules.md, Positions.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET

from predmarket.contracts import accounts, markets, orders, realtime
from predmarket.contracts.amounts import format_time
from predmarket.engine.proposal import EventProposal, MarketProposal
from predmarket.engine.replies import Fill, OrderRecord
from predmarket.enums import Side
from predmarket.server.gateway.loop_turns import in_turns
from predmarket.server.gateway.order_preview import Outcome
from predmarket.server.read_model.market_view import BookView, MarketView
from predmarket.server.read_model.queries.candles import CandleRecord
from predmarket.server.read_model.queries.ledger import LedgerEntry
from predmarket.server.read_model.records import MarketRecord, PositionRecord, TradeRecord, UserFill
from predmarket.units import (
    PRICE_ONE,
    Micros,
    Money,
    Price,
    Qty,
    format,
    format_money,
    format_price,
    format_qty,
    format_rate,
)

_AVERAGE_DECIMALS = 6
_LEVELS_KEPT = 65_536
"""Levels kept as text: most levels of a book are what they were a moment ago."""
_FINER = 100
"""How much finer an average's unit is than a price's."""


def _price(price: Price | None) -> str | None:
    return None if price is None else format_price(price)


def _qty(qty: Qty | None) -> str | None:
    return None if qty is None else format_qty(qty)


def _time(micros: Micros | None) -> str | None:
    return None if micros is None else format_time(micros)


def average(money: Money, qty: Qty) -> str | None:
    """Return money per share with 6 decimals, rounded half up; None for no shares."""
    if not qty:
        return None
    return format((2 * _FINER * money + qty) // (2 * qty), _AVERAGE_DECIMALS)


def market(record: MarketRecord, view: MarketView, creator_name: str | None) -> markets.Market:
    """Return a market with the best prices of its book, and its event's slug."""
    book = view.book(record.id)
    event = None if record.event_id is None else view.find_event(record.event_id)
    metadata = view.metadata_of(record)
    return markets.Market(
        id=record.id,
        slug=record.slug,
        question=record.question,
        description=record.description,
        status=record.status,
        outcome=record.outcome,
        settlement_price=_price(record.settlement_price),
        tick_size=format_price(record.tick),
        maker_fee_rate=format_rate(record.maker_rate),
        taker_fee_rate=format_rate(record.taker_rate),
        closes_at=_time(record.closes_at),
        created_at=format_time(record.created_at),
        creator=markets.Creator(record.creator_id, creator_name),
        last_price=_price(record.last_price),
        best_bid=_price(book.best_bid),
        best_ask=_price(book.best_ask),
        volume=format_qty(record.volume),
        open_interest=format_qty(record.open_interest),
        event_id=record.event_id,
        event_slug=None if event is None else event.slug,
        label=record.label,
        category=metadata.category,
        tags=list(metadata.tags),
        source=metadata.source,
        proposal=proposal(record, view),
        group=view.group_name(record.group_id),
    )


def proposal(record: MarketRecord, view: MarketView) -> markets.Proposal | None:
    """Return what is proposed for a market, alone or with its event."""
    event = None if record.event_id is None else view.find_event(record.event_id)
    found: MarketProposal | EventProposal
    if record.proposal is not None:
        found, outcome = record.proposal, record.proposal.resolution.outcome
        price = record.proposal.resolution.price
    elif event is not None and event.proposal is not None and record.outcome is None:
        found = event.proposal
        outcome, price = event.proposal.resolution.ending(record.id)
    else:
        return None
    resolution = found.resolution
    return markets.Proposal(
        outcome,
        _price(price),
        resolution.note,
        resolution.source,
        resolution.actor_id,
        _time(found.effective_at),
    )


async def markets_in_turns(
    records: Sequence[MarketRecord], view: MarketView, names: Mapping[int, str | None]
) -> list[markets.Market]:
    """Return markets with their creators' ``names`` by user id; formats them in turns."""
    return await in_turns(records, lambda one: market(one, view, names.get(one.creator_id)))


def ticker(record: MarketRecord, book: BookView) -> realtime.Ticker:
    """Return a market's prices and totals."""
    return realtime.Ticker(
        record.id,
        _price(record.last_price),
        _price(book.best_bid),
        _price(book.best_ask),
        format_qty(record.volume),
        format_qty(record.open_interest),
    )


def levels(levels: Iterable[tuple[Price, Qty]]) -> list[tuple[str, str]]:
    """Return levels of a book as [price, qty]."""
    return [_level(price, qty) for price, qty in levels]


@lru_cache(maxsize=_LEVELS_KEPT)
def _level(price: Price, qty: Qty) -> tuple[str, str]:
    return format_price(price), format_qty(qty)


async def levels_in_turns(levels: Sequence[tuple[Price, Qty]]) -> list[tuple[str, str]]:
    """Return many levels of a book as [price, qty], in turns."""
    return await in_turns(levels, lambda level: _level(*level))


async def order_book(market_id: int, book: BookView, depth: int | None) -> markets.OrderBook:
    """Return the best ``depth`` levels of each side now; formats them in turns."""
    seq, bids, asks = book.seq, book.levels(Side.BUY, depth), book.levels(Side.SELL, depth)
    shown = await levels_in_turns(bids), await levels_in_turns(asks)
    return markets.OrderBook(market_id, *shown, seq)


def trade(record: TradeRecord) -> markets.Trade:
    """Return a public trade."""
    return markets.Trade(
        record.id,
        record.buy_order_id,
        record.sell_order_id,
        record.market_id,
        format_price(record.price),
        format_qty(record.qty),
        record.taker_side,
        format_time(record.created_at),
    )


def order(record: OrderRecord, fills: Iterable[Fill], view: MarketView) -> orders.Order:
    """Return an order with its fills."""
    shown = [
        orders.OrderFill(
            fill.trade_id,
            format_price(fill.price),
            format_qty(fill.qty),
            format_money(fill.fee),
            fill.liquidity,
        )
        for fill in fills
    ]
    fields: tuple[Any, ...] = (*_standing(record, view), shown)
    if record.order_group_id is None:
        return orders.Order(*fields)
    return orders.Order(*fields, order_group_id=record.order_group_id)


def order_state(record: OrderRecord, view: MarketView) -> orders.OrderState:
    """Return an order's present state, without its fills."""
    group = record.order_group_id
    return orders.OrderState(
        *_standing(record, view), order_group_id=UNSET if group is None else group
    )


def _standing(record: OrderRecord, view: MarketView) -> tuple[Any, ...]:
    """Return the fields that every order shows."""
    known = None if record.market_id is None else view.find(record.market_id)
    filled = record.filled
    created = format_time(record.created_at)
    return (
        record.id,
        record.client_order_id,
        record.market_id,
        None if known is None else known.slug,
        record.user_id,
        record.side,
        record.type,
        _price(record.price),
        format_qty(record.qty),
        format_qty(filled),
        format_qty(record.qty - filled),
        average(record.notional, filled),
        format_money(record.fees_paid),
        record.status,
        record.reason,
        record.tif,
        _time(record.expires_at),
        created,
        created if record.updated_at == record.created_at else format_time(record.updated_at),
    )


def queued_order(
    record: OrderRecord, fills: Iterable[Fill], view: MarketView, ahead: Qty | None
) -> orders.QueuedOrder:
    """Return an order with its fills and the quantity ahead of it (None if it does not rest)."""
    shown = msgspec.structs.asdict(order(record, fills, view))
    return orders.QueuedOrder(**shown, queue_ahead=UNSET if ahead is None else format_qty(ahead))


def preview(outcome: Outcome) -> orders.Preview:
    """Return a preview."""
    return orders.Preview(
        format_qty(outcome.filled),
        format_qty(outcome.rest),
        average(outcome.notional, outcome.filled),
        _price(outcome.worst_price),
        format_money(outcome.fees),
        format_money(outcome.locked),
        _qty(outcome.queue_ahead),
        format_qty(outcome.covered),
    )


def user_fill(record: UserFill, view: MarketView) -> accounts.Fill:
    """Return a user's half of a trade."""
    return accounts.Fill(
        trade_id=record.trade_id,
        order_id=record.order_id,
        market_id=record.market_id,
        market_slug=_slug(view, record.market_id),
        side=record.side,
        price=format_price(record.price),
        qty=format_qty(record.qty),
        fee=format_money(record.fee),
        liquidity=record.liquidity,
        created_at=format_time(record.created_at),
    )


def ledger_line(entry: LedgerEntry, view: MarketView) -> accounts.LedgerLine:
    """Return a line of a user's statement."""
    of_trade = entry.kind in (accounts.EntryKind.TRADE, accounts.EntryKind.FEE)
    of_transfer = entry.kind is accounts.EntryKind.TRANSFER
    event = None if entry.event_id is None else view.find_event(entry.event_id)
    return accounts.LedgerLine(
        id=entry.id,
        kind=entry.kind,
        amount=format_money(entry.amount),
        balance_after=format_money(entry.balance),
        counterpart=entry.counterpart,
        market_id=entry.market_id,
        market_slug=None if entry.market_id is None else _slug(view, entry.market_id),
        trade_id=entry.ref_id if of_trade else None,
        transfer_id=entry.ref_id if of_transfer else None,
        reason=entry.reason,
        command_seq=entry.seq,
        created_at=format_time(entry.created_at),
        event_id=entry.event_id,
        event_slug=None if event is None else event.slug,
    )


def candle(record: CandleRecord) -> markets.Candle:
    """Return a candle."""
    return markets.Candle(
        format_time(record.start),
        format_price(record.open),
        format_price(record.high),
        format_price(record.low),
        format_price(record.close),
        format_qty(record.volume),
        record.trades,
    )


def balance(available: Money, locked: Money) -> accounts.Balance:
    """Return cash: available, locked and their sum."""
    return accounts.Balance(
        format_money(available), format_money(locked), format_money(available + locked)
    )


def position(record: PositionRecord, view: MarketView) -> accounts.Position:
    """Return a position, marked by its market's present prices."""
    mark = _mark(view, record.market_id)
    return accounts.Position(
        record.market_id,
        _slug(view, record.market_id),
        format_qty(record.yes),
        format_qty(record.no),
        _average_price(record),
        format_money(record.realized),
        format_money(_value(record, mark) - record.cost),
        _mark_price(mark),
    )


def positions_value(positions: Iterable[PositionRecord], view: MarketView) -> Money:
    """Return what positions are worth at their markets' present prices."""
    return sum(_value(record, _mark(view, record.market_id)) for record in positions)


def portfolio(
    cash: Money, positions: Iterable[PositionRecord], returned: Money, view: MarketView
) -> accounts.Portfolio:
    """Return cash and all positions valued together.

    ``returned`` is what complete sets of events have paid out ahead: the positions hold it still.
    """
    value = cost = realized = 0
    for record in positions:
        value += _value(record, _mark(view, record.market_id))
        cost += record.cost
        realized += record.realized
    return accounts.Portfolio(
        format_money(cash),
        format_money(value - returned),
        format_money(cash + value - returned),
        format_money(realized),
        format_money(value - cost),
    )


def _slug(view: MarketView, market_id: int) -> str:
    found = view.find(market_id)
    return "" if found is None else found.slug


def _mark(view: MarketView, market_id: int) -> int | None:
    """Return the mark in half price units, so that every midpoint is exact."""
    record = view.find(market_id)
    if record is None:
        return None
    book = view.book(market_id)
    bid, ask = book.best_bid, book.best_ask
    if bid is not None and ask is not None:
        return bid + ask
    return None if record.last_price is None else 2 * record.last_price


def _mark_price(mark: int | None) -> str | None:
    if mark is None:
        return None
    price, half = divmod(mark, 2)
    return format(mark * _FINER // 2, _AVERAGE_DECIMALS) if half else format_price(price)


def _value(record: PositionRecord, mark: int | None) -> Money:
    """Return the value of the shares; half a unit of money is dropped."""
    if mark is None:
        return record.cost
    return (record.yes * mark + record.no * (2 * PRICE_ONE - mark)) // 2


def _average_price(record: PositionRecord) -> str | None:
    if record.no > record.yes:
        return average(record.no * PRICE_ONE - record.cost_no, record.no)
    return average(record.cost_yes, record.yes)
