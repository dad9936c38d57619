"""A feed on a scripted exchange: create it, send it trades, read its messages."""

import asyncio

from predmarket.client import (
    Backoff,
    Feed,
    NewOrder,
    State,
)
from predmarket.client.messages import (
    Message,
    TopicMessage,
)
from tests.support.scripted_exchange import PATIENCE_S, Connection, ScriptedExchange
from tests.support.stub_data import TRADE

BOOK = "orderbook:1"
TRADES = "trades:1"
AT_ONCE = Backoff(first_s=0.0, settled_s=1e9)
BUY = NewOrder(market=1, side="BUY", qty="1", price="0.5", client_order_id="a")


def feed_of(scripted: ScriptedExchange, *topics: str, **more: object) -> Feed:
    """Return a feed that reconnects at once."""
    options: dict[str, object] = {"topics": topics, "backoff": AT_ONCE} | more
    return Feed(scripted.url, **options)  # type: ignore[arg-type]  # a test's shorthand


async def take(feed: Feed, count: int) -> list[Message]:
    """Return the next ``count`` messages of topics, and all messages between them."""
    taken: list[Message] = []
    async with asyncio.timeout(PATIENCE_S):
        while sum(isinstance(message, TopicMessage) for message in taken) < count:
            taken.append(await anext(feed))
    return taken


async def seqs(feed: Feed, count: int) -> list[int]:
    """Return the numbers of the next ``count`` messages of topics."""
    return [one.seq for one in await take(feed, count) if isinstance(one, TopicMessage)]


async def until(feed: Feed, kind: type[Message], state: State | None = None) -> Message:
    """Return the next message of ``kind``, or change to ``state``."""
    async with asyncio.timeout(PATIENCE_S):
        async for message in feed:
            if isinstance(message, kind) and state in (None, getattr(message, "state", None)):
                return message
    raise AssertionError("the feed ended")


async def trade(connection: Connection, seq: int, last: int | None = None) -> None:
    """Send trade number ``seq``."""
    more = {"topic": TRADES, "seq": seq, "lastSeq": seq - 1 if last is None else last}
    await connection.say("trade", TRADE, **more)


async def begun(connection: Connection, seq: int = 3) -> list[object]:
    """Confirm the trades topic and begin it at ``seq``; return the requested topics."""
    asked = await connection.confirm()
    data = {"marketId": 1, "items": [TRADE]}
    await connection.say("trades.snapshot", data, topic=TRADES, seq=seq)
    return asked
