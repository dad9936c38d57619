"""Events in the trading state: payoffs, complete sets, the folded list, the books."""

import asyncio

import pytest

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.enums import Side
from predmarket.tui.followed import Followed
from predmarket.tui.state.book import NO_TOP
from predmarket.tui.state.listing import Fold, listing
from predmarket.tui.state.markets import Market
from predmarket.tui.state.outcomes import leaders, outcomes, result, sums
from predmarket.tui.state.positions import Position
from predmarket.tui.state.trading_state import TradingState, Watched
from predmarket.tui.state.whole_sets import WholeSets, held
from tests.tui.script import (
    LIVE,
    NOW,
    ScriptedFeed,
    book,
    change,
    delta,
    event,
    holding,
    market,
    position,
    snapshot,
    trade,
)

ANN, BOB, CID = 1, 2, 3


def outcome(id: int, label: str, **fields: object) -> response_types.Market:
    """Return a market of event 1."""
    return market(id, f"mayor-{label.lower()}", label=label, eventId=1, eventSlug="mayor", **fields)


@pytest.fixture
def state() -> TradingState:
    """A live event of three markets, and a market without event."""
    state = TradingState()
    state.take(LIVE, NOW)
    prices = ((ANN, "Ann", "0.4000", "0.4500"), (BOB, "Bob", "0.3000", "0.3500"))
    found = [outcome(id, name, bestBid=bid, bestAsk=ask) for id, name, bid, ask in prices]
    found += [outcome(CID, "Cid", bestAsk="0.2500"), market(9, "rain", volume="1.00")]
    data: response_types.MarketsSnapshot = {"items": found, "events": [event()]}
    state.take(snapshot(feed.MarketsSnapshot, "markets", data), NOW)
    return state


def hold(state: TradingState, *positions: response_types.Position, **held: object) -> None:
    """Set positions and payoffs: payoffs, returned, none."""
    state.take(snapshot(feed.PositionsSnapshot, "user:7:positions", {"items": [*positions]}), NOW)
    wire = holding(**held)  # type: ignore[arg-type]
    state.take(snapshot(feed.EventPositionsSnapshot, "user:7:events", {"items": [wire]}), NOW)


def test_what_each_outcome_pays_and_gains(state: TradingState) -> None:
    """Ten NO of Ann at 0.60 and of Bob at 0.70 cost 0.30 of the pair's 1.00."""
    hold(
        state,
        position("0.00", "10.00", marketId=ANN, avgPrice="0.400000"),
        position("0.00", "10.00", marketId=BOB, avgPrice="0.300000"),
        payoffs={ANN: "0.000000", BOB: "0.000000", CID: "10.000000"},
        returned="10.000000",
        none="10.000000",
    )
    known = state.events.get(1)
    assert known is not None
    found = [(each.label, each.pays, each.profit, each.net) for each in outcomes(state, known)]
    assert found == [
        ("Ann", 0, -3_000_000, -1000),
        ("Bob", 0, -3_000_000, -1000),
        ("Cid", 10_000_000, 7_000_000, 0),
        ("none of these", 10_000_000, 7_000_000, 0),
    ]


def test_sums_and_leaders(state: TradingState) -> None:
    """A missing bid counts 0; a missing ask is noted at the sum."""
    markets = state.markets.of_event(1)
    assert sums(markets) == ("0.70", "1.05")
    markets[2].ask = None
    assert sums(markets) == ("0.70", "0.80+")
    assert leaders(markets, 2) == [ANN, BOB]


def test_a_whole_set_is_one_line(state: TradingState) -> None:
    """An exhaustive event's complete set is one line; the remainder keeps its line and cost."""
    state.events.take([event(exhaustive=True)])
    hold(
        state,
        position("15.00", "0.00", marketId=ANN, marketSlug="mayor-ann", avgPrice="0.400000"),
        position("10.00", "0.00", marketId=BOB, marketSlug="mayor-bob", avgPrice="0.300000"),
        position("10.00", "0.00", marketId=CID, marketSlug="mayor-cid", avgPrice="0.250000"),
        payoffs={ANN: "5.000000", BOB: "0.000000", CID: "0.000000"},
        returned="10.000000",
    )
    sets, rest = held(state)
    assert isinstance(sets, WholeSets)
    assert (sets.qty, sets.cost, sets.profit) == (1000, 9_500_000, 500_000)
    assert isinstance(rest, Position)
    assert (rest.market, rest.yes, rest.cost) == (ANN, 500, 2_000_000)
    state.events.take([event(exhaustive=False)])
    assert [each for each in held(state) if isinstance(each, WholeSets)] == []


