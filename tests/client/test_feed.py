"""The feed against a scripted exchange: topics, yielded messages, and the repair of gaps."""

import asyncio
import json

import pytest

from predmarket.client import (
    ApiError,
    ClientError,
    State,
    Unreachable,
)
from predmarket.client.messages import (
    BookDelta,
    BookSnapshot,
    Gap,
    StateChanged,
    TickerChanged,
    TradeMade,
    TradesSnapshot,
    Unknown,
)
from tests.client.feeds import BOOK, TRADES, begun, feed_of, seqs, take, trade, until
from tests.support.scripted_exchange import ScriptedExchange
from tests.support.stub_data import TRADE


async def test_a_book_is_kept(scripted: ScriptedExchange) -> None:
    """The book follows snapshots, absolute sizes and removals; slug and id find it."""
    async with feed_of(scripted, "orderbook:rain") as feed:
        connection = await scripted.accepted()
        book = feed.book("rain")
        assert (book.stale, book.seq, feed.state) == (True, None, State.CONNECTING)
        assert await connection.confirm({"orderbook:rain": BOOK}) == ["orderbook:rain"]
        await connection.book(3, [("0.5000", "1.00"), ("0.4000", "2.00")])
        await connection.book(5, [("0.6000", "7.50"), ("0.4000", "0.00")], last=3)
        first, snapshot, delta = await take(feed, 2)
        assert first == StateChanged(State.LIVE)
        assert isinstance(snapshot, BookSnapshot)
        assert isinstance(delta, BookDelta)
        assert (delta.last_seq, delta.seq, delta.ts, delta.topic) == (3, 5, 5, BOOK)
        assert delta.data["bids"] == [["0.6000", "7.50"], ["0.4000", "0.00"]]
        assert list(book.bids) == [(6000, 750), (5000, 100)]
        assert book is feed.book(1)
        assert (book.stale, book.seq, book.market_id, book.asks.best) == (False, 5, 1, None)
        with pytest.raises(ClientError, match="not subscribed"):
            feed.book(2)


async def test_what_is_held_already_is_not_yielded_again(scripted: ScriptedExchange) -> None:
    """Repeats, and messages before the confirmation, are dropped."""
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await trade(connection, 4)
        await trade(connection, 4)
        await trade(connection, 2)
        await trade(connection, 5)
        assert await seqs(feed, 3) == [3, 4, 5]
        connection.cut()
        connection = await scripted.accepted()
        await trade(connection, 9, last=5)
        await connection.confirm()
        await trade(connection, 6)
        assert await seqs(feed, 1) == [6]


async def test_a_gap_is_told_and_closed(scripted: ScriptedExchange) -> None:
    """During a gap the book is stale, and later messages are not applied."""
    async with feed_of(scripted, BOOK) as feed:
        connection = await scripted.accepted()
        await connection.confirm()
        await connection.book(3, [("0.5", "1")])
        await connection.book(6, [("0.5", "2")], last=5)
        await connection.book(7, [("0.5", "3")], last=6)
        assert await until(feed, Gap) == Gap(BOOK, 3, 5)
        assert (feed.book(1).stale, feed.book(1).seq, feed.book(1).bids[5000]) == (True, 3, 100)
        assert await connection.confirm() == [{"topic": BOOK, "lastSeq": 3}]
        await connection.book(8, [("0.5", "4")])
        assert await seqs(feed, 1) == [8]
        assert (feed.book(1).stale, feed.book(1).bids[5000]) == (False, 400)


async def test_a_gap_that_stays_ends_in_a_snapshot(scripted: ScriptedExchange) -> None:
    """When a resume leads to the same gap, the feed requests a snapshot."""
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await trade(connection, 9)
        assert await connection.confirm() == [{"topic": TRADES, "lastSeq": 3}]
        await trade(connection, 9)
        assert await begun(connection, 9) == [TRADES]  # without a seq
        await trade(connection, 10)
        taken = await take(feed, 3)
        assert [type(one) for one in taken if not isinstance(one, StateChanged)] == [
            TradesSnapshot,
            Gap,
            Gap,
            TradesSnapshot,
            TradeMade,
        ]


