"""The asynchronous client's own promises: the loop never blocks, and a cancel ends a whole call.

Its calls, errors, retries and renewals are in test_client.py, with the other client's.
"""

import asyncio
import gc
import inspect
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from predmarket.client import AsyncClient, Client, Session, StoredSession, Unreachable
from predmarket.client.session import Tokens
from tests.support.stub_data import USER, tokens
from tests.support.stub_exchange import Answer, Request, Stub, refusal

OLD = Tokens("SECRET-access-1", "SECRET-refresh-1")
NEW = Tokens("SECRET-access-2", "SECRET-refresh-2")


def public(kind: type) -> dict[str, str]:
    """Return the public methods of ``kind`` and their parameters."""
    return {
        name: str(inspect.signature(method).replace(return_annotation=None))
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_clients_can_the_same() -> None:
    """Both clients have the same calls with the same parameters."""
    blocking, awaiting = public(Client), public(AsyncClient)
    del blocking["close"]
    for name in ("aclose", "token", "renew"):
        del awaiting[name]
    assert blocking == awaiting


def expired(stub: Stub) -> None:
    """Make the old access token expired, and the refresh token valid for one new pair."""

    def me(request: Request) -> Answer:
        return Answer(body=USER) if request.token == NEW.access else refusal(401, "UNAUTHENTICATED")

    stub.on("GET", "/v1/auth/me", me)
    used = refusal(401, "INVALID_REFRESH_TOKEN")
    stub.on("POST", "/v1/auth/refresh", Answer(body=tokens(2)), used)


async def test_tasks_share_one_renewal(stub: Stub) -> None:
    """Tasks that find the access token expired share one use of the refresh token."""
    expired(stub)
    async with AsyncClient(stub.url, session=Session(OLD)) as client:
        assert await asyncio.gather(*(client.me() for _ in range(5))) == [USER] * 5
    assert len(stub.sent("POST", "/v1/auth/refresh")) == 1


async def test_closing_ends_what_is_under_way(stub: Stub) -> None:
    """close() ends every connection, even a half-open one, and every waiting call."""
    stub.on("GET", "/v1/auth/me", Answer(body=USER))
    ends = set()
    for turns in range(12):
        client = AsyncClient(stub.url, session=Session(OLD))
        calls = [asyncio.create_task(client.me()) for _ in range(2)]
        for _ in range(turns):
            await asyncio.sleep(0)
        await client.aclose()
        for answer in await asyncio.gather(*calls, return_exceptions=True):
            ends.add(type(answer))
    gc.collect()  # an open socket without an owner causes a warning here
    assert Unreachable in ends <= {Unreachable, dict}


async def test_a_caller_that_gives_up_does_not_lose_the_session(stub: Stub) -> None:
    """A cancelled caller's renewal completes, and its tokens are kept."""
    expired(stub)
    begun, go_on = threading.Event(), threading.Event()

    def refresh(_: Request) -> Answer:
        begun.set()
        go_on.wait(10)
        return Answer(body=tokens(2))

    stub.on("POST", "/v1/auth/refresh", refresh, refusal(401, "INVALID_REFRESH_TOKEN"))
    session = Session(OLD)
    async with AsyncClient(stub.url, session=session) as client:
        call = asyncio.create_task(client.me())
        assert await asyncio.to_thread(begun.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert session.load() == OLD
        go_on.set()
    assert session.load() == NEW


async def test_a_lock_is_not_waited_for_in_the_loop(stub: Stub, tmp_path: Path) -> None:
    """While another process holds the session's lock, every other task runs."""
    expired(stub)
    StoredSession(tmp_path, "default", stub.url).keep(OLD)
    other = StoredSession(tmp_path, "default", stub.url)
    async with AsyncClient(
        stub.url, session=StoredSession(tmp_path, "default", stub.url)
    ) as client:
        with other.exclusively():
            call = asyncio.create_task(client.me())
            while not stub.sent("GET", "/v1/auth/me"):
                await asyncio.sleep(0.001)
            for _ in range(20):  # the loop runs
                await asyncio.sleep(0.001)
            assert not call.done()
            assert not stub.sent("POST", "/v1/auth/refresh")
        assert await call == USER


class Guard(AbstractContextManager[None]):
    """A counting lock that only its holder releases, never the garbage collector."""

    def __init__(self) -> None:
        self.asked = self.taken = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self.asked += 1
        self._lock.acquire()
        self.taken += 1

    def __exit__(self, *exc: object) -> None:
        self._lock.release()


async def test_a_lock_that_nobody_waits_for_any_more_is_given_back(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that gets the lock after its caller was cancelled releases it."""
    expired(stub)
    stub.on("POST", "/v1/auth/logout", Answer(204))
    session, guard = Session(OLD), Guard()
    monkeypatch.setattr(session, "exclusively", lambda: guard)
    async with AsyncClient(stub.url, session=session) as client:
        with session.exclusively():
            wait = asyncio.create_task(client.logout())
            while guard.asked < 2:
                await asyncio.sleep(0.001)
            wait.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wait
        while guard.taken < 2:
            await asyncio.sleep(0.001)
        async with asyncio.timeout(60):
            assert await client.me() == USER


async def test_two_clients_of_one_session_do_not_block_each_other(stub: Stub) -> None:
    """Two clients in one loop share a session; one awaits the other's renewal."""
    expired(stub)
    session = Session(OLD)
    async with (
        AsyncClient(stub.url, session=session) as one,
        AsyncClient(stub.url, session=session) as two,
        asyncio.timeout(60),
    ):
        for user in await asyncio.gather(one.me(), two.me()):
            assert user == USER
    assert len(stub.sent("POST", "/v1/auth/refresh")) == 1
