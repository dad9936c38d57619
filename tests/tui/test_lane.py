"""Orders leave the screen in the order of the keys; the kill switch drops waiting ones."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from predmarket.client.calls import Call
from predmarket.enums import Side
from predmarket.tui import lane
from predmarket.tui.lane import Lane
from predmarket.tui.state import parse
from predmarket.tui.state.brakes import TradingLimits
from predmarket.tui.trader import DEADLINE, Trader
from tests.tui.script import LIVE, NOW, USER, ScriptedClient, book, market, order

T = TypeVar("T")


class Held(ScriptedClient):
    """Replies to writes only when ``let`` allows it, in any order."""

    def __init__(self) -> None:
        placed = order(11, "BUY", "0.6000", "10.00") | {"fills": []}
        super().__init__({
            "GET /v1/auth/me": USER,
            "GET /v1/markets": {"items": [market()], "total": 1},
            "GET /v1/candles/1": {"items": []},
            "POST /v1/orders": placed,
            "POST /v1/orders/cancel-all": {"canceled": [11]},
            "POST /v1/orders/11/cancel": placed,
        })  # fmt: skip
        self.sent: list[str] = []
        self.gates: list[asyncio.Event] = []

    async def send(self, call: Call[T]) -> T:
        if call.method != "GET":
            body = call.body or {}
            self.sent.append(str(body.get("price") or call.path.removeprefix("/v1/orders/")))
            self.gates.append(asyncio.Event())
            await self.gates[-1].wait()
        return await super().send(call)


class Desk:
    """An armed trader and the requests that its exchange received."""

    def __init__(self) -> None:
        self.client = Held()
        self.now = NOW
        urgent = ScriptedClient({"POST /v1/orders/cancel-all": {"canceled": [11]}})
        self.trader = Trader(self.client, urgent=urgent, clock=lambda: self.now)
        self.urgent = urgent
        self.tasks: list[asyncio.Task[object]] = []

    async def begin(self) -> None:
        """Make the desk live in market 1."""
        await self.trader.begin()
        await self.trader.open(1)
        for message in (LIVE, book({"0.5900": "1.00"}, {})):
            self.trader.take(message)
        self.trader.armed = True

    def buy(self, *prices: str) -> None:
        """Press the key once at each price."""
        for price in prices:
            placing = self.trader.place_at(Side.BUY, parse.price(price), 1000)
            self.tasks.append(asyncio.create_task(placing))

    async def sends(self, *sent: str) -> None:
        """Wait until the desk is idle; check that exactly these requests were sent."""
        for _ in range(20):
            await asyncio.sleep(0)
        assert self.client.sent == [*sent]

    def answer(self, number: int) -> None:
        """Let the exchange reply to its requests."""
        self.client.gates[number].set()

    @property
    def notes(self) -> list[str]:
        """Return the journal, the oldest first."""
        return [note.text for note in self.trader.state.journal.notes][::-1]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.begin()
    yield desk
    for task in desk.tasks:
        task.cancel()
    await asyncio.gather(*desk.tasks, return_exceptions=True)


async def test_an_order_waits_for_the_answer_to_the_one_before(desk: Desk) -> None:
    """An order waits for the reply to the one before, which it could overtake."""
    desk.buy("0.6000", "0.6100", "0.6200")
    await desk.sends("0.6000")
    desk.answer(0)
    await desk.sends("0.6000", "0.6100")
    desk.answer(1)
    await desk.sends("0.6000", "0.6100", "0.6200")


async def test_what_waits_counts_towards_the_position(desk: Desk) -> None:
    """Waiting and accepted orders count towards the position; unsent ones no more."""
    desk.trader.brakes.limits = TradingLimits(position=20_00)
    desk.buy("0.6000", "0.6100", "0.6200")
    await desk.sends("0.6000")
    held = "held by your limits: BUY 10 @ 0.62: the position could exceed 20"
    assert desk.notes[-1] == held
    desk.answer(0)
    await desk.sends("0.6000", "0.6100")
    desk.buy("0.6200")
    await desk.sends("0.6000", "0.6100")
    assert desk.notes.count(held) == 2
    desk.now += 3_000_000  # by now the feed would have shown the first order, were it still there
    desk.trader.take(book({"0.5900": "1.00"}, {}, 2))
    desk.buy("0.6300")
    await desk.sends("0.6000", "0.6100")
    assert desk.notes.count(held) == 2
    desk.trader.armed = False
    desk.trader.armed = True
    await desk.sends("0.6000", "0.6100")
    desk.buy("0.6400")
    await desk.sends("0.6000", "0.6100")
    desk.answer(1)
    await desk.sends("0.6000", "0.6100", "0.6400")


async def test_the_kill_switch_drops_what_waits(desk: Desk) -> None:
    """The kill switch is sent at once; waiting orders are never sent."""
    desk.buy("0.6000", "0.6100", "0.6200")
    await desk.sends("0.6000")
    killing = asyncio.create_task(desk.trader.kill())
    await desk.sends("0.6000")
    assert len(desk.urgent.calls) == 1
    assert [note for note in desk.notes if note.startswith("not sent")] == [
        "not sent: BUY 10 @ 0.61: the screen went SAFE while it waited",
        "not sent: BUY 10 @ 0.62: the screen went SAFE while it waited",
    ]
    desk.trader.armed = True
    desk.answer(0)
    assert await killing == 2
    await desk.sends("0.6000")


async def test_cancels_wait_for_nothing_and_orders_wait_for_them(desk: Desk) -> None:
    """Cancels never wait; an order waits for earlier cancels, which may release its funds."""
    desk.buy("0.6000")
    await desk.sends("0.6000")
    desk.tasks.append(asyncio.create_task(desk.trader.cancel([11])))
    await desk.sends("0.6000", "11/cancel")
    desk.buy("0.6100")
    desk.answer(0)
    await desk.sends("0.6000", "11/cancel")
    desk.answer(1)
    await desk.sends("0.6000", "11/cancel", "0.6100")


async def test_a_side_is_cancelled_again_behind_the_orders_before_it(desk: Desk) -> None:
    """A side's cancel is repeated after pending orders before it, and before later ones."""
    desk.buy("0.6000", "0.6100")
    await desk.sends("0.6000")
    desk.tasks.append(asyncio.create_task(desk.trader.cancel_side(Side.BUY)))
    side = "cancel-all"
    await desk.sends("0.6000", side)
    desk.buy("0.6200")
    for number in range(4):
        desk.answer(number)
        await desk.sends(*["0.6000", side, "0.6100", side, "0.6200"][: max(2, number + 2)])
    assert "2 orders of BUY cancelled" in desk.notes


