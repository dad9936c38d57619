"""Runs the commands that last until an interrupt: --watch, and `stream`.

On a terminal a watched view is redrawn in place, at most ten times a second; in a pipe each change
is a line. A lost connection is restored automatically, and stderr reports it. At any end the
terminal is restored, and the last view stays on it.
"""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import typer

from predmarket.characters import clean
from predmarket.cli.context import Line
from predmarket.cli.output import Output, ReaderGone, size_of_terminal
from predmarket.cli.views import Ask, View
from predmarket.client import ApiError, Feed, State, Unreachable
from predmarket.client.calls import Call
from predmarket.client.messages import Gap, Message, StateChanged, TopicMessage, Unknown

if TYPE_CHECKING:
    from predmarket.client import AsyncClient

_FRAME_S = 0.1
_PAUSE_S = 1.0
_SILENT_S = 2.0
_ASKED_EVERY_S = 1.0

_ENTER = "\x1b[?1049h\x1b[?25l"  # the alternate screen, no cursor
_LEAVE = "\x1b[?25h\x1b[?1049l"
_BEGIN, _END = "\x1b[?2026h\x1b[H", "\x1b[J\x1b[?2026l"  # a synchronised frame
_END_OF_LINE = "\x1b[K\n"


def watch(line: Line, view: View) -> None:
    """Show ``view`` until interrupted. Raises ClientError, ReaderGone."""
    if line.output.redraws:
        with _screen(line.output, view) as screen:
            _run(_redraw(line, view, screen))
    else:
        _run(_tell(line, view))


def stream(line: Line, topics: list[str]) -> None:
    """Print the messages of ``topics`` as they arrive. Raises ClientError, ReaderGone."""
    _run(_stream(line, topics))


async def _stream(line: Line, topics: list[str]) -> None:
    notes = _ConnectionNotes(line.output.note)
    async with _feed(line, topics) as feed:
        async for message in feed:
            notes.heed(message)
            if isinstance(message, TopicMessage | Unknown):
                with _interruptible():
                    line.output.raw(message.raw.decode())


async def _tell(line: Line, view: View) -> None:
    notes = _ConnectionNotes(line.output.note)
    write = line.output.events(view.fields)
    csv = line.options.output == "csv"
    async with _asking(line) as ask, _feed(line, view.topics) as feed:
        async for message in _heard(feed, view):
            notes.heed(message)
            for row in await view.hear(message, feed, ask):
                with _interruptible():
                    for record in view.csv(row) if csv else [row]:
                        write(record)


async def _redraw(line: Line, view: View, screen: "_Screen") -> None:
    notes = _ConnectionNotes(_unheard if sys.stderr.isatty() else line.output.note)
    changed = asyncio.Event()
    async with _asking(line) as ask, _feed(line, view.topics) as feed:

        async def listen() -> None:
            async for message in _heard(feed, view):
                notes.heed(message)
                await view.hear(message, feed, ask)
                changed.set()

        async def draw() -> None:
            while True:
                screen.draw(feed.state, feed.reason)
                await asyncio.sleep(_FRAME_S)
                await changed.wait()
                changed.clear()

        with suppress(NotImplementedError, AttributeError):  # not on this system
            asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, changed.set)
        await _first_of(listen(), draw())


async def _heard(feed: Feed, view: View) -> AsyncIterator[Message | None]:
    """Yield the feed's messages; to a view without topics also None, while the feed is live."""
    messages = aiter(feed)
    following = asyncio.ensure_future(anext(messages))
    try:
        while True:
            await asyncio.wait([following], timeout=None if view.topics else _ASKED_EVERY_S)
            if following.done():
                yield await following
                following = asyncio.ensure_future(anext(messages))
            elif feed.state is State.LIVE:
                yield None
    except StopAsyncIteration:
        return
    finally:
        following.cancel()


def _unheard(_: str) -> None:
    """Write nothing: on a redrawn terminal the head line shows it."""


