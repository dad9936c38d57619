"""One client's subscription to one topic.

It is live when messages simply go out. Until its snapshot is sent they are held, or, where the
snapshot is taken in one step, those are dropped that it stands for already. While the client does
not read, a book's deltas become one with absolute sizes, and of each market's tickers the last one
counts; the one message then spans all of theirs.
"""

from collections.abc import Callable

from predmarket.contracts.realtime import EventTickers, Ticker
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.rendering import Message, book_levels
from predmarket.server.gateway.broadcast.send_buffer import SendBuffer
from predmarket.server.gateway.broadcast.topics import Topic
from predmarket.server.read_model.announcements import EVERYBODY, Audience
from predmarket.server.read_model.changes import BookChange
from predmarket.units import Price, Qty


def nothing() -> None:
    """Do nothing: nobody loses sight of such a topic."""


_LEVEL_BYTES = 100
"""About what a level kept for later costs."""
_TICKER_BYTES = 400


class _Levels:
    """Merged deltas of a book."""

    __slots__ = ("asks", "bids", "last_seq", "market_id", "seq")

    def __init__(self, last_seq: int, market_id: int) -> None:
        self.last_seq = last_seq
        self.seq = last_seq
        self.market_id = market_id
        self.bids: dict[Price, Qty] = {}
        self.asks: dict[Price, Qty] = {}

    def add(self, change: BookChange) -> int:
        """Merge a delta; return the number of additional levels."""
        before = len(self.bids) + len(self.asks)
        self.bids.update(change.bids)
        self.asks.update(change.asks)
        self.seq = change.seq
        return len(self.bids) + len(self.asks) - before


class Subscription:
    """One client's state on one topic.

    ``live`` means that messages go out directly. ``seen`` is the last number that the sent messages
    cover. ``ended`` means that the client unsubscribed, or a newer subscription replaced this one.
    ``audience`` is the client's on the topic of all markets, and ``look_again`` ends those of the
    client's subscriptions that it may not have any more.
    """

    __slots__ = (
        "_held",
        "_holds",
        "_levels",
        "_ticker",
        "_tickers",
        "audience",
        "ended",
        "live",
        "look_again",
        "out",
        "seen",
        "topic",
    )

    def __init__(
        self,
        topic: Topic,
        out: SendBuffer,
        audience: Audience = EVERYBODY,
        look_again: Callable[[], None] = nothing,
    ) -> None:
        self.topic = topic
        self.out = out
        self.audience = audience
        self.look_again = look_again
        self.live = False
        self.ended = False
        self.seen = 0
        self._holds = 0
        self._held: list[Message] = []
        self._levels: _Levels | None = None
        self._ticker: tuple[int, int, Ticker] | None = None
        self._tickers: tuple[int, int, dict[int, Ticker]] | None = None

    def take(self, message: Message) -> None:
        """Send, hold or merge a message, for subscriptions that are not simply live."""
        if self._holds:
            self._held.append(message)
            self.out.charge(len(message.frame))
        elif not self.live and message.seq <= self.seen:
            return
        else:
            self.live = True
            merges = message.merges
            if self.out.clear or merges is None:
                self.out.send(message.frame)
            elif isinstance(merges, BookChange):
                self._merge_levels(message.last_seq, merges)
            elif isinstance(merges, Ticker):
                self._merge_ticker(message, merges)
            else:
                self._merge_tickers(message, merges)

    def hold(self) -> None:
        """Hold every message until ``release``; each hold needs its release."""
        self._holds += 1
        self.live = False

    def release(self) -> None:
        """Send the held messages after ``seen``."""
        self._holds -= 1
        if self._holds:
            return
        held, self._held = self._held, []
        for message in held:
            self.out.charge(-len(message.frame))
            if not self.ended:
                self.take(message)

    def restart(self, seq: int) -> None:
        """Continue after ``seq``, which the client has just been sent."""
        self.live = False
        self.seen = seq

    def take_frame(self) -> bytes:
        """Return the frame of the merged messages (send_buffer.Merged)."""
        levels, ticker, tickers = self._levels, self._ticker, self._tickers
        self._levels = self._ticker = self._tickers = None
        topic = self.topic.name
        if levels is not None:
            self.out.charge(-_LEVEL_BYTES * (len(levels.bids) + len(levels.asks)))
        elif ticker is not None:
            self.out.charge(-_TICKER_BYTES)
        elif tickers is not None:
            self.out.charge(-_TICKER_BYTES * (1 + len(tickers[2])))
        if self.ended:
            return b""
        if levels is not None:
            data = book_levels(levels.market_id, [*levels.bids.items()], [*levels.asks.items()])
            seq, last_seq = levels.seq, levels.last_seq
            return frames.message("orderbook.delta", data, topic=topic, seq=seq, last_seq=last_seq)
        if ticker is not None:
            last_seq, seq, now = ticker
            return frames.message("ticker", now, topic=topic, seq=seq, last_seq=last_seq)
        if tickers is not None:
            last_seq, seq, known = tickers
            several = EventTickers([*known.values()])
            return frames.message("event.tickers", several, topic=topic, seq=seq, last_seq=last_seq)
        return b""

    def _merge_levels(self, last_seq: int, change: BookChange) -> None:
        levels = self._levels
        if levels is None:
            levels = self._levels = _Levels(last_seq, change.market_id)
            self.out.wait(self)
        self.out.charge(_LEVEL_BYTES * levels.add(change))

    def _merge_ticker(self, message: Message, ticker: Ticker) -> None:
        first = message.last_seq
        if self._ticker is None:
            self.out.wait(self)
            self.out.charge(_TICKER_BYTES)
        else:
            first = self._ticker[0]
        self._ticker = (first, message.seq, ticker)

    def _merge_tickers(self, message: Message, tickers: EventTickers) -> None:
        first, known = message.last_seq, dict[int, Ticker]()
        if self._tickers is None:
            self.out.wait(self)
            self.out.charge(_TICKER_BYTES)
        else:
            first, _, known = self._tickers
        before = len(known)
        known.update({ticker.market_id: ticker for ticker in tickers.markets})
        self.out.charge(_TICKER_BYTES * (len(known) - before))
        self._tickers = (first, message.seq, known)