def names(state: TradingState, search: str = "", *unfolded: int) -> list[str]:
    """Return the rows of the market list by name."""
    shown = listing(state.markets, state.events, search, unfolded)
    return [each.event.slug if isinstance(each, Fold) else each.label for each in shown]


def test_the_list_folds_events(state: TradingState) -> None:
    """A search unfolds events whose markets or name it finds."""
    assert names(state) == ["rain", "mayor"]
    assert names(state, "", 1) == ["rain", "mayor", "Ann", "Bob", "Cid"]
    assert names(state, "bob") == ["mayor", "Bob"]
    assert names(state, "who becomes") == ["mayor", "Ann", "Bob", "Cid"]
    assert names(state, "rain") == ["rain"]


def end(state: TradingState, ts: int = 0) -> list[str]:
    """Let Ann win; return the journal's entry."""
    for n, (id, label) in enumerate(((ANN, "Ann"), (BOB, "Bob"), (CID, "Cid"))):
        won = {"outcome": "YES" if id == ANN else "NO", "status": "RESOLVED"}
        price = "1.0000" if id == ANN else "0.0000"
        ended = outcome(id, label, settlementPrice=price, **won)
        message = feed.MarketChanged(
            topic="markets", seq=n + 2, last_seq=n + 1, ts=ts, raw=b"", data=ended
        )
        state.take(message, NOW)
    done = event(status="RESOLVED", outcome="mayor-ann")
    state.take(
        feed.EventChanged(topic="markets", seq=5, last_seq=4, ts=ts, raw=b"", data=done), NOW
    )
    return [note.text for note in state.journal.notes if "resolved" in note.text]


def flat(state: TradingState, ts: int = 0) -> None:
    """Report that the user holds nothing any more."""
    nothing = holding({ANN: "0.000000", BOB: "0.000000"}, none="0.000000")
    state.take(
        feed.EventPositionChanged(
            topic="user:7:events", seq=2, last_seq=1, ts=ts, raw=b"", data=nothing
        ),
        NOW,
    )


def test_the_end_of_an_event_says_once_what_it_paid(state: TradingState) -> None:
    """The payout of an event is one entry, not one per market, even without the holding."""
    hold(state, payoffs={ANN: "7.000000", BOB: "2.000000"}, none="2.000000")
    flat(state, ts=60_000)
    assert end(state, ts=60_001) == ["mayor resolved mayor-ann: 7.00 paid to you"]
    known = state.events.get(1)
    assert known is not None
    assert (
        result(known, state.markets.of_event(1)) == "a share paid: Ann 1.00; of any other nothing"
    )


def test_what_was_closed_before_the_end_was_not_paid(state: TradingState) -> None:
    """A user who closed a position before the end gets no payout entry."""
    hold(state, payoffs={ANN: "7.000000", BOB: "2.000000"}, none="2.000000")
    flat(state, ts=1_000)
    assert end(state, ts=60_000) == []
    state.take(
        snapshot(
            feed.PositionsSnapshot,
            "user:7:positions",
            {"items": [position("5.00", "0.00", marketId=9, avgPrice="0.500000")]},
            seq=2,
        ),
        NOW,
    )
    closed = position("0.00", "0.00", marketId=9)
    state.take(change(feed.PositionChanged, "user:7:positions", closed, 3), NOW)
    done = market(9, "rain", status="RESOLVED", outcome="YES", settlementPrice="1.0000")
    state.take(
        feed.MarketChanged(topic="markets", seq=6, last_seq=5, ts=60_000, raw=b"", data=done), NOW
    )
    assert not [note.text for note in state.journal.notes if "paid to you" in note.text]