class _ConnectionNotes:
    """Says when the connection is lost and when it is back."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._live = False
        self._lost = 0

    def heed(self, message: Message | None) -> None:
        """Report a change of state. Raises Unreachable if there never was an exchange."""
        match message:
            case StateChanged(state=State.LIVE):
                if self._lost and self._live:
                    self._say("connected again")
                self._live, self._lost = True, 0
            case StateChanged(state=State.LOST, reason=reason):
                self._lost += 1
                if not self._live and self._lost > 1:  # the first loss may be an expired token
                    raise Unreachable(reason)
                if self._live and self._lost == 1:
                    self._say(f"connection lost: {reason}; trying again")
            case Gap(topic=topic):
                self._say(f"messages of {topic} are missing; they are asked for again")
            case TopicMessage(data={"missed": True}, topic=topic):
                self._say(f"more of {topic} was missed than the exchange tells again")


class _Screen:
    """The terminal while a view is on it."""

    def __init__(self, output: Output, view: View) -> None:
        self._output = output
        self._view = view
        self._shown = ""
        self._worth_keeping = False

    def draw(self, state: State, reason: str) -> None:
        """Draw the view again, if it has changed."""
        self._worth_keeping |= state is State.LIVE
        # Of the terminal itself: LINES and COLUMNS, where they are set, do not follow a resize.
        width, height = size_of_terminal(sys.stdout)
        text, left_out = self._output.draw(self._view.grid(height - 2))
        table = text.splitlines()[: height - 2]
        missing = ", ".join(filter(None, left_out))
        narrow = f"  too narrow for {missing}" if missing else ""
        head = f"{self._view.title}  {state}{': ' if reason else ''}{reason}{narrow}"
        frame = "".join(line + _END_OF_LINE for line in [_cut(head, width), *table])
        if frame != self._shown:
            self._shown = frame
            with _interruptible():
                self._output.control(_BEGIN + frame + _END)

    def leave(self) -> None:
        """Restore the terminal, with the last view below its former content."""
        shown = self._shown.replace(_END_OF_LINE, "\n") if self._worth_keeping else ""
        self._output.control(_LEAVE + shown)


def _cut(text: str, width: int) -> str:
    text = clean(text)
    return text if len(text) <= width else text[: width - 1] + "…"


@contextmanager
def _screen(output: Output, view: View) -> Iterator[_Screen]:
    screen = _Screen(output, view)
    with _unechoed():
        output.control(_ENTER)
        try:
            yield screen
        finally:
            with suppress(ReaderGone):
                screen.leave()


@contextmanager
def _unechoed() -> Iterator[None]:
    """Do not echo typed keys meanwhile."""
    try:
        import termios

        before = termios.tcgetattr(sys.stdin)
    except (ImportError, OSError, ValueError, AttributeError):  # not on this system, no terminal
        yield
        return
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@asynccontextmanager
async def _feed(line: Line, topics: Sequence[str]) -> AsyncIterator[Feed]:
    key = line.settings.api_key
    async with Feed(
        line.settings.url.value,
        session=line.session,
        api_key=key.value if key else None,
        topics=topics,
        timeout_s=line.patience_s,
    ) as feed:
        waiting = asyncio.create_task(_say_waiting(line, feed))
        try:
            yield feed
        finally:
            waiting.cancel()


async def _say_waiting(line: Line, feed: Feed) -> None:
    """Report the wait after a long silence; a drawn view shows it itself."""
    await asyncio.sleep(_SILENT_S)
    if feed.state is State.CONNECTING and not (line.output.redraws and sys.stderr.isatty()):
        line.output.note(f"waiting for {line.settings.url.value} to answer")


@asynccontextmanager
async def _asking(line: Line) -> AsyncIterator[Ask]:
    """Give what sends a call. What fails for the moment is tried again: the feed has just been
    heard, or will be again.
    """
    client: AsyncClient | None = None  # made at the first call, because most views need none
    key = line.settings.api_key

    async def ask(call: Call[Any]) -> Any:  # noqa: ANN401  each call has its answer
        nonlocal client
        if client is None:
            from predmarket.client import AsyncClient

            client = AsyncClient(
                line.settings.url.value,
                session=line.session,
                api_key=key.value if key else None,
                timeout_s=line.patience_s,
            )
        while True:
            try:
                return await client.send(call)
            except Unreachable:
                pass
            except ApiError as error:
                if error.status != 429 and error.status < 500:
                    raise
            await asyncio.sleep(_PAUSE_S)

    try:
        yield ask
    finally:
        if client is not None:
            await client.aclose()


def _run(work: Coroutine[object, object, None]) -> None:
    asyncio.run(_bounded(work))


async def _bounded(work: Coroutine[object, object, None]) -> None:
    """Do ``work`` until the reader of stdout is gone or a signal ends it."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def end(error: Exception) -> None:
        if not over.done():
            over.set_exception(error)

    with suppress(NotImplementedError, AttributeError):  # not on this system
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, end, typer.Exit(128 + number))
    with suppress(NotImplementedError, OSError, ValueError, AttributeError):
        out = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(out).st_mode):  # a pipe is readable when its reader has gone
            loop.add_reader(out, end, ReaderGone())
    await _first_of(work, _awaited(over))


async def _awaited(future: "asyncio.Future[None]") -> None:
    await future


async def _first_of(*works: Coroutine[object, object, None]) -> None:
    """Do all at once until one of them ends; the others are given up."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make Ctrl-C end a write that waits for its reader; the loop's own handler would wait."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.SIG_IGN or handler is None:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
