"""The messages of the channels: each change as the JSON that goes to every subscriber."""

from collections.abc import Iterator, Mapping

from predmarket.engine.replies import OrderRecord
from predmarket.enums import MarketStatus
from predmarket.server.gateway.kalshi import market_presenters
from predmarket.server.gateway.kalshi.catalog import ShownEvent
from predmarket.server.gateway.kalshi.market_presenters import yes_pays
from predmarket.server.gateway.kalshi.order_presenters import Split, market_ticker
from predmarket.server.gateway.kalshi.tallies import MarketTally
from predmarket.server.gateway.kalshi.words import (
    ENDED,
    ORDER_STATUS,
    OUTCOME_SIDE,
    SECOND,
    Json,
    both_prices,
    count,
    dollars,
    fill_directions,
    milliseconds,
    order_directions,
    remaining,
    ticker,
    time,
)
from predmarket.server.read_model.changes import OrderGroupChange
from predmarket.server.read_model.market_view import BookView, MarketView
from predmarket.server.read_model.records import (
    MarketRecord,
    PositionRecord,
    TradeRecord,
    UserFill,
)
from predmarket.units import Micros, Price, Qty, format_price


def snapshot(
    name: str, market_id: int, bids: Mapping[Price, Qty], asks: Mapping[Price, Qty]
) -> Json:
    """Return a book: bids of YES, and asks as bids of NO, the best last."""
    book = BookView()
    book.bids, book.asks = dict(bids), dict(asks)
    shown = market_presenters.order_book(book, None)
    return {
        "market_ticker": name,
        "market_id": str(market_id),
        "yes_dollars_fp": shown["yes_dollars"],
        "no_dollars_fp": shown["no_dollars"],
    }


def delta(name: str, market_id: int, price: Price, by: Qty, side: str, at: Micros) -> Json:
    """Return a change of one level; ``price`` is that of the side's own outcome."""
    return {
        "market_ticker": name,
        "market_id": str(market_id),
        "price_dollars": format_price(price),
        "delta_fp": count(by),
        "side": side,
        "ts": time(at),
        "ts_ms": milliseconds(at),
    }


def quotes(record: MarketRecord, book: BookView, last_size: Qty | None, at: Micros) -> Json:
    """Return a market's prices and totals."""
    told: Json = {
        "market_id": str(record.id),
        "market_ticker": ticker(record.slug),
        "price_dollars": format_price(record.last_price or 0),
        **{
            name: value
            for name, value in market_presenters.best_prices(book).items()
            if name.startswith("yes_")
        },
        "volume_fp": count(record.volume),
        "open_interest_fp": count(record.open_interest),
        "ts": at // SECOND,
        "ts_ms": milliseconds(at),
        "time": time(at),
    }
    if last_size is not None:
        told["last_trade_size_fp"] = count(last_size)
    return told


def trade(record: TradeRecord, name: str) -> Json:
    """Return a public trade."""
    told = market_presenters.trade(record, name)
    del told["ticker"], told["created_time"]
    return {**told, "market_ticker": name, "ts_ms": milliseconds(record.created_at)}


def fill(
    record: UserFill, client_order_id: str | None, after: Qty | None, view: MarketView
) -> Json:
    """Return one of a user's fills; ``after`` is the position after it."""
    told: Json = {
        "trade_id": str(record.trade_id),
        "order_id": str(record.order_id),
        "market_ticker": market_ticker(view, record.market_id),
        "is_taker": record.liquidity == "TAKER",
        **fill_directions(record.side),
        "purchased_side": OUTCOME_SIDE[record.side],
        **both_prices(record.price),
        "count_fp": count(record.qty),
        "fee_cost": dollars(record.fee),
        "ts": record.created_at // SECOND,
        "ts_ms": milliseconds(record.created_at),
        "subaccount": 0,
    }
    if client_order_id is not None:
        told["client_order_id"] = client_order_id
    if after is not None:
        told["post_position_fp"] = count(after)
    return told


