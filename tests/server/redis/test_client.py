"""The connection to Redis never blocks the exchange and recovers by itself."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import redis

from predmarket.server.process.runtime import redis_of
from predmarket.server.redis import client as module
from predmarket.server.redis.client import Redis, RedisUnavailable
from predmarket.server.settings import Settings, SettingsError
from tests.support.redis import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Start a Redis that the test may kill."""
    with RedisServer() as one:
        yield one


@pytest.fixture
async def connection(server: RedisServer) -> AsyncIterator[Redis]:
    """Return a connection to it that is kept alive."""
    one = Redis(server.url(), "redis")
    await one.start()
    yield one
    await one.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def ping(connection: Redis) -> bool:
    """Send a ping."""
    return bool(await connection.call(connection.client.ping))


async def test_killed_and_back(connection: Redis, server: RedisServer) -> None:
    """A dead Redis is unavailable at once and is used again when it returns."""
    assert await ping(connection)
    server.stop("kill")
    with pytest.raises(RedisUnavailable):
        await ping(connection)
    assert not connection.up
    assert not await connection.answers()
    server.start()
    await until(lambda: connection.up)
    assert await ping(connection)
    assert await connection.answers()


async def test_a_hanging_server_costs_a_moment_once(connection: Redis, server: RedisServer) -> None:
    """A hanging Redis delays the first calls for a moment together, and later calls not at all."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        answers = await asyncio.gather(
            *(ping(connection) for _ in range(200)), return_exceptions=True
        )
        first = time.monotonic() - began
        assert {type(answer) for answer in answers} == {RedisUnavailable}
        began = time.monotonic()
        for _ in range(1_000):
            with pytest.raises(RedisUnavailable):
                await ping(connection)
        assert first < 200 * module.CALL_SECONDS  # together and not in turn
        assert time.monotonic() - began < 100 * module.CALL_SECONDS
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await until(lambda: connection.up)


async def test_many_at_once(connection: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """More callers than connections wait for each other, which does not count as a failure."""
    monkeypatch.setattr(
        "predmarket.server.redis.client.CALL_SECONDS", 20
    )  # because the machine may be busy
    assert await asyncio.gather(*(ping(connection) for _ in range(200))) == [True] * 200
    assert connection.up


async def test_a_close_ends_a_stubborn_listener(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close ends a task that takes its cancellation for a timeout of its own call."""
    one = Redis(server.url(), "redis")

    class Stubborn:
        async def subscribe(self, _channel: str) -> None:
            for _ in range(2):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(3_600)
            await asyncio.sleep(3_600)

        async def aclose(self) -> None:
            """Do nothing."""

    monkeypatch.setattr(one.client, "pubsub", Stubborn)
    one.listen("news", print, print)
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await one.close()


async def test_messages_and_missed_ones(connection: Redis, server: RedisServer) -> None:
    """Each message arrives, and a listener learns of each gap in which it may have missed some."""
    heard: list[bytes] = []
    renewals: list[int] = []
    connection.listen("news", heard.append, lambda: renewals.append(1))
    await until(lambda: len(renewals) == 1)
    await connection.publish("news", b"1")
    await until(lambda: heard == [b"1"])
    server.stop("kill")
    await until(lambda: not connection.up)
    server.start()
    await until(lambda: connection.up and len(renewals) == 2)
    await connection.publish("news", b"2")
    await until(lambda: heard == [b"1", b"2"])


@pytest.mark.parametrize("credentials", [":wrong-password@", "joe:wrong-password@", ""])
async def test_a_wrong_password_is_logged(
    server: RedisServer, credentials: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password is logged in one line without the password, and the start continues."""
    with contextlib.closing(redis.Redis.from_url(server.url())) as client:
        client.config_set("requirepass", "right-password")
    url = server.url().replace("unix://", f"unix://{credentials}")
    connection = Redis(url, "unix://***@there")
    with caplog.at_level(logging.WARNING):
        await connection.start()
    await connection.close()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("Redis at unix://***@there refuses the user or the password")
    assert "wrong-password" not in line


@pytest.mark.parametrize("url", ["redis://h:port", "redis://h?db=x", "redis://h?nonsense=1"])
def test_a_url_that_cannot_be_read(url: str) -> None:
    """An invalid URL refuses the start in one line that names the setting."""
    with pytest.raises(SettingsError, match=r"^PREDMARKET_REDIS_URL: "):
        redis_of(Settings.load({"redis_url": url}))