def test_a_struck_outcome_is_said_and_has_no_line_of_its_own(state: TradingState) -> None:
    """The journal reports a struck outcome, which keeps its place among the outcomes."""
    struck = outcome(BOB, "Bob", status="RESOLVED", outcome="NO", settlementPrice="0.0000")
    state.take(change(feed.MarketChanged, "markets", struck, 2), NOW)
    state.take(change(feed.EventChanged, "markets", event(), 3), NOW)
    assert [note.text for note in state.journal.notes] == ["Bob is out of mayor"]
    known = state.events.get(1)
    assert known is not None
    assert [each.struck for each in outcomes(state, known)] == [False, True, False, False]


def test_books_beside_the_open_market(state: TradingState) -> None:
    """Each book has its own levels and trades; without a book no order may be sent."""
    state.open(ANN)
    state.watch(Watched(1, frozenset({BOB, CID}), frozenset({BOB})))
    assert state.topics() == [
        "event:1", "orderbook:1", "orderbook:2", "orderbook:3", "trades:1", "trades:2",
    ]  # fmt: skip
    state.take(book({"0.4000": "1.00"}, {}), NOW)
    assert state.may_trade(NOW) is None
    assert state.may_trade(NOW, BOB) == "the book of mayor-bob is not here yet"
    state.take(book({"0.3000": "2.00"}, {"0.3500": "4.00"}, market=BOB), NOW)
    state.take(delta({"0.3100": "3.00"}, {}, 2, market=BOB), NOW)
    assert state.may_trade(NOW, BOB) is None
    top = state.book_of(BOB).top
    assert (top.bid, top.bid_size, top.ask, top.bids) == (3100, 300, 3500, 500)
    made = {"marketId": BOB, "items": [trade(5, "0.3300", "1.00", marketId=BOB)]}
    state.take(snapshot(feed.TradesSnapshot, "trades:2", made), NOW)
    assert (state.book_of(BOB).traded, len(state.tape)) == ({3300: 100}, 0)
    state.watch(Watched())
    assert [*state.books] == [ANN]
    assert state.book_of(BOB).top == NO_TOP
    assert state.may_trade(NOW, BOB) is None  # not subscribed: its own form has a preview


def test_a_gap_in_any_book_stops_entry_everywhere(state: TradingState) -> None:
    """A gap in one book makes all shown data stale."""
    state.open(ANN)
    state.watch(Watched(1, frozenset({BOB})))
    state.take(book({}, {}), NOW)
    state.take(book({}, {}, market=BOB), NOW)
    state.take(delta({"0.3100": "3.00"}, {}, 9, market=BOB), NOW)
    assert state.may_trade(NOW, BOB) == state.may_trade(NOW) == "data is stale; resynchronising"


async def test_topics_follow_what_is_open() -> None:
    """A newly opened market's topics begin anew; closed views leave no topic."""
    script, wanted = ScriptedFeed(), ["orderbook:1", "trades:1"]
    followed = Followed(lambda: wanted, lambda text: None)
    followed.change("orderbook:1")
    await followed.begin(script, "markets")
    wanted[:] = ["orderbook:2"]
    followed.change()
    wanted[:] = ["orderbook:1", "orderbook:3"]
    followed.change("orderbook:1")
    while followed.work.busy:
        await asyncio.sleep(0)
    assert sorted(script.topics) == ["markets", "orderbook:1", "orderbook:3"]


def test_no_price_that_would_take_is_joined(state: TradingState) -> None:
    """Improving a bid by a tick stops before the best ask."""
    known = state.events.get(1)
    assert known is not None
    ann, _, cid, none = outcomes(state, known)
    assert (ann.resting(Side.BUY, 0), ann.resting(Side.SELL, 1)) == (4000, 4400)
    assert isinstance(ann.market, Market)
    ann.market.bid = 4400
    (close, *_) = outcomes(state, known)
    assert close.resting(Side.BUY, 1) is None
    assert cid.resting(Side.BUY, 0) is none.resting(Side.BUY, 0) is None
