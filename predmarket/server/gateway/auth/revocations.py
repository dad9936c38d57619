"""Revocations between gateways: a logout at one gateway is at once a logout at all of them.

The channel carries lines such as ``session 7``. Nothing depends on their arrival: without Redis, or
after a lost message, each gateway notices within RECHECK_SECONDS (principals.py).

Gateways confirm the end of a user. On the news a gateway takes no more commands of that user, waits
until the user's last commands are sent to the core, and then confirms. So the next command (it
cancels all orders of the user) stands behind them in the command stream. The wait for confirmations
ends after HEARD_S: by then every gateway has asked the database.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from typing import Any

from predmarket.server.core.bus import Bus
from predmarket.server.gateway.auth.principals import RECHECK_SECONDS, Principals, Revocation
from predmarket.server.redis.client import Redis, RedisUnavailable

log = logging.getLogger(__name__)

HEARD_S = RECHECK_SECONDS + 0.5
"""Seconds within which every gateway confirms, or has asked the database."""
_LOOK_S = 0.01
_KEPT_S = 10


class Revocations:
    """Publishes this gateway's revocations, and takes the other gateways' revocations."""

    def __init__(self, principals: Principals, redis: Redis, bus: Bus, gateway: str) -> None:
        self._principals = principals
        self._redis = redis
        self._bus = bus
        self._gateway = gateway
        self._channel = redis.keys.ended
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to publish and to listen."""
        self._principals.announce = self._announce
        self._redis.listen(self._channel, self._receive, self._principals.forget_all)

    async def _announce(self, ended: Revocation) -> None:
        news = f"{ended.what} {ended.id}"
        with suppress(RedisUnavailable):  # the others find out by themselves, a little later
            if ended.what != "user":
                await self._publish(news)
                return
            question = secrets.token_hex(8)
            listeners = await self._publish(f"{news} {question}")
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARD_S):
                    await self._all_heard(question, listeners)
                    return
            log.warning("gateways_not_heard", extra={"news": news, "waited": HEARD_S})

    async def _publish(self, news: str) -> int:
        signed = self._redis.mac.sign(self._channel, news.encode())
        return await self._redis.publish(self._channel, signed)

    async def _all_heard(self, question: str, listeners: int) -> None:
        """Return once as many gateways as ``listeners`` have confirmed.

        Raises RedisUnavailable, and TimeoutError after HEARD_S.
        """
        key, mac = self._redis.keys.heard(question), self._redis.mac
        client: Any = self._redis.client
        loop = asyncio.get_running_loop()
        until = loop.time() + HEARD_S
        # The caller's timeout does not suffice: the library may swallow a cancellation.
        while loop.time() < until:
            found: set[bytes] = await self._redis.call(lambda: client.smembers(key))
            if sum(mac.open(key, one, "revocation") is not None for one in found) >= listeners:
                return
            await asyncio.sleep(_LOOK_S)
        raise TimeoutError

    def _receive(self, message: bytes) -> None:
        news = self._redis.mac.open(self._channel, message, "revocation")
        ended = None if news is None else _read(news)
        if news is None or ended is None:
            return
        begun = self._principals.forget(ended)
        question = news.split(b" ")[2:]
        if question:
            task = asyncio.create_task(self._say_heard(question[0].decode(), begun))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _say_heard(self, question: str, begun: list[asyncio.Task[None]]) -> None:
        """Confirm, once the ended user's last commands from here are sent to the core."""
        key = self._redis.keys.heard(question)
        with suppress(RedisUnavailable, TimeoutError):
            async with asyncio.timeout(HEARD_S):
                if begun:
                    await asyncio.wait(begun)
                await self._bus.sent()
                signed = self._redis.mac.sign(key, self._gateway.encode())
                line = self._redis.client.pipeline(transaction=False)
                line.sadd(key, signed)
                line.expire(key, _KEPT_S)
                await self._redis.call(line.execute)


def _read(message: bytes) -> Revocation | None:
    what, id, *_ = (*message.split(b" "), b"")
    if not id.isdigit() or len(id) > 19:
        return None
    match what:
        case b"session":
            return Revocation("session", int(id))
        case b"key":
            return Revocation("key", int(id))
        case b"user":
            return Revocation("user", int(id))
    return None
