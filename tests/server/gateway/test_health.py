"""Health checks for many concurrent requests, and while the process itself is paused."""

import asyncio
import time

from predmarket.server.gateway.health import LIMIT_S, Probe


async def test_each_request_gets_its_answer() -> None:
    """Each request gets the answer that it waited for, although another check begins meanwhile."""

    async def there() -> bool:
        await asyncio.sleep(0)
        return True

    probe = Probe(there)

    async def ask(pause: int) -> None:
        for _ in range(50):
            assert await probe.part() == "ok"
            for _ in range(pause):
                await asyncio.sleep(0)

    await asyncio.gather(*map(ask, range(10)))


async def test_a_part_that_answered_while_the_process_stood_still() -> None:
    """The time in which the process was paused does not count against a part that has answered."""

    async def there() -> bool:
        await asyncio.to_thread(time.sleep, LIMIT_S / 5)
        return True

    asking = asyncio.create_task(Probe(there).part())
    await asyncio.sleep(LIMIT_S / 20)
    time.sleep(LIMIT_S * 1.1)  # noqa: ASYNC251 -- the process stands still
    assert await asking == "ok"


async def test_a_part_that_hangs_is_down_in_time() -> None:
    """A part that hangs is reported down after the limit."""
    began = time.monotonic()
    assert await Probe(asyncio.Event().wait).part() == "down"
    assert time.monotonic() - began >= LIMIT_S * 0.9
