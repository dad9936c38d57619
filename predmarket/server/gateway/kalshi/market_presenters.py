"""Markets, events, series, books and trades as this API shows them."""

from collections.abc import Iterable

from predmarket.enums import Outcome, Side
from predmarket.server.gateway.kalshi.catalog import Catalog, ShownEvent
from predmarket.server.gateway.kalshi.words import (
    ENDED,
    MARKET_STATUS,
    Json,
    both_prices,
    complement,
    count,
    directions,
    milliseconds,
    ticker,
    time,
)
from predmarket.server.gateway.quote_history import QuoteCandle, Range
from predmarket.server.read_model.market_view import BookView
from predmarket.server.read_model.queries.candles import CandleRecord
from predmarket.server.read_model.quotes import Quotes
from predmarket.server.read_model.records import MarketRecord, TradeRecord
from predmarket.units import PRICE_ONE, Micros, Price, Qty, format_price

NO_CLOSE = "2199-12-31T23:59:59Z"
"""The closing time of a market that has none: clients expect one."""
_NOTHING = "0.0000"
_ONE = "1.0000"
_STRUCTURES = {1_000: "dime", 100: "linear_cent", 10: "deci_cent", 1: "centi_cent"}
"""Names of tick sizes; the venue has the second and the third."""
_RESULTS = {Outcome.YES: "yes", Outcome.NO: "no", Outcome.SCALAR: "scalar", Outcome.VOID: ""}
_VENUE_RATE = 700
"""The venue's taker rate, 0.07: its multiplier is 1."""


