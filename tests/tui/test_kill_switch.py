"""The kill switch: its waits, and its behaviour without a reply."""

import asyncio

import pytest

from predmarket.client import ApiError, Unreachable
from predmarket.tui import kill_switch
from predmarket.tui.kill_switch import EventCancels, KillSwitch
from predmarket.tui.state.journal import Weight


class Exchange:
    """Answers cancels from a script, and records messages."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = [*answers]
        self.asked = 0
        self.under_way: set[asyncio.Future[object]] = set()
        self.said: list[str] = []
        self.switch = KillSwitch(self.cancel, lambda: self.under_way, self.say)

    async def cancel(self) -> int:
        self.asked += 1
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def say(self, text: str, _: Weight) -> None:
        self.said.append(text)


async def test_it_says_what_was_acknowledged() -> None:
    """The shown count is the exchange's."""
    exchange = Exchange(3)
    assert await exchange.switch.press() == 3
    assert exchange.said == ["CANCEL ALL sent", "CANCEL ALL acknowledged: 3 orders cancelled"]
    assert not exchange.switch.unconfirmed


async def test_it_asks_again_until_there_is_an_answer() -> None:
    """The kill switch retries, unconfirmed until a reply; a new connection retries at once."""
    exchange = Exchange(Unreachable("cut"), ApiError(503, "OVERLOADED", "busy"), 2)
    pressed = asyncio.create_task(exchange.switch.press())
    for asked in (1, 2):
        while exchange.asked < asked or "UNCONFIRMED" not in exchange.said[-1]:
            await asyncio.sleep(0)
        assert exchange.switch.unconfirmed
        exchange.switch.retry()
        await asyncio.sleep(0)
    assert await asyncio.wait_for(pressed, 1.0) == 2
    assert not exchange.switch.unconfirmed


async def test_a_refusal_ends_it() -> None:
    """A refusal is shown and not retried."""
    exchange = Exchange(ApiError(403, "FORBIDDEN", "no scope"))
    assert await exchange.switch.press() is None
    assert exchange.said[-1] == "CANCEL ALL: no scope (FORBIDDEN)"
    assert (exchange.asked, exchange.switch.unconfirmed) == (1, False)


async def test_an_order_under_way_is_cancelled_too() -> None:
    """A pending order may rest after the first cancel, so a second one follows it."""
    exchange = Exchange(0, 1)
    placing: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    exchange.under_way.add(placing)
    pressed = asyncio.create_task(exchange.switch.press())
    while exchange.asked < 1:
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (exchange.asked, exchange.switch.unconfirmed) == (1, True)
    placing.set_result(None)
    assert await asyncio.wait_for(pressed, 1.0) == 1
    assert exchange.asked == 2


async def test_an_order_whose_answer_never_comes_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retries of a pending order end at its deadline, after which it cannot be placed."""
    monkeypatch.setattr(kill_switch, "UNDER_WAY_S", 0.01)
    exchange = Exchange(2, 0)
    placing: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    exchange.under_way.add(placing)
    assert await asyncio.wait_for(exchange.switch.press(), 1.0) == 2
    assert (placing.cancelled(), exchange.asked) == (True, 2)


async def test_events_are_asked_until_each_has_answered() -> None:
    """A failing event delays no other, and answered ones are not asked again."""
    asked: list[int] = []
    failing = {3}

    async def cancel(event: int) -> int:
        asked.append(event)
        if event in failing:
            failing.clear()
            raise Unreachable("cut")
        return event

    cancels = EventCancels(cancel)
    for event in (4, 3, 3, 2):
        cancels.aim(event, more=True)
    with pytest.raises(Unreachable):
        await cancels.cancel()
    assert await cancels.cancel() == 9
    assert asked == [2, 3, 4, 3]
    asked.clear()
    assert (await cancels.cancel(), asked) == (9, [2, 3, 4])  # once more, for late orders
    cancels.aim(7, more=True)
    asked.clear()
    assert (await cancels.cancel(), asked) == (16, [7, 2, 3, 4])
    cancels.aim(7, more=False)
    asked.clear()
    assert (await cancels.cancel(), asked) == (7, [7])