async def test_topics_come_and_go(scripted: ScriptedExchange) -> None:
    """Topics are added and removed while the feed runs; a refused one raises, others continue."""
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await take(feed, 1)
        more = asyncio.create_task(feed.subscribe(TRADES, "ticker:9"))
        request = await connection.heard("subscribe")
        assert request["data"] == {"topics": ["ticker:9"]}
        await connection.refuse(request, "MARKET_NOT_FOUND")
        with pytest.raises(ApiError, match="MARKET_NOT_FOUND"):
            await more
        more = asyncio.create_task(feed.subscribe("markets"))
        assert await connection.confirm() == ["markets"]
        await more
        less = asyncio.create_task(feed.unsubscribe(TRADES, "nothing"))
        request = await connection.heard("unsubscribe")
        assert request["data"] == {"topics": [TRADES]}
        await connection.say("unsubscribed", {"topics": [TRADES]}, requestId=request["requestId"])
        await less
        await trade(connection, 4)
        await connection.say("markets.snapshot", {"items": []}, topic="markets", seq=1)
        assert await seqs(feed, 1) == [1]
        connection.cut()
        connection = await scripted.accepted()
        assert await connection.confirm() == [{"topic": "markets", "lastSeq": 1}]


async def test_a_topic_that_the_exchange_ends(scripted: ScriptedExchange) -> None:
    """The end of a topic is yielded, and the next connection does not request it."""
    async with feed_of(scripted, TRADES, "markets") as feed:
        connection = await scripted.accepted()
        assert await connection.confirm() == [TRADES, "markets"]
        await connection.say("unsubscribed", {"topics": [TRADES, "ticker:9"]})
        shown = await until(feed, Unknown)
        assert isinstance(shown, Unknown)
        assert shown.type == "unsubscribed"
        connection.cut()
        assert await (await scripted.accepted()).confirm() == ["markets"]


async def test_a_topic_that_is_not_answered(scripted: ScriptedExchange) -> None:
    """A subscription without a reply raises at its time limit.

    The next connection requests the topic again.
    """
    async with feed_of(scripted, timeout_s=0.05) as feed:
        connection = await scripted.accepted()
        await feed.live()
        with pytest.raises(Unreachable, match="no answer in"):
            await feed.subscribe(TRADES)
        with pytest.raises(Unreachable, match="no answer in"):
            await feed.subscribe("ticker:9")
        await connection.heard("subscribe")
        await connection.refuse(await connection.heard("subscribe"), "MARKET_NOT_FOUND")
        with pytest.raises(ClientError, match="bytes"):
            await feed.subscribe("x" * 70_000)
        await connection.say("ping")
        await connection.heard("pong")
        connection.cut()
        assert await begun(await scripted.accepted()) == [TRADES]


async def test_topics_without_a_connection(scripted: ScriptedExchange) -> None:
    """Topics wait for the next connection; a thousand take several requests."""
    names = [f"ticker:{number}" for number in range(1_000)]
    feed = feed_of(scripted)
    await feed.subscribe(*names)
    with pytest.raises(ClientError, match="at most"):
        await feed.subscribe("ticker:1000")
    async with feed:
        connection = await scripted.accepted()
        asked = [topic for _ in range(5) for topic in await connection.confirm()]
        assert asked == names
        await feed.live()


async def test_a_topic_refused_at_the_start(scripted: ScriptedExchange) -> None:
    """The feed ends with the reason of a topic refused at the start."""
    async with feed_of(scripted, "user:9:orders") as feed:
        connection = await scripted.accepted()
        await connection.refuse(await connection.heard("subscribe"), "FORBIDDEN")
        with pytest.raises(ApiError, match="FORBIDDEN"):
            await feed.live()


async def test_a_topic_that_cannot_begin_now(scripted: ScriptedExchange) -> None:
    """A topic that is unavailable for a time is requested again on a new connection."""
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await connection.confirm()
        data = {"code": "UNAVAILABLE", "message": "no database"}
        await connection.say("error", data, topic=TRADES)
        lost = await until(feed, StateChanged, State.LOST)
        assert lost == StateChanged(State.LOST, "UNAVAILABLE: no database")
        connection = await scripted.accepted()
        await connection.refuse(await connection.heard("subscribe"), "OVERLOADED")
        connection = await scripted.accepted()
        await begun(connection)
        assert await seqs(feed, 1) == [3]


async def test_two_names_of_one_topic(scripted: ScriptedExchange) -> None:
    """Two names share one topic, which stays while one of them is subscribed."""
    names = {"orderbook:rain": BOOK}
    async with feed_of(scripted, "orderbook:rain", BOOK) as feed:
        connection = await scripted.accepted()
        await connection.confirm(names)
        await connection.book(3, [("0.5", "1")])
        await connection.book(3, [("0.5", "1")])
        await take(feed, 2)
        assert feed.book("rain") is feed.book(1)
        await feed.unsubscribe(BOOK)
        await connection.book(4, [("0.5", "2")], last=3)
        assert await seqs(feed, 1) == [4]


