"""The desk with scripted messages: its state, and when that is stale."""

from typing import Any

import pytest

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.client.messages import Gap
from predmarket.contracts.markets import Interval
from predmarket.tui.state.connection_status import SILENT, Light
from predmarket.tui.state.trading_state import TradingState
from tests.tui.script import (
    LIVE,
    LOST,
    NOW,
    book,
    change,
    delta,
    market,
    order,
    position,
    snapshot,
    trade,
)

ORDERS, FILLS = "user:7:orders", "user:7:fills"


@pytest.fixture
def desk() -> TradingState:
    """A desk that is live in market 1."""
    desk = TradingState()
    desk.markets.take([market()])
    desk.open(1)
    for message in (LIVE, book({"0.6000": "50.00"}, {"0.6100": "40.00"})):
        desk.take(message, NOW)
    return desk


def lists(*ids: int) -> dict[str, object]:
    """Return an orders snapshot with buys at 0.60."""
    return {"items": [order(id, "BUY", "0.6000", "10.00") for id in ids]}


def test_deltas_are_absolute(desk: TradingState) -> None:
    """A delta replaces a level's size, and zero takes the level away."""
    desk.take(delta({"0.6000": "20.00", "0.5900": "5.00"}, {"0.6100": "0.00"}, 2), NOW)
    assert (desk.book.bids, desk.book.asks) == ({6000: 2000, 5900: 500}, {})


def test_a_gap_makes_it_stale_until_a_snapshot(desk: TradingState) -> None:
    """A message after a gap is not applied, and entry stops until the next snapshot."""
    assert desk.may_trade(NOW) is None
    assert not desk.take(delta({"0.6000": "1.00"}, {}, 3), NOW)
    assert desk.book.bids == {6000: 5000}
    assert desk.may_trade(NOW) == "data is stale; resynchronising"
    desk.take(book({"0.5500": "1.00"}, {}, 9), NOW)
    assert (desk.may_trade(NOW), desk.book.bids) == (None, {5500: 100})
    assert desk.take(delta({"0.5500": "2.00"}, {}, 10), NOW)


def test_a_gap_that_the_feed_names(desk: TradingState) -> None:
    """A gap reported by the feed may be repaired message by message."""
    desk.take(Gap("orderbook:1", 1, 4), NOW)
    assert desk.status.light(NOW) is Light.STALE
    desk.take(delta({"0.6000": "2.00"}, {}, 2), NOW)
    assert desk.status.light(NOW) is Light.LIVE


def test_a_repeat_changes_nothing(desk: TradingState) -> None:
    """A repeated message is ignored, and is no gap."""
    assert not desk.take(delta({"0.6000": "9.00"}, {}, 1), NOW)
    assert (desk.book.bids, desk.may_trade(NOW)) == ({6000: 5000}, None)


def test_a_lost_connection_stops_entry(desk: TradingState) -> None:
    """Entry stops with the connection and continues once the feed is live."""
    desk.take(LOST, NOW)
    assert desk.may_trade(NOW) == "connection lost: the connection was cut"
    desk.take(LIVE, NOW)
    assert desk.may_trade(NOW) is None


def test_silence_is_stale(desk: TradingState) -> None:
    """A connection without messages for longer than the ping interval is stale."""
    assert desk.status.light(NOW + SILENT) is Light.LIVE
    assert desk.status.light(NOW + SILENT + 1) is Light.STALE


def test_another_market_waits_for_its_book(desk: TradingState) -> None:
    """Only the open market's messages are shown."""
    desk.markets.take([market(2, "snow")])
    desk.open(2)
    assert (desk.book.bids, desk.may_trade(NOW)) == ({}, "data is stale; resynchronising")
    desk.take(book({"0.1000": "1.00"}, {}), NOW)
    assert desk.book.bids == {}


@pytest.mark.parametrize(("status", "why"), [("HALTED", "halted"), ("CLOSED", "closed")])
def test_a_market_that_does_not_trade(desk: TradingState, status: str, why: str) -> None:
    """The refusal names the market's status, and the journal records the change."""
    desk.take(snapshot(feed.MarketsSnapshot, "markets", {"items": [market()]}), NOW)
    desk.take(change(feed.MarketChanged, "markets", market(status=status), 2), NOW)
    assert desk.may_trade(NOW) == f"the market is {why}"
    assert desk.journal.notes[0].text == f"rain is {why}"


