"""Orders over the feed's socket: replies match requests, and a missing reply is reported."""

import asyncio

import pytest

from predmarket.client import (
    ApiError,
    ClientError,
    NewOrder,
    State,
    Unreachable,
)
from predmarket.client.messages import (
    Unknown,
)
from tests.client.feeds import BUY, feed_of, until
from tests.support.scripted_exchange import ScriptedExchange
from tests.support.stub_data import ORDER


async def test_answers_find_their_requests(scripted: ScriptedExchange) -> None:
    """Replies match requests in any order; a refusal raises REST's error."""
    async with feed_of(scripted) as feed:
        connection = await scripted.accepted()
        await feed.live()
        work: list[asyncio.Task[object]] = [
            asyncio.create_task(feed.place(BUY)),
            asyncio.create_task(feed.cancel(17)),
            asyncio.create_task(feed.amend(17, qty="5")),
            asyncio.create_task(feed.cancel_all(market="rain")),
        ]
        asked = [await connection.hear() for _ in work]
        assert [(one["type"], one["data"]) for one in asked] == [
            ("order.place", BUY.body()),
            ("order.cancel", {"orderId": 17}),
            ("order.amend", {"orderId": 17, "qty": "5"}),
            ("order.cancelAll", {"marketId": "rain"}),
        ]
        place, cancel, amend, cancel_all = asked
        ack = "order.ack"
        await connection.say(ack, {"canceled": [1, 2]}, requestId=cancel_all["requestId"])
        await connection.refuse(cancel, "ORDER_NOT_OPEN", "it is done")
        await connection.refuse(amend, "A_NEW_CODE")
        await connection.say(ack, {"order": ORDER}, requestId=place["requestId"])
        placed, canceled, amended, all_canceled = await asyncio.gather(
            *work, return_exceptions=True
        )
        assert (placed, all_canceled) == (ORDER, {"canceled": [1, 2]})
        assert isinstance(canceled, ApiError)
        assert (canceled.status, canceled.code, canceled.message) == (
            409,
            "ORDER_NOT_OPEN",
            "it is done",
        )
        assert isinstance(amended, ApiError)
        assert (amended.status, amended.code) == (400, "A_NEW_CODE")


async def test_requests_whose_connection_died(scripted: ScriptedExchange) -> None:
    """All pending requests raise; without a connection nothing is sent."""

    async def never(_: float) -> None:
        await asyncio.Event().wait()

    async with feed_of(scripted, sleep=never) as feed:
        with pytest.raises(Unreachable, match="not sent"):
            await feed.place(BUY)
        connection = await scripted.accepted()
        await feed.live()
        work = [asyncio.create_task(feed.cancel(number)) for number in range(3)]
        for _ in work:
            await connection.hear()
        connection.cut()
        answers = await asyncio.gather(*work, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unreachable] * 3
        with pytest.raises(Unreachable, match="not sent: the connection was cut"):
            await feed.place(BUY)


async def test_an_answer_that_does_not_come(scripted: ScriptedExchange) -> None:
    """A request without a reply raises at its time limit; a late reply is yielded."""
    async with feed_of(scripted, timeout_s=0.05) as feed:
        connection = await scripted.accepted()
        await feed.live()
        with pytest.raises(Unreachable, match="no answer in"):
            await feed.place(BUY)
        request = await connection.heard("order.place")
        await connection.say("order.ack", {"order": ORDER}, requestId=request["requestId"])
        late = await until(feed, Unknown)
        assert isinstance(late, Unknown)
        assert (late.type, b'"clientOrderId": "mine-1"' in late.raw) == ("order.ack", True)


async def test_a_message_that_is_too_long_is_not_sent(scripted: ScriptedExchange) -> None:
    """A message above the limit raises, because it would end the connection."""
    async with feed_of(scripted) as feed:
        await feed.live()
        with pytest.raises(ClientError, match="bytes"):
            await feed.place(NewOrder(market="x" * 70_000, side="BUY", qty=1))
        assert feed.state is State.LIVE