async def test_an_order_that_waited_too_long_is_not_sent(desk: Desk) -> None:
    """An order that waited too long is dropped, because its price is old."""
    desk.buy("0.6000", "0.6100")
    await desk.sends("0.6000")
    desk.trader.take(book({"0.5900": "1.00"}, {}, 2))
    desk.now += DEADLINE + 1
    desk.trader.state.status.heard(desk.now)
    desk.answer(0)
    await desk.sends("0.6000")
    assert desk.notes[-1] == "not sent: BUY 10 @ 0.61: it waited for more than 10 s"


async def test_who_gives_up_does_not_hold_up_the_others(desk: Desk) -> None:
    """A cancelled order, first in the queue or not, does not block the others."""
    desk.buy("0.6000", "0.6100", "0.6200")
    await desk.sends("0.6000")
    desk.tasks[1].cancel()
    desk.tasks[0].cancel()
    await desk.sends("0.6000", "0.6200")


async def test_few_may_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded; one order more is refused with a message."""
    monkeypatch.setattr(lane, "MOST", 1)
    desk.buy("0.6000", "0.6100", "0.6200")
    await desk.sends("0.6000")
    assert desk.notes[-1] == "not sent: BUY 10 @ 0.62: too many orders wait"


async def test_a_turn_that_came_as_one_gave_up_goes_to_the_next() -> None:
    """A turn given to an order that is cancelled at the same time passes to the next."""
    lane, turns = Lane(), []

    async def take(name: str) -> None:
        async with lane.turn() as mine:
            turns.append((name, mine))

    async with lane.turn():
        tasks = [asyncio.create_task(take(name)) for name in "ab"]
        await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.wait_for(tasks[1], 1.0)
    assert (turns, lane.busy) == ([("b", True)], False)
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