async def test_a_name_that_comes_to_mean_another_topic(scripted: ScriptedExchange) -> None:
    """When a name resolves to another topic, the held state is discarded."""
    async with feed_of(scripted, "trades:rain") as feed:
        connection = await scripted.accepted()
        await connection.confirm({"trades:rain": TRADES})
        await connection.say("trades.snapshot", {"marketId": 1, "items": []}, topic=TRADES, seq=3)
        await take(feed, 1)
        connection.cut()
        connection = await scripted.accepted()
        moved = {"trades:rain": "trades:2"}
        assert await connection.confirm(moved) == [{"topic": "trades:rain", "lastSeq": 3}]
        await connection.say("trade", TRADE, topic="trades:2", seq=4, lastSeq=3)
        assert await connection.confirm(moved) == ["trades:rain"]
        data = {"marketId": 2, "items": []}
        await connection.say("trades.snapshot", data, topic="trades:2", seq=1)
        assert await seqs(feed, 1) == [1]


async def test_a_slow_reader_loses_nothing(scripted: ScriptedExchange) -> None:
    """A topic beyond the buffer's bound pauses, and resumes once there is room."""
    async with feed_of(scripted, TRADES, limit=4) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        for seq in range(4, 20):
            await trade(connection, seq)
        await connection.say("ping")
        await connection.heard("pong")  # all of them are read by now
        assert await seqs(feed, 3) == [3, 4, 5]
        assert await connection.confirm() == [{"topic": TRADES, "lastSeq": 5}]
        await trade(connection, 6)
        await trade(connection, 7)
        assert await seqs(feed, 2) == [6, 7]


async def test_a_slow_reader_gets_its_book_whole(scripted: ScriptedExchange) -> None:
    """The book is never behind; queued messages of a book become one snapshot."""
    async with feed_of(scripted, BOOK, limit=4) as feed:
        connection = await scripted.accepted()
        await connection.confirm()
        await connection.book(1)
        for seq in range(2, 20):
            await connection.book(seq, [("0.5", f"{seq}.00")], last=seq - 1)
        await connection.say("ping")
        await connection.heard("pong")
        assert (feed.book(1).seq, feed.book(1).bids[5000]) == (19, 1900)
        await connection.book(20, [("0.6", "1.00")], last=19)
        await connection.say("ping")
        await connection.heard("pong")
        assert await seqs(feed, 4) == [1, 2, 3, 20]
        await connection.book(21, [("0.6", "0.00")], last=20)
        assert await seqs(feed, 1) == [21]


def _delta(size: str, price: str = "0.5") -> str:
    """Return an invalid change of the book."""
    data = {"marketId": 1, "bids": [[price, size]], "asks": []}
    envelope = {"type": "orderbook.delta", "ts": 1, "topic": BOOK, "seq": 4, "lastSeq": 3}
    return json.dumps(envelope | {"data": data})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"type": "trade", "ts": 1, "data": {}, "topic": "trades:1", "seq": 4, "lastSeq": 3}',
        '{"type": "trade", "ts": 1, "data": {}}',
        _delta("-1"),
        _delta("1.001"),
        _delta("1", "1.5"),
    ],
)
async def test_what_cannot_be_read_ends_a_connection(scripted: ScriptedExchange, text: str) -> None:
    """An unreadable message ends the connection, and the topics resume before it."""
    async with feed_of(scripted, BOOK) as feed:
        connection = await scripted.accepted()
        await connection.confirm()
        await connection.book(3, [("0.5", "1")])
        await connection.write(text)
        lost = await until(feed, StateChanged, State.LOST)
        assert isinstance(lost, StateChanged)
        assert "the exchange sent" in lost.reason
        connection = await scripted.accepted()
        assert await connection.confirm() == [{"topic": BOOK, "lastSeq": 3}]


async def test_what_it_does_not_know_is_shown(scripted: ScriptedExchange) -> None:
    """Messages of unknown kinds and with unknown fields are yielded."""
    async with feed_of(scripted, "ticker:1") as feed:
        connection = await scripted.accepted()
        await connection.confirm()
        await connection.say("weather", {"sun": True})
        assert await until(feed, Unknown) == Unknown(
            "weather", b'{"type": "weather", "ts": 5, "data": {"sun": true}}'
        )
        data = {"marketId": 1, "lastPrice": None, "bestBid": None, "bestAsk": None} | {
            "volume": "1.00",
            "openInterest": "0.00",
            "mood": "good",
        }
        await connection.say("ticker.snapshot", data, topic="ticker:1", seq=1)
        await connection.say("ticker", data, topic="ticker:1", seq=2, lastSeq=1)
        message = await until(feed, TickerChanged)
        assert isinstance(message, TickerChanged)
        assert (message.data["volume"], b'"mood"' in message.raw) == ("1.00", True)
