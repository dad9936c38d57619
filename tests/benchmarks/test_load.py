"""The load generator counts the replies and measures latency from the time a request was due."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import cast

import pytest

from benchmarks.load import closed_loop, open_loop, request, run

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"


class _Server(asyncio.Protocol):
    """Answers each request with ``reply``, in pieces, after ``delay`` seconds."""

    reply = OK
    delay = 0.0
    closes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._answer)

    def _answer(self) -> None:
        if self.closes:
            self.transport.close()
            return
        # cut inside the header and inside the body: a reply may arrive in any pieces
        loop = asyncio.get_running_loop()
        self.transport.write(self.reply[:10])
        loop.call_later(0.001, self.transport.write, self.reply[10:-2])
        loop.call_later(0.002, self.transport.write, self.reply[-2:])


def on_uvloop(test: Callable[[], Coroutine[object, object, None]]) -> Callable[[], None]:
    """Run the test on uvloop, as benchmarks run: its transport classes differ from asyncio's."""

    @functools.wraps(test)
    def run_test() -> None:
        run(test())

    return run_test


@contextlib.asynccontextmanager
async def serving(**behaviour: object) -> AsyncIterator[int]:
    """Run a server with that behaviour on a free port."""
    kind = type("_Behaving", (_Server,), behaviour)
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def get() -> bytes:
    """Return the bytes of a GET request."""
    return request("GET", "/")


def test_a_request_is_plain_http() -> None:
    """Header names come from keyword names."""
    assert request("POST", "/x", body=b"{}", content_type="application/json") == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
        b"Content-Type: application/json\r\n\r\n{}"
    )


@on_uvloop
async def test_replies_in_pieces_are_counted_once_each() -> None:
    """A reply that arrives in pieces is counted once, with its body; the last one is not lost."""
    bodies: list[tuple[int, bytes]] = []
    async with serving() as port:
        result = await closed_loop(
            "127.0.0.1",
            port,
            get,
            connections=3,
            seconds=0.1,
            on_reply=lambda status, body: bodies.append((status, body)),
        )
    assert result.errors == 0
    assert set(bodies) == {(200, b"body")}
    assert len(bodies) == len(result.latencies) == result.statuses[200] >= 3


@on_uvloop
async def test_an_error_status_is_an_error() -> None:
    """A reply with an error status counts as an error of the run."""
    async with serving(reply=OK.replace(b"200 OK", b"503 No")) as port:
        result = await closed_loop("127.0.0.1", port, get, connections=1, seconds=0.05)
    assert result.errors == result.statuses[503] > 0


@on_uvloop
async def test_a_closed_connection_is_a_lost_request() -> None:
    """A connection that closes before its reply counts as one error."""
    async with serving(closes=True) as port:
        result = await closed_loop("127.0.0.1", port, get, connections=2, seconds=5)
    assert (result.lost, result.errors, len(result.latencies)) == (2, 2, 0)


@on_uvloop
async def test_an_unanswered_request_is_given_up() -> None:
    """A server that never replies causes one error per connection and the run still ends."""
    async with serving(delay=60) as port:
        result = await closed_loop(
            "127.0.0.1", port, get, connections=2, seconds=0.05, drain_seconds=0.05
        )
    assert result.errors == 2


@on_uvloop
async def test_a_reply_it_cannot_read_is_refused_loudly() -> None:
    """A chunked reply raises an error, because it would be miscounted."""
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    async with serving(reply=chunked) as port:
        with pytest.raises(ValueError, match="without Content-Length"):
            await closed_loop("127.0.0.1", port, get, connections=1, seconds=1)


@on_uvloop
async def test_an_open_loop_does_not_forgive_a_slow_server() -> None:
    """The latency of an open loop includes a due request's wait for earlier replies."""
    async with serving(delay=0.02) as port:
        result = await open_loop(
            "127.0.0.1", port, get, rate=500, seconds=0.04, connections=1, drain_seconds=5
        )
    assert (result.errors, len(result.latencies)) == (0, 20)
    # 20 replies of at least 20 ms one after another, the last due at 38 ms
    assert result.latencies[-1] > 20 * 0.02 - 0.04


@on_uvloop
async def test_an_open_loop_keeps_its_rate() -> None:
    """An open loop sends exactly the requests that fell due."""
    async with serving() as port:
        result = await open_loop("127.0.0.1", port, get, rate=400, seconds=0.1, connections=20)
    assert (result.errors, result.statuses[200]) == (0, 40)
