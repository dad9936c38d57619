"""A slow or stuck reader of the log delays no part of the exchange."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from predmarket.server.observability.log_queue import LogQueue, dropped_lines
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange

log = logging.getLogger("predmarket.test")


@contextmanager
def unread(most: int = 4_000) -> Iterator[tuple[int, LogQueue]]:
    """Log into a full pipe without a reader; yield the pipe's other end and the handler."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filling = b"x" * 4096
    filled = 0
    try:
        while True:
            filled += os.write(writing, filling)
    except BlockingIOError:
        os.set_blocking(writing, True)
    root = logging.getLogger()
    with open(writing, "w") as stream, open(reading, "rb", buffering=0) as rest:
        handler = LogQueue(stream, most)
        root.addHandler(handler)
        before = log.level
        log.setLevel(logging.INFO)
        try:
            yield rest.fileno(), handler
        finally:
            log.setLevel(before)
            root.removeHandler(handler)
            rest.close()  # drops the waiting lines and frees the writing thread
            handler.flush()


def read_until(fd: int, last: str) -> list[str]:
    """Read up to a line; return the lines, without the bytes that filled the pipe."""
    text = b""
    while not text.endswith(f"{last}\n".encode()):
        text += os.read(fd, 65_536)
    return text.decode().lstrip("x").splitlines()


def test_lines_beyond_the_bound_are_counted() -> None:
    """Lines beyond the bound are dropped.

    A later reader gets the first lines in order, then the number of dropped ones.
    """
    with unread() as (reading, handler):
        began = time.monotonic()
        for number in range(1_000):
            log.info("line %04d", number)
        assert time.monotonic() - began < 5
        dropped = dropped_lines()
        assert dropped == handler.dropped > 400
        log.info("too long: %s", "y" * 4_000)
        assert handler.dropped == dropped + 1
        thread = threading.Thread(target=handler.flush)
        thread.start()
        lines = read_until(reading, "log_lines_dropped")
        thread.join()
        told = [line for line in lines if line.startswith("line ")]
        assert told == [f"line {number:04}" for number in range(1_000 - dropped)]
        log.info("the end")
        assert read_until(reading, "the end") == ["the end"]


def test_a_flush_does_not_wait_for_ever() -> None:
    """A flush ends after its limit without a reader, so the process can end."""
    with unread() as (_, handler):
        log.info("unread")
        began = time.monotonic()
        for _ in range(10):
            handler.flush()
        assert 0.9 < time.monotonic() - began < 5


def test_a_child_of_a_fork_writes_its_own_lines(tmp_path: Path) -> None:
    """A forked child writes its own lines without the parent's thread, and none of the parent's."""
    path = tmp_path / "log"
    with path.open("w") as stream:
        handler = LogQueue(stream)
        handler.emit(logging.makeLogRecord({"msg": "parent"}))
        handler.flush()
        pid = os.fork()
        if pid == 0:
            handler.emit(logging.makeLogRecord({"msg": "child"}))
            handler.flush()
            os.kill(os.getpid(), signal.SIGKILL)  # skips what pytest does at an exit
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert path.read_text() == "parent\nchild\n"


def test_a_reader_that_is_gone_costs_lines_and_nothing_else() -> None:
    """Lines to a closed pipe are counted as dropped and cause no other error."""
    reading, writing = os.pipe()
    with open(writing, "w") as stream:
        handler = LogQueue(stream)
        os.close(reading)
        handler.emit(logging.makeLogRecord({"msg": "unheard"}))
        handler.flush()
        assert handler.dropped == 1


@ON_ONE_DATABASE
async def test_the_exchange_answers_meanwhile(exchange: Exchange) -> None:
    """Requests are answered although nobody reads their access lines. A metric counts the lines."""
    ours = logging.getLogger("predmarket")
    before = ours.level
    with unread(most=50):
        ours.setLevel(logging.INFO)
        try:
            async with asyncio.timeout(30):
                for _ in range(20):
                    answer = await exchange.anonymous.get("/v1/markets")
                    assert answer.status_code == 200
                metrics = (await exchange.anonymous.get("/metrics")).text
        finally:
            ours.setLevel(before)
    (line,) = [line for line in metrics.splitlines() if line.startswith("log_lines_dropped_total ")]
    assert float(line.split()[1]) > 0
