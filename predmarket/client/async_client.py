"""The asynchronous REST client: call_runner.py over a connection that awaits.

Nothing here blocks the event loop: a thread waits for a session's locks and files. A renewal of
tokens finishes even if its caller is cancelled, because a refresh token with a lost answer would
end the session.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from predmarket.client import calls, http
from predmarket.client.call_runner import CallRunner, method_signature
from predmarket.client.calls import Call
from predmarket.client.environment import connection
from predmarket.client.errors import Unreachable
from predmarket.client.response_types import Page, User
from predmarket.client.retry import Retry
from predmarket.client.session import Session, Tokens
from predmarket.client.settings import DEFAULT_URL

P = ParamSpec("P")
T = TypeVar("T")


def _method(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[object, object, T]]:
    """Make the method that builds a call and sends it."""

    @wraps(build)
    async def method(client: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(build(*args, **kwargs))

    vars(method)["__signature__"] = method_signature(build)
    return method


class AsyncClient:
    """A connection to one exchange, for an event loop.

    As in `Client`, an api_key replaces the session's token, except for calls that need a login.
    Every method raises ApiError if the exchange refuses and Unreachable if no answer comes. Answers
    are the API's JSON (response_types/). The tasks of one loop may share a client; any program
    may share a session.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        session: Session | None = None,
        api_key: str | None = None,
        retry: Retry | None = None,
        timeout_s: float = 15.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        url = url.rstrip("/")
        self._http = http.opened(httpx.AsyncClient, url, timeout_s)
        self._wire = _Awaiting(self._http, url, sleep)
        self._conversation = CallRunner(
            url, self._wire, session or Session(), api_key, retry or Retry()
        )

    @classmethod
    def from_env(cls, profile: str | None = None) -> Self:
        """Return a client with the settings of the environment and a profile (environment.py).

        Raises ConfigurationError.
        """
        return cls(**connection(profile))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish a running renewal, and close the connections. Calls that wait for an answer raise
        Unreachable."""
        await self._wire.finish()
        await self._wire.close()

    async def send(self, call: Call[T]) -> T:
        """Send ``call`` and return its answer. Raises ApiError, Unreachable."""
        return await self._conversation.send(call)

    async def follow(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """Yield the items of ``call``'s page and of all pages after it."""
        following: Call[Page[T]] | None = call
        while following is not None:
            page = await self.send(following)
            for item in page["items"]:
                yield item
            following = following.after(page)

    async def register(
        self,
        email: str,
        password: str,
        full_name: str | None = None,
        *,
        invite_code: str | None = None,
    ) -> User:
        """Open an account and stay logged in."""
        call = calls.register(email, password, full_name, invite_code=invite_code)
        return await self._conversation.enter(call)

    async def claim(self, code: str, password: str) -> User:
        """Choose a password with a one-time code, and stay logged in."""
        return await self._conversation.enter(calls.claim(code, password))

    async def login(self, email: str, password: str) -> User:
        """Open a session and keep it."""
        return await self._conversation.enter(calls.login(email, password))

    async def logout(self) -> None:
        """Revoke the session and forget it; an API key stays valid."""
        await self._conversation.logout()

    async def revoke_all(self) -> None:
        """End all of the user's sessions and API keys, and forget this session."""
        await self._conversation.revoke_all()

    async def token(self) -> str | None:
        """Return the present token, an API key or the session's; None without one."""
        return await self._conversation.token()

    async def renew(self, stale: str) -> str | None:
        """Return an access token newer than ``stale``. Raises ApiError, Unreachable.

        None means that there can be none: the session has ended, or ``stale`` is the API key.
        """
        return await self._conversation.renew(stale)

    change_password = _method(calls.change_password)
    create_api_key = _method(calls.create_api_key)
    api_keys = _method(calls.api_keys)
    revoke_api_key = _method(calls.revoke_api_key)
    sessions = _method(calls.sessions)
    revoke_session = _method(calls.revoke_session)
    me = _method(calls.me)
    update_me = _method(calls.update_me)
    markets = _method(calls.markets)
    market = _method(calls.market)
    create_market = _method(calls.create_market)
    import_all = _method(calls.import_all)
    update_market = _method(calls.update_market)
    resolve_market = _method(calls.resolve_market)
    confirm_proposal = _method(calls.confirm_proposal)
    withdraw_proposal = _method(calls.withdraw_proposal)
    events = _method(calls.events)
    event = _method(calls.event)
    create_event = _method(calls.create_event)
    update_event = _method(calls.update_event)
    add_market = _method(calls.add_market)
    resolve_event = _method(calls.resolve_event)
    confirm_event_proposal = _method(calls.confirm_event_proposal)
    withdraw_event_proposal = _method(calls.withdraw_event_proposal)
    book = _method(calls.book)
    trades = _method(calls.trades)
    candles = _method(calls.candles)
    calibration = _method(calls.calibration)
    place_order = _method(calls.place_order)
    preview_order = _method(calls.preview_order)
    place_batch = _method(calls.place_batch)
    orders = _method(calls.orders)
    order = _method(calls.order)
    amend_order = _method(calls.amend_order)
    cancel_order = _method(calls.cancel_order)
    cancel_all = _method(calls.cancel_all)
    cancel_after = _method(calls.cancel_after)
    order_groups = _method(calls.order_groups)
    order_group = _method(calls.order_group)
    create_order_group = _method(calls.create_order_group)
    update_order_group = _method(calls.update_order_group)
    reset_order_group = _method(calls.reset_order_group)
    trigger_order_group = _method(calls.trigger_order_group)
    delete_order_group = _method(calls.delete_order_group)
    balance = _method(calls.balance)
    positions = _method(calls.positions)
    event_holdings = _method(calls.event_holdings)
    portfolio = _method(calls.portfolio)
    fills = _method(calls.fills)
    statement = _method(calls.statement)
    transfer = _method(calls.transfer)
    users = _method(calls.users)
    update_user = _method(calls.update_user)
    create_user = _method(calls.create_user)
    reset_user = _method(calls.reset_user)
    create_invite = _method(calls.create_invite)
    invites = _method(calls.invites)
    revoke_invite = _method(calls.revoke_invite)
    groups = _method(calls.groups)
    create_group = _method(calls.create_group)
    add_member = _method(calls.add_member)
    remove_member = _method(calls.remove_member)
    start_season = _method(calls.start_season)
    end_season = _method(calls.end_season)
    seasons = _method(calls.seasons)
    leaderboard = _method(calls.leaderboard)
    admin_log = _method(calls.admin_log)
    overview = _method(calls.overview)
    revoke_all_of = _method(calls.revoke_all_of)
    status = _method(calls.status)
    faults = _method(calls.faults)
    set_faults = _method(calls.set_faults)


