"""The process's Redis client, which never keeps a caller waiting for long.

This client's data may be lost: rate limits and news of revocations. So a call gets an answer within
CALL_SECONDS or raises RedisUnavailable, and the caller does without. After one failure the circuit
breaker opens, and all calls fail at once. A background ping that is answered closes it again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import AuthenticationError, RedisError

from predmarket.server.redis.message_auth import Mac
from predmarket.server.redis.naming import Keys

log = logging.getLogger(__name__)

CALL_SECONDS = 0.25
PING_SECONDS = 2.0
_LOOK_SECONDS = 1.0
_CONNECTIONS = 32
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 2.0
_SILENT_SECONDS = 3.0
_END_S = 0.1

FAILURES = (RedisError, OSError, TimeoutError)
"""Exceptions of a call when Redis is unavailable."""

T = TypeVar("T")


class RedisUnavailable(Exception):
    """Redis gave no answer, or was not asked because the breaker is open."""


def connect(url: str, timeout_s: float = PING_SECONDS, retries: int = 2) -> Client:
    """Return a client, not connected yet. Raises ValueError for an unreadable URL.

    With ``retries`` a call replaces a connection that broke while it was idle, and sends again. A
    call waits for a connection if all are in use.
    """
    retry = Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), retries)
    pool = BlockingConnectionPool.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=0,  # we ping ourselves; the client's check loops without a password
        retry=retry,
        max_connections=_CONNECTIONS,
        timeout=timeout_s,
    )
    try:
        # Not used, but making it checks the URL's options.
        pool.make_connection()  # type: ignore[no-untyped-call]  # the library's
    except TypeError as error:
        raise ValueError(f"has an option that the Redis client does not know ({error})") from None
    return Client.from_pool(pool)


class Pause:
    """Pauses of growing length between attempts, until one works."""

    def __init__(self, longest_s: float = 0.5) -> None:
        self._longest_s = longest_s
        self._next_s = _FIRST_PAUSE_S

    async def __call__(self) -> None:
        """Wait before the next attempt."""
        await asyncio.sleep(self._next_s)
        self._next_s = min(2 * self._next_s, self._longest_s)

    def reset(self) -> None:
        """Begin again with short pauses, after an attempt worked."""
        self._next_s = _FIRST_PAUSE_S


async def failure_of_ping(client: Client) -> Exception | None:
    """Ping Redis; return why it does not answer within PING_SECONDS, None if it does."""
    try:
        async with asyncio.timeout(PING_SECONDS):
            await client.ping()
    except FAILURES as error:
        return error
    return None


async def end(*tasks: "asyncio.Task[None] | None") -> None:
    """Cancel tasks until they have ended, and ignore their errors.

    It cancels repeatedly, because a cancellation that meets a call's own time limit gets lost.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_END_S)


class Redis:
    """The process's client, with its circuit breaker and its channel listeners.

    ``keys`` and ``mac`` are its exchange's; set them before the first use.
    """

    keys: Keys
    mac: Mac

    def __init__(self, url: str, shown: str) -> None:
        """Prepare the client; ``shown`` is the URL without its password. Raises ValueError."""
        self.client = connect(url)
        self._shown = shown
        self._up = True
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to ping Redis. Never fails: if Redis is unavailable, it logs a warning."""
        await self._look()
        self._spawn(self._keep_looking())

    async def close(self) -> None:
        """Stop listening and close every connection."""
        await end(*self._tasks)
        with suppress(*FAILURES):
            await self.client.aclose()

    @property
    def up(self) -> bool:
        """Tell whether Redis answered the last call."""
        return self._up

    async def answers(self) -> bool:
        """Ping Redis; tell whether it answers within PING_SECONDS."""
        return await failure_of_ping(self.client) is None

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return Redis's answer. Raises RedisUnavailable within CALL_SECONDS, at once while it
        is away."""
        if not self._up:
            raise RedisUnavailable
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await ask()
        except FAILURES as error:
            self._lost(error)
            raise RedisUnavailable from error

    async def publish(self, channel: str, message: bytes) -> int:
        """Publish on a channel; return the number of listeners anywhere. Raises
        RedisUnavailable."""
        return int(await self.call(lambda: self.client.publish(channel, message)))

    def listen(
        self, channel: str, receive: Callable[[bytes], None], renewed: Callable[[], None]
    ) -> None:
        """Pass each message on a channel to ``receive``, until close().

        ``renewed`` is called whenever listening begins or begins again: messages may have been
        missed.
        """
        self._spawn(self._keep_listening(channel, receive, renewed))

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.add(asyncio.create_task(work))

    async def _look(self) -> None:
        failure = await failure_of_ping(self.client)
        if failure is not None:
            self._lost(failure)
        elif not self._up:
            self._up = True
            log.info("Redis at %s answers again", self._shown)

    async def _keep_looking(self) -> None:
        pause = Pause(_LONGEST_PAUSE_S)
        while True:
            if self._up:
                pause.reset()
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                await pause()
            await self._look()

    def _lost(self, error: Exception) -> None:
        if not self._up:
            return
        self._up = False
        if any(isinstance(cause, AuthenticationError) for cause in (error, error.__cause__)):
            why = f"refuses the user or the password ({error})"
        else:
            why = f"is away ({str(error) or type(error).__name__})"
        log.warning(
            "Redis at %s %s: until it answers, rate limits count in this process alone and a "
            "logout at another gateway is noticed seconds later",
            self._shown,
            why,
        )

    async def _keep_listening(
        self, channel: str, receive: Callable[[bytes], None], renewed: Callable[[], None]
    ) -> None:
        pause = Pause(_LONGEST_PAUSE_S)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            # The ping's task logs the failure; here it only means to begin again.
            with suppress(*FAILURES):
                async with aclosing(self.client.pubsub()) as channels:
                    await channels.subscribe(channel)
                    await _pass_on(channels, receive, renewed)
            if loop.time() - began > _SILENT_SECONDS:
                pause.reset()
            await pause()


async def _pass_on(
    channels: PubSub, receive: Callable[[bytes], None], renewed: Callable[[], None]
) -> None:
    """Pass messages on. Raises TimeoutError if nothing arrives, not even the answer to a ping.

    After a short break the client subscribes again by itself; a confirmation reports that, too.
    """
    loop = asyncio.get_running_loop()
    heard = loop.time()
    while True:
        message = await channels.get_message(timeout=_SILENT_SECONDS / 3)
        if message is None:
            if loop.time() - heard > _SILENT_SECONDS:
                raise TimeoutError("the channel is silent")
            await channels.ping()
            continue
        heard = loop.time()
        if message["type"] == "subscribe":
            renewed()
        elif message["type"] == "message":
            receive(message["data"])
