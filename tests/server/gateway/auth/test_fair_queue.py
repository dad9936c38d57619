"""A fair queue shares turns by source, is bounded, and gets its turns back."""

import asyncio

from predmarket.server.gateway.auth.fair_queue import FairQueue, TooManyWaiting


class Desk:
    """Records the turns in order and ends them."""

    def __init__(self, waiting: int = 100, each: int = 10) -> None:
        self.turns = FairQueue(1, waiting, each)
        self.had: list[str] = []
        self._go = asyncio.Semaphore(0)

    async def ask(self, source: str) -> None:
        """Take one turn."""
        async with self.turns.turn(source):
            self.had.append(source)
            await self._go.acquire()

    def begin(self, *sources: str) -> list["asyncio.Task[None]"]:
        """Request a turn for each source, in order."""
        return [asyncio.create_task(self.ask(source), name=source) for source in sources]

    async def run(self, tasks: list["asyncio.Task[None]"]) -> None:
        """Let all tasks have their turns."""
        for _ in tasks:
            self._go.release()
        await asyncio.wait(tasks, timeout=60)


async def settled() -> None:
    """Let new tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_source_waits_for_one_turn_of_each_other() -> None:
    """A source waits for one turn of each other source, however many those requested before."""
    desk = Desk()
    tasks = desk.begin(*["eve"] * 8, "ann", "bob", "ann")
    await settled()
    await desk.run(tasks)
    assert desk.had == ["eve", "eve", "ann", "bob", "eve", "ann", *["eve"] * 5]
    assert desk.turns.waiting == 0


async def test_the_waits_of_one_source_are_bounded() -> None:
    """A source that waits too often is refused, and others are not."""
    desk = Desk(each=3)
    tasks = desk.begin(*["eve"] * 6, "ann")
    await settled()
    assert [task.done() for task in tasks] == [False] * 4 + [True] * 2 + [False]
    for task in tasks[4:6]:
        assert isinstance(task.exception(), TooManyWaiting)
    await desk.run(tasks[:4] + tasks[6:])
    assert desk.had.count("ann") == 1


async def test_a_full_queue_has_room_for_modest_sources() -> None:
    """A newcomer to a full queue displaces the latest request of the source that waits most.

    A newcomer that waits as often as the others is refused.
    """
    desk = Desk(waiting=6, each=3)
    tasks = desk.begin("first", *["eve"] * 3, *["mal"] * 3, "ann", "bob", "cat", "dan", "flo")
    await settled()
    lost = [task.get_name() for task in tasks if task.done()]
    assert sorted(lost) == ["eve", "eve", "flo", "mal", "mal"]
    for task in tasks:
        if task.done():
            assert isinstance(task.exception(), TooManyWaiting)
    await desk.run([task for task in tasks if not task.done()])
    assert desk.turns.waiting == 0
    assert {"ann", "bob", "cat", "dan"} <= set(desk.had)


async def test_a_cancelled_task_gives_its_turn_back() -> None:
    """A cancelled task gives its turn back: while waiting, during the turn, and on receiving it."""
    desk = Desk()
    first, second, third, fourth = desk.begin("a", "b", "c", "d")
    await settled()
    second.cancel()
    await settled()
    assert desk.turns.waiting == 2
    first.cancel()
    third.cancel()  # it may already have the first task's turn
    await settled()
    assert desk.had == ["a", "d"]
    fourth.cancel()
    await asyncio.gather(first, second, third, fourth, return_exceptions=True)
    async with asyncio.timeout(1), desk.turns.turn("e"):
        pass


async def test_a_refusal_takes_no_place() -> None:
    """A refusal takes no place in the queue."""
    desk = Desk(waiting=1)
    tasks = desk.begin("a", "b", "c")
    await settled()
    assert [task.done() for task in tasks] == [False, False, True]
    assert isinstance(tasks[2].exception(), TooManyWaiting)
    await desk.run(tasks[:2])
    async with asyncio.timeout(1), desk.turns.turn("d"):
        pass
