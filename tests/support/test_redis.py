"""The Redis server that tests get."""

import contextlib
import os
import signal

import pytest
import redis

from tests.support.redis import RedisServer


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_with_an_empty_database(redis_url: str, turn: int) -> None:
    """The second turn does not find the first one's data."""
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        assert client.dbsize() == 0
        client.set("left", turn)


def test_a_killed_server_starts_again_empty() -> None:
    """A killed server loses its data, as the exchange must tolerate."""
    with RedisServer() as server, contextlib.closing(redis.Redis.from_url(server.url())) as client:
        client.set("key", "value")
        os.kill(server.pid, signal.SIGKILL)
        server.start()
        assert client.dbsize() == 0
    assert not server.folder.exists()


def test_a_server_that_keeps_its_data_starts_with_it_if_told() -> None:
    """After a kill it has its data only if it is started with it."""
    with (
        RedisServer(keeps=True) as server,
        contextlib.closing(redis.Redis.from_url(server.url())) as client,
    ):
        client.set("key", "value")
        server.stop("kill")
        server.start(with_data=True)
        assert client.get("key") == b"value"
        server.stop("kill")
        server.start()
        assert client.dbsize() == 0
