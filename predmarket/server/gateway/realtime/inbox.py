"""One client's messages, in the order they arrived, and their waits.

A message may have to wait: for a token's look-up, for a permit, for room among MAX_IN_FLIGHT, for
the client's turn. Then the messages behind it wait too, and nothing more is read.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine

from predmarket.server.gateway.fair_turns import TURN_SECONDS, Turn, fair_turns
from predmarket.server.gateway.protocol.websocket import Socket

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 1_000
"""The most orders of one client that wait for the core; beyond them nothing more is read."""


class Inbox:
    """The messages of one client. ``in_flight`` counts requests that wait for the core or a read.

    ``execute`` executes a message. ``refuse`` answers an error under a request id. ``landed`` is
    called after each request that is no longer in flight.
    """

    def __init__(
        self,
        socket: Socket,
        execute: Callable[[bytes], None],
        refuse: Callable[[Exception, str | None], None],
        landed: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._execute = execute
        self._refuse = refuse
        self._landed = landed
        self._waiting: deque[bytes] = deque()
        self._step: asyncio.Task[None] | None = None
        self._next_turn: Turn | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused = False
        self._stopped = False
        self._ended = False
        self.in_flight = 0

    def received(self, message: bytes) -> None:
        """Execute a message, or keep it until the messages before it are done."""
        if self._waiting or self._busy():
            self._pause()
            self._waiting.append(message)
        else:
            self._execute(message)

    def later(self, step: Coroutine[object, object, None], request_id: str | None) -> None:
        """Run a step that waits, and after it the messages that arrive meanwhile."""
        self._pause()
        self._step = asyncio.create_task(self._run(step, request_id))

    def aside(self, step: Coroutine[object, object, None]) -> None:
        """Run a step beside the messages, which do not wait for it; it counts as in flight."""
        self.in_flight += 1
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._aside_done)

    def landed(self) -> None:
        """Count one request less in flight."""
        self.in_flight -= 1
        if self._paused and self.in_flight <= MAX_IN_FLIGHT // 2:
            self._go_on()
        self._landed()

    def stop(self) -> None:
        """Begin no other request; those in flight go on."""
        self._stopped = True
        self._pause()

    def end(self) -> None:
        """Drop the waiting messages, and the client, which refers to this inbox in turn."""
        self._ended = True
        self._waiting.clear()
        self._execute = self._refuse = self._landed = _nothing

    def discard_input(self) -> None:
        """Read again if reading was paused; the caller takes nothing of it.

        When a connection closes with unread input, the system drops frames that were written.
        """
        if self._paused:
            self._socket.resume_reading()

    def _busy(self) -> bool:
        """Tell whether the next message has to wait."""
        resting = self._next_turn is not None
        waits = resting or self._stopped or self._step is not None
        return waits or self.in_flight >= MAX_IN_FLIGHT

    def _pause(self) -> None:
        """Stop reading; messages that arrived are kept."""
        if not self._paused:
            self._paused = True
            self._socket.pause_reading()

    def _go_on(self) -> None:
        """Execute the waiting messages, in turns, and continue reading."""
        until = time.monotonic() + TURN_SECONDS
        while self._waiting and not self._busy():
            self._execute(self._waiting.popleft())
            if self._waiting and time.monotonic() > until:
                turns = fair_turns(self._socket.loop)
                self._next_turn = turns.soon(self._socket.share, self._take_turn)
        if not (self._busy() or self._ended):
            self._paused = False
            self._socket.resume_reading()

    def _take_turn(self) -> None:
        self._next_turn = None
        self._go_on()

    async def _run(self, step: Coroutine[object, object, None], request_id: str | None) -> None:
        try:
            await step
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self._refuse(error, request_id)
        if self._step is asyncio.current_task():  # else the step has begun another one
            self._step = None
            self._go_on()

    def _aside_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a background step of a socket failed", exc_info=error)
        self.landed()


def _nothing(*_arguments: object) -> None:
    """Do nothing: the client has ended."""
