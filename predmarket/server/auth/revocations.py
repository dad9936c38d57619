"""News of what ended, between gateways: a logout at one is a logout at all, at once.

The channel carries lines such as ``session 7``. Nothing depends on their arrival: without Redis, or
with one lost, each gateway notices within RECHECK_SECONDS (principals.py).
"""

import logging
from contextlib import suppress

from predmarket.server.auth.principals import Ended, Principals
from predmarket.server.redis import Away, Redis

log = logging.getLogger(__name__)


def share_revocations(principals: Principals, redis: Redis) -> None:
    """Tell the other gateways of each session or key that ends here, and heed what they tell."""
    channel, mac = redis.keys.ended, redis.mac

    async def announce(ended: Ended) -> None:
        with suppress(Away):  # they find out by themselves, a little later
            await redis.publish(channel, mac.sign(channel, f"{ended.what} {ended.id}".encode()))

    def receive(message: bytes) -> None:
        news = mac.open(channel, message, "revocation")
        ended = None if news is None else _read(news)
        if ended is not None:
            principals.forget(ended)

    principals.announce = announce
    redis.listen(channel, receive, principals.forget_all)


def _read(message: bytes) -> Ended | None:
    what, _, id = message.partition(b" ")
    if not id.isdigit() or len(id) > 19:
        return None
    match what:
        case b"session":
            return Ended("session", int(id))
        case b"key":
            return Ended("key", int(id))
        case b"user":
            return Ended("user", int(id))
    return None