def market(record: MarketRecord, catalog: Catalog, ago: Quotes | None) -> Json:
    """Return a market. ``ago`` are its quotes a day ago, None if they are not known."""
    book = catalog.view.book(record.id)
    closes = NO_CLOSE if record.closes_at is None else time(record.closes_at)
    created = time(record.created_at)
    label = record.label or ""
    return {
        "ticker": ticker(record.slug),
        "event_ticker": catalog.event_ticker(record),
        "series_ticker": catalog.series_ticker(record),
        "market_type": "binary",
        "title": record.question,
        "subtitle": label,
        "yes_sub_title": label or record.question,
        "no_sub_title": label or record.question,
        "created_time": created,
        "updated_time": created,
        "open_time": created,
        "close_time": closes,
        "expected_expiration_time": closes,
        "expiration_time": closes,
        "latest_expiration_time": closes,
        "settlement_timer_seconds": 0,
        "status": MARKET_STATUS[record.status],
        "response_price_units": "usd_cent",
        **best_prices(book),
        "last_price_dollars": format_price(record.last_price or 0),
        "volume_fp": count(record.volume),
        "volume_24h_fp": None if ago is None else count(record.volume - ago.volume),
        "open_interest_fp": count(record.open_interest),
        "result": result(record),
        **_settlement(record),
        "can_close_early": True,
        "fractional_trading_enabled": True,
        "notional_value_dollars": _ONE,
        "previous_yes_bid_dollars": _NOTHING if ago is None else format_price(ago.bid),
        "previous_yes_ask_dollars": _NOTHING if ago is None else format_price(ago.ask),
        "previous_price_dollars": format_price((ago and ago.last_price) or 0),
        "liquidity_dollars": _NOTHING,  # as at the venue, where it is deprecated and always 0
        "expiration_value": "",
        "tick_size": max(1, record.tick // 100),
        "price_level_structure": structure(record),
        "price_ranges": [{"start": _NOTHING, "end": _ONE, "step": format_price(record.tick)}],
        "rules_primary": record.description,
        "rules_secondary": "",
    }


def best_prices(book: BookView) -> Json:
    """Return the best prices, for YES and for NO, and their sizes."""
    bid, ask = book.best_bid, book.best_ask
    bid_price, ask_price = bid or 0, PRICE_ONE if ask is None else ask
    return {
        "yes_bid_dollars": format_price(bid_price),
        "yes_ask_dollars": format_price(ask_price),
        "no_bid_dollars": format_price(complement(ask_price)),
        "no_ask_dollars": format_price(complement(bid_price)),
        "yes_bid_size_fp": count(0 if bid is None else book.bids[bid]),
        "yes_ask_size_fp": count(0 if ask is None else book.asks[ask]),
    }


def result(record: MarketRecord) -> str:
    """Return a market's outcome, "" while it has none and after a VOID."""
    return "" if record.outcome is None else _RESULTS[record.outcome]


def structure(record: MarketRecord) -> str:
    """Return the name of a market's tick size."""
    return _STRUCTURES[record.tick]


def yes_pays(record: MarketRecord) -> Price | None:
    """Return the payout of a YES share; None before the resolution and after a VOID."""
    match record.outcome:
        case Outcome.YES:
            return PRICE_ONE
        case Outcome.NO:
            return 0
        case Outcome.SCALAR:
            return record.settlement_price
    return None


def _settlement(record: MarketRecord) -> Json:
    pays = yes_pays(record) if record.status in ENDED else None
    return {} if pays is None else {"settlement_value_dollars": format_price(pays)}


def event(shown: ShownEvent) -> Json:
    """Return an event without its markets."""
    return {
        "event_ticker": shown.ticker,
        "series_ticker": shown.series_ticker,
        "title": shown.title,
        "sub_title": "",
        "category": shown.metadata.category or "",
        "collateral_return_type": "MECNET" if shown.exclusive else "",
        "mutually_exclusive": shown.exclusive,
        "strike_date": None,
        "strike_period": "",
        "available_on_brokers": False,
        "product_metadata": None,
        "last_updated_ts": time(shown.created_at),
    }


def series(shown: ShownEvent) -> Json:
    """Return the series of its oldest event."""
    source = shown.metadata.source
    return {
        "ticker": shown.series_ticker,
        "frequency": "custom",
        "title": shown.title,
        "category": shown.metadata.category or "",
        "tags": list(shown.metadata.tags),
        "settlement_sources": [] if source is None else [{"name": source, "url": source}],
        "contract_url": "",
        "contract_terms_url": "",
        "product_metadata": None,
        "fee_type": "quadratic_with_maker_fees",
        "fee_multiplier": round(shown.markets[0].taker_rate / _VENUE_RATE, 4),
        "additional_prohibitions": [],
    }


def order_book(book: BookView, depth: int | None) -> Json:
    """Return the best levels of each side, the best last: bids of YES, and asks as bids of NO."""
    bids = book.levels(Side.BUY, depth)
    asks = book.levels(Side.SELL, depth)
    return {
        "yes_dollars": levels(bids),
        "no_dollars": levels((complement(price), qty) for price, qty in asks),
    }


def levels(found: Iterable[tuple[Price, Qty]]) -> list[tuple[str, str]]:
    """Return levels, best first, as prices and counts, the best last."""
    return [(format_price(price), count(qty)) for price, qty in found][::-1]


def trade(record: TradeRecord, market_ticker: str) -> Json:
    """Return a public trade."""
    taker = directions(record.taker_side)
    return {
        "trade_id": str(record.id),
        "ticker": market_ticker,
        "count_fp": count(record.qty),
        **both_prices(record.price),
        "taker_side": taker["outcome_side"],
        "taker_outcome_side": taker["outcome_side"],
        "taker_book_side": taker["book_side"],
        "is_block_trade": False,
        "created_time": time(record.created_at),
        "ts": milliseconds(record.created_at) // 1_000,
    }


def candle(
    record: CandleRecord, width: Micros, previous: Price | None, quotes: QuoteCandle | None
) -> Json:
    """Return a candle; without quotes theirs are null, and the open interest is."""
    prices = {
        name: format_price(price)
        for name, price in (
            ("open_dollars", record.open),
            ("low_dollars", record.low),
            ("high_dollars", record.high),
            ("close_dollars", record.close),
            ("min_dollars", record.low),
            ("max_dollars", record.high),
        )
    }
    return {
        "end_period_ts": (record.start + width) // 1_000_000,
        "yes_bid": _range(None if quotes is None else quotes.bid),
        "yes_ask": _range(None if quotes is None else quotes.ask),
        "price": {
            **prices,
            "mean_dollars": None,
            "previous_dollars": None if previous is None else format_price(previous),
        },
        "volume_fp": count(record.volume),
        "open_interest_fp": None if quotes is None else count(quotes.interest),
    }


def _range(found: Range | None) -> Json:
    names = Range._fields
    prices = (None,) * len(names) if found is None else map(format_price, found)
    return {f"{name}_dollars": price for name, price in zip(names, prices, strict=True)}