def user_order(record: OrderRecord, split: Split, view: MarketView) -> Json:
    """Return a user's order as it stands, with the split of its fills."""
    directions = order_directions(record.side)
    del directions["action"]
    told: Json = {
        "order_id": str(record.id),
        "user_id": str(record.user_id),
        "ticker": market_ticker(view, record.market_id),
        "status": ORDER_STATUS[record.status],
        **directions,
        "is_yes": directions["book_side"] == "bid",
        "yes_price_dollars": format_price(record.price or 0),
        "fill_count_fp": count(record.filled),
        "remaining_count_fp": count(remaining(record)),
        "initial_count_fp": count(record.qty),
        **split.shown(),
        "client_order_id": record.client_order_id or "",
        "created_time": time(record.created_at),
        "created_ts_ms": milliseconds(record.created_at),
        "last_update_time": time(record.updated_at),
        "last_updated_ts_ms": milliseconds(record.updated_at),
        "subaccount_number": 0,
    }
    if record.order_group_id is not None:
        told["order_group_id"] = str(record.order_group_id)
    if record.expires_at is not None:
        told["expiration_time"] = time(record.expires_at)
        told["expiration_ts_ms"] = milliseconds(record.expires_at)
    return told


def position(record: PositionRecord, tally: MarketTally, user_id: int, view: MarketView) -> Json:
    """Return a user's position in a market, and what the user has traded there."""
    held_fees = tally.held_fees if record.yes != record.no else 0
    known = {} if held_fees is None else {"position_fee_cost_dollars": dollars(held_fees)}
    return {
        "user_id": str(user_id),
        "market_ticker": market_ticker(view, record.market_id),
        "position_fp": count(record.yes - record.no),
        "position_cost_dollars": dollars(record.cost),
        "realized_pnl_dollars": dollars(record.realized),
        "fees_paid_dollars": dollars(tally.fees),
        **known,
        "volume_fp": count(tally.volume),
        "subaccount": 0,
    }


def lifecycle(
    record: MarketRecord, before: MarketRecord | None, event: ShownEvent, at: Micros
) -> Iterator[Json]:
    """Yield the changes of a market since ``before``, which is None for a new market."""
    name = {"market_ticker": ticker(record.slug)}
    if before is None:
        yield {
            **name,
            "event_type": "created",
            "open_ts": record.created_at // SECOND,
            **_closing(record),
            "price_level_structure": market_presenters.structure(record),
            "additional_metadata": {
                "name": record.question,
                "title": record.question,
                "yes_sub_title": record.label or record.question,
                "no_sub_title": record.label or record.question,
                "rules_primary": record.description,
                "rules_secondary": "",
                "can_close_early": True,
                "event_ticker": event.ticker,
            },
        }
        return
    if record.closes_at != before.closes_at or (
        record.status is MarketStatus.CLOSED and before.status is not MarketStatus.CLOSED
    ):
        closing = _closing(record)
        if record.status is MarketStatus.CLOSED:
            closing = {"close_ts": at // SECOND}
        yield {**name, "event_type": "close_date_updated", **closing}
    if record.status is before.status:
        return
    if record.status is MarketStatus.OPEN:
        yield {**name, "event_type": "activated", "is_deactivated": False}
    elif record.status is MarketStatus.HALTED:
        yield {**name, "event_type": "deactivated", "is_deactivated": True}
    elif record.status in ENDED:
        pays = yes_pays(record)
        result: Json = {"result": market_presenters.result(record)}
        if pays is not None:
            result["settlement_value"] = format_price(pays)
        yield {**name, "event_type": "determined", **result, "determination_ts": at // SECOND}
        yield {**name, "event_type": "settled", "settled_ts": at // SECOND}


def _closing(record: MarketRecord) -> Json:
    return {} if record.closes_at is None else {"close_ts": record.closes_at // SECOND}


def event_created(event: ShownEvent) -> Json:
    """Return a new event."""
    told = market_presenters.event(event)
    return {
        "event_ticker": event.ticker,
        "title": event.title,
        "subtitle": "",
        "collateral_return_type": told["collateral_return_type"],
        "series_ticker": event.series_ticker,
    }


_GROUP_EVENTS = {
    "CREATED": "created",
    "LIMIT": "limit_updated",
    "TRIPPED": "triggered",
    "RESET": "reset",
    "DELETED": "deleted",
}


def order_group(change: OrderGroupChange) -> Json:
    """Return a change of a user's order group."""
    return {
        "event_type": _GROUP_EVENTS[change.change],
        "order_group_id": str(change.group.id),
        "contracts_limit_fp": count(change.group.limit),
        "ts_ms": milliseconds(change.group.updated_at),
    }
