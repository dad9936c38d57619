"""Runs one attack and measures its cost for the attacker, the victim and the server."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.abuse.arena import MEBI, Arena
from tests.abuse.victim import Clock, Report
from tests.abuse.wire import Counts, Line, connect, request

VICTIM_P99_S = 0.25
BUSY = 4
GROWTH = 128 * MEBI
"""Bound on the server's extra memory during an attack; its own bounds add up to less."""
CLOSED_S = 60.0
"""Time after which no connection of an attack may be open."""
FAREWELL_S = 6.0
"""Additional time for a close handshake, and for noticing that it is due."""
LONGER = 12
_STEP_S = 0.05
_LATEST = 6
"""Factor by which an attack may exceed its seconds on a busy machine."""
_GRACE_S = 60.0


class Assault:
    """The tools of a running attack.

    ``long``: the attack runs at full size; ``turn``: the number of runs before this one.
    """

    def __init__(self, arena: Arena, seconds: float, *, turn: int, long: bool) -> None:
        self.arena = arena
        self.turn = turn
        self.long = long
        self.counts = Counts()
        self.lines: list[Line] = []
        # The victim uses the same clock: on a busy machine an attack takes longer.
        self._clock = Clock(arena.process.pid)
        self._until = self._clock.now() + seconds
        self._latest = time.monotonic() + _LATEST * seconds

    @property
    def going(self) -> bool:
        """Tell whether the attack's time has not ended."""
        return self.left > 0

    @property
    def left(self) -> float:
        """Return the seconds that the attack still has."""
        return max(0.0, min(self._until - self._clock.now(), self._latest - time.monotonic()))

    def size(self, short: int, long: int) -> int:
        """Return the size for the attack's form, short or long."""
        return long if self.long else short

    async def line(self, **how: Any) -> Line | None:  # noqa: ANN401 -- wire.connect's
        """Return a new connection, or None when the server accepts none."""
        line = await connect(self.arena.port, self.counts, **how)
        if line is not None:
            self.lines.append(line)
        return line

    async def socket(self, user: str | None = None, path: str = "/realtime") -> Line | None:
        """Return an open WebSocket, of a user or anonymous, or None if the server refuses it."""
        line = await self.line()
        headers = "" if user is None else f"Authorization: {self.bearer(user)}\r\n"
        return line if line is not None and await line.opened(path, headers) else None

    def bearer(self, user: str) -> str:
        """Return the value of a user's Authorization header."""
        return f"Bearer {self.arena.keys[user]}"

    def request(
        self, method: str, path: str, body: bytes = b"", user: str | None = None, **headers: str
    ) -> bytes:
        """Return the bytes of a request, with the user's token if a user is named."""
        if user is not None:
            headers["authorization"] = self.bearer(user)
        return request(method, path, body, **headers)

    async def repeat(self, data: bytes, lines: int = 1, at_once: int = 1) -> None:
        """Send a request repeatedly on several connections until the attack's time ends.

        ``at_once`` is the number of requests to send before reading their answers.
        """

        async def one() -> None:
            line = await self.line()
            while self.going:
                if line is None or line.closed:
                    await asyncio.sleep(0.01)
                    line = await self.line()
                    continue
                if not await line.push(data * at_once, 10, at_once):
                    continue
                for _ in range(at_once):
                    await line.answer()

        await asyncio.gather(*(one() for _ in range(lines)))


