"""Health asked by many at once."""

import asyncio

from predmarket.server.health import Probe


async def test_an_asker_hears_the_answer_that_it_waited_for() -> None:
    """Another may ask anew between an answer and its hearing; that question is not the same."""

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