def test_the_tape_and_volume_at_price(desk: TradingState) -> None:
    """A snapshot starts the tape, trades extend it, and a second snapshot repeats none."""
    first = {"marketId": 1, "items": [trade(2, "0.6100", "3.00"), trade(1, "0.6000", "1.00")]}
    desk.take(snapshot(feed.TradesSnapshot, "trades:1", first), NOW)
    desk.take(change(feed.TradeMade, "trades:1", trade(3, "0.6100", "4.00"), 2), NOW)
    again = {"marketId": 1, "items": [trade(4, "0.6000", "5.00"), trade(3, "0.6100", "4.00")]}
    desk.take(snapshot(feed.TradesSnapshot, "trades:1", again, 3), NOW)
    assert [each.id for each in desk.tape] == [4, 3, 2, 1]
    assert desk.book.traded == {6000: 600, 6100: 700}


def test_candles_continue_with_trades(desk: TradingState) -> None:
    """Only trades newer than the answer count; one in a new interval begins a candle."""
    desk.take(snapshot(feed.TradesSnapshot, "trades:1", {"marketId": 1, "items": []}), NOW)
    start = "2030-03-17T17:45:00.000000Z"
    given: Any = {"start": start, "open": "0.6000", "high": "0.6200", "low": "0.5900",
                  "close": "0.6100", "volume": "10.00", "trades": 2}  # fmt: skip
    desk.candles.load([given], upto=5)
    later = "2030-03-17T18:00:00.000000Z"
    for seq, each in enumerate(
        (
            trade(5, "0.9900", "1.00"),
            trade(6, "0.5800", "2.00"),
            trade(7, "0.6000", "1.00", createdAt=later),
        ),
        start=2,
    ):
        desk.take(change(feed.TradeMade, "trades:1", each, seq), NOW)
    shown = [(c.open, c.high, c.low, c.close, c.volume) for c in desk.candles.items]
    assert shown == [(6000, 6200, 5800, 5800, 1200), (6000, 6000, 6000, 6000, 100)]
    assert desk.candles.interval is Interval.QUARTER


def test_the_queue_ahead_counts_down(desk: TradingState) -> None:
    """The queue ahead falls by trades at the price, and by a smaller level."""
    desk.take(snapshot(feed.OrdersSnapshot, ORDERS, lists(11)), NOW)
    assert desk.orders.unplaced == {11}
    desk.orders.placed(11, 40_00)
    desk.take(snapshot(feed.TradesSnapshot, "trades:1", {"marketId": 1, "items": []}), NOW)
    desk.take(change(feed.TradeMade, "trades:1", trade(1, "0.6000", "15.00", "SELL"), 2), NOW)
    assert [each.ahead for each in desk.orders] == [25_00]
    desk.take(delta({"0.6000": "18.00"}, {}, 2), NOW)
    assert [each.ahead for each in desk.orders] == [8_00]


def test_an_order_keeps_its_place_unless_it_moved(desk: TradingState) -> None:
    """A smaller quantity keeps the known queue; another price requests it anew."""
    desk.take(snapshot(feed.OrdersSnapshot, ORDERS, lists(11)), NOW)
    desk.orders.placed(11, 4_00)
    smaller = order(11, "BUY", "0.6000", "5.00")
    desk.take(change(feed.OrderChanged, ORDERS, smaller, 2), NOW)
    assert ([each.ahead for each in desk.orders], desk.orders.unplaced) == ([4_00], set())
    moved = order(11, "BUY", "0.5900", "5.00")
    desk.take(change(feed.OrderChanged, ORDERS, moved, 3), NOW)
    assert ([each.ahead for each in desk.orders], desk.orders.unplaced) == ([None], {11})


def test_an_order_that_ended_is_gone(desk: TradingState) -> None:
    """An ended order leaves the list, and the journal has the reason."""
    desk.take(snapshot(feed.OrdersSnapshot, ORDERS, lists(11, 12)), NOW)
    gone = order(11, "BUY", "0.6000", "10.00", status="CANCELED", reason="DEADMAN")
    desk.take(change(feed.OrderChanged, ORDERS, gone, 2), NOW)
    assert [each.id for each in desk.orders] == [12]
    assert desk.journal.notes[0].text == "order 11 BUY 10 @ 0.60 is cancelled (DEADMAN)"