Run = Callable[[Assault], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Attack:
    """One attack.

    ``short``: the attack is part of `make test`. ``holds``: the attack leaves its connections open
    and silent, and the server must close them. ``seconds``: the duration of the short form; the
    long form lasts LONGER times as long.
    """

    name: str
    says: str
    run: Run
    seconds: float = 0.25
    short: bool = True
    holds: bool = False


@dataclass
class Outcome:
    """The result of an attack.

    Sizes are in bytes, times in seconds. ``slowdown``: the factor by which waits for a CPU slowed
    down the server's event loop; ``allowance``: the increase of the victim's p99 that this slowdown
    excuses.
    """

    attack: Attack
    counts: Counts
    victim: Report
    before: int
    peak: int
    after: int
    cpu: float
    held: list[Line]
    left_open: int = 0
    slowdown: float = 1.0
    allowance: float = 0.0
    died: bool = False
    broke: str = ""

    def stretch(self) -> None:
        """Widen the victim's bound by the server's slowdown, at most by BUSY times.

        On an idle machine the bound stays as it is.
        """
        self.allowance = (min(self.slowdown, BUSY) - 1) * VICTIM_P99_S

    @property
    def slow(self) -> bool:
        """Tell whether the victim waited too long or was refused."""
        return self._waited_too_long or bool(self.victim.refused)

    @property
    def _waited_too_long(self) -> bool:
        return self.victim.percentile(0.99) > VICTIM_P99_S + self.allowance

    @property
    def faults(self) -> list[str]:
        """Return the harmful effects of the attack; the list is empty when the attack failed."""
        p99 = self.victim.percentile(0.99)
        found = [
            (self.died, "the server is dead or answers nobody"),
            (bool(self.broke), self.broke),
            (self._waited_too_long, f"victim's p99 {p99 * 1000:.0f} ms"),
            (bool(self.victim.refused), f"victim refused: {self.victim.refused[:2]}"),
            (bool(self.counts.failed), f"{self.counts.failed} answers were 500"),
            (self.peak - self.before > GROWTH, f"{(self.peak - self.before) // MEBI} MiB taken"),
            (self.left_open > 0, f"{self.left_open} connections left open"),
        ]
        return [words for is_so, words in found if is_so]


async def carry_out(arena: Arena, attack: Attack, *, turn: int = 0, long: bool = False) -> Outcome:
    """Run an attack beside the victim and return its outcome."""
    memory = arena.memory()
    peak, spent = memory, arena.cpu()
    ran, waited = arena.loop_times()
    seconds = attack.seconds * (LONGER if long else 1)
    broke = ""
    began = time.monotonic()
    arena.begin()
    try:
        await asyncio.sleep(0.04)
        assault = Assault(arena, seconds, turn=turn, long=long)
        running = asyncio.ensure_future(attack.run(assault))
        while not running.done():
            await asyncio.wait([running], timeout=_STEP_S)
            with suppress(Exception):
                peak = max(peak, arena.memory())
            if time.monotonic() - began > _LATEST * seconds + _GRACE_S:
                running.cancel()
                await asyncio.wait([running])
                broke = f"the attack was not over {_GRACE_S:.0f} s after its time"
                break
        if not running.cancelled() and (error := running.exception()) is not None:
            broke = f"{type(error).__name__}: {error}"
        await asyncio.sleep(0.06)
    finally:
        report = await asyncio.to_thread(arena.finish)
    lines = assault.lines
    held = [line for line in lines if attack.holds and not line.closed]
    for line in set(lines) - set(held):
        line.close()
    died = not arena.process.running or not await asyncio.to_thread(lambda: arena.healthy)
    after = 0 if died else arena.memory()
    ran_by_now, waited_by_now = (ran, waited) if died else arena.loop_times()
    ran, waited = ran_by_now - ran, waited_by_now - waited
    return Outcome(
        attack, assault.counts, report, memory, max(peak, after), after,
        0.0 if died else arena.cpu() - spent, held,
        died=died, broke=broke, slowdown=(ran + waited) / ran if ran else 1.0,
    )  # fmt: skip


async def left_open(arena: Arena, lines: list[Line], seconds: float) -> int:
    """Return how many of these connections the server still has open after this delay.

    The client end stays open meanwhile; it sends nothing and reads nothing.
    """
    if not lines:
        return 0
    ends = {line.local for line in lines}
    until = time.monotonic() + seconds
    while (count := len(ends & arena.clients())) and time.monotonic() < until:
        await asyncio.sleep(0.25)
    return count