class _Awaiting:
    """A wire that awaits."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._http = http
        self._url = url
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._unfinished: set[asyncio.Task[object]] = set()
        self._under_way: set[asyncio.Task[httpx.Response]] = set()
        self._closed = False

    async def request(
        self, call: Call[T], token: str | None, within_s: float | None
    ) -> httpx.Response:
        self._require_open()
        request = http.request(self._http, self._url, call, token, within_s)
        try:
            async with asyncio.timeout(http.limit_s(self._http, within_s)):
                return await self._sent(request)
        except TimeoutError:
            raise httpx.ReadTimeout("the answer took too long", request=request) from None

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        sending = asyncio.create_task(self._http.send(request))
        self._under_way.add(sending)
        sending.add_done_callback(self._under_way.discard)
        try:
            return await sending
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is None or not caller.cancelling():  # close() gave the request up
                self._require_open()
            raise

    async def pause(self, seconds: float) -> None:
        self._require_open()
        await self._sleep(seconds)

    def _require_open(self) -> None:
        if self._closed:
            raise Unreachable(f"{self._url}: the client was closed")

    async def read(self, session: Session) -> Tokens | None:
        return await asyncio.to_thread(session.load) if session.waits else session.load()

    async def write(self, work: Callable[[], None]) -> None:
        await asyncio.to_thread(work)

    @asynccontextmanager
    async def exclusively(self, session: Session) -> AsyncIterator[None]:
        # only one thread waits for the lock, for any number of tasks
        async with self._turn:
            lock = _Lock(session.exclusively())
            try:
                await asyncio.to_thread(lock.take)
                yield
            finally:
                lock.give_back()

    async def through(self, work: Coroutine[object, object, T]) -> T:
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    async def finish(self) -> None:
        """Wait for work of ``through`` whose caller has left."""
        if self._unfinished:
            await asyncio.wait(self._unfinished)

    async def close(self) -> None:
        """Close the connections. Running requests are given up first, because in the library a
        connection that is still being made would outlive its client."""
        self._closed = True
        for sending in self._under_way:
            sending.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._http.aclose()


class _Lock:
    """A session's lock, taken in a thread; it is released at once if the caller has left."""

    def __init__(self, guard: AbstractContextManager[object]) -> None:
        self._guard = guard
        self._state = threading.Lock()
        self._taken = False
        self._wanted = True

    def take(self) -> None:
        self._guard.__enter__()
        with self._state:
            self._taken = self._wanted
        if not self._taken:
            self._guard.__exit__(None, None, None)

    def give_back(self) -> None:
        with self._state:
            self._wanted = False
            taken, self._taken = self._taken, False
        if taken:
            self._guard.__exit__(None, None, None)