@pytest.mark.parametrize(
    ("wire", "mark", "unrealized", "if_yes", "if_no"),
    [
        # the sketch's: 70 YES at 0.60, mark 0.605
        (position("70.00", "0.00", avgPrice="0.600000", markPrice="0.605000",
                  unrealizedPnl="0.350000"), 12_100, 350_000, 28_000_000, -42_000_000),
        # NO at a YES price of 0.60 cost 0.40 each
        (position("0.00", "10.00", avgPrice="0.600000", markPrice="0.600000"),
         11_000, 500_000, -4_000_000, 6_000_000),
        # without a mark it is worth what it cost
        (position("10.00", "0.00", avgPrice="0.250000"), None, 0, 7_500_000, -2_500_000),
        (position("0.00", "0.00", realizedPnl="1.000000"), 10_000, 0, 0, 0),
    ],
)  # fmt: skip
def test_positions_at_the_live_mark(
    desk: TradingState,
    wire: response_types.Position,
    mark: int | None,
    unrealized: int,
    if_yes: int,
    if_no: int,
) -> None:
    """A position shows its unrealized profit at the mark and its value in both outcomes."""
    desk.take(snapshot(feed.PositionsSnapshot, "user:7:positions", {"items": [wire]}), NOW)
    held = desk.positions.get(1)
    assert held is not None
    assert (held.unrealized(mark), held.if_yes, held.if_no) == (unrealized, if_yes, if_no)


def test_the_mark_follows_the_ticker(desk: TradingState) -> None:
    """The mark is the midpoint if both sides have a price, else the last price."""
    quote = {"marketId": 1, "lastPrice": "0.6000", "bestBid": "0.6000", "bestAsk": "0.6100",
             "volume": "1.00", "openInterest": "1.00"}  # fmt: skip
    desk.take(snapshot(feed.TickerSnapshot, "ticker:1", quote), NOW)
    assert desk.market is not None
    assert desk.market.doubled_mark == 12_100
    one_sided = quote | {"bestAsk": None, "lastPrice": "0.6300"}
    desk.take(change(feed.TickerChanged, "ticker:1", one_sided, 2), NOW)
    assert (desk.market.doubled_mark, desk.market.rising) == (12_600, True)


def test_the_most_active_open_market_comes_first(desk: TradingState) -> None:
    """Open markets come first by activity, then halted, then closed ones.

    A search covers name, question, category and tags, prefix matches first.
    """
    desk.markets.take(
        [
            market(1, "rain", volume="1.00"),
            market(2, "snow", volume="5.00"),
            market(3, "hail", volume="90.00", status="HALTED"),
            market(4, "fog", volume="99.00", status="CLOSED"),
        ]
    )
    assert [each.slug for each in desk.markets.listed()] == ["snow", "rain", "hail", "fog"]
    assert [each.slug for each in desk.markets.listed("WILL ai")] == ["rain", "hail"]
    assert [each.slug for each in desk.markets.listed("h")] == ["hail", "snow", "rain", "fog"]
    desk.markets.take([market(1, "rain", category="Weather", tags=["Oslo", "wet"])])
    assert [each.slug for each in desk.markets.listed("weather os")] == ["rain"]


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ({"outcome": "YES", "settlementPrice": "1.0000"}, "rain resolved YES: 70.00 paid to you"),
        ({"outcome": "NO", "settlementPrice": "0.0000"}, "rain resolved NO: 0.00 paid to you"),
        ({"status": "VOIDED", "outcome": "VOID"}, "rain is void: what was paid there comes back"),
    ],
)
@pytest.mark.parametrize("position_first", [True, False])
def test_a_payout_is_told(
    desk: TradingState, end: dict[str, Any], text: str, *, position_first: bool
) -> None:
    """A payout has an entry with its amount, whichever message comes first."""
    held = position("70.00", "0.00", avgPrice="0.600000", markPrice="0.600000")
    desk.take(snapshot(feed.PositionsSnapshot, "user:7:positions", {"items": [held]}), NOW)
    desk.take(snapshot(feed.MarketsSnapshot, "markets", {"items": []}), NOW)
    told = [
        change(feed.PositionChanged, "user:7:positions", position("0.00", "0.00"), 2),
        change(feed.MarketChanged, "markets", market(**({"status": "RESOLVED"} | end)), 2),
    ]
    for message in told if position_first else reversed(told):
        desk.take(message, NOW)
    assert (desk.journal.notes[0].text, desk.alerts) == (text, 1)
