"""The synchronous REST client: call_runner.py over a connection that blocks."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

import httpx

from predmarket.client import calls, http
from predmarket.client.call_runner import CallRunner, Heard, at_once, method_signature
from predmarket.client.calls import Call
from predmarket.client.deadline import Deadline
from predmarket.client.environment import connection
from predmarket.client.response_types import Page, User
from predmarket.client.retry import Retry
from predmarket.client.session import Session, Tokens
from predmarket.client.settings import DEFAULT_URL

P = ParamSpec("P")
T = TypeVar("T")
SILENT_S = 2.0
"""A wait for an answer that is longer is told to ``waiting``."""


def _method(build: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """Make the method that builds a call and sends it."""

    @wraps(build)
    def method(client: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(build(*args, **kwargs))

    vars(method)["__signature__"] = method_signature(build)
    return method


class Client:
    """A connection to one exchange.

    An api_key replaces the session's token, except for calls that need a login. Every method raises
    ApiError if the exchange refuses and Unreachable if no answer comes. Answers are the API's JSON
    (response_types/). Threads may share a client.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        session: Session | None = None,
        api_key: str | None = None,
        retry: Retry | None = None,
        timeout_s: float = 15.0,
        sleep: Callable[[float], None] = time.sleep,
        heard: Heard | None = None,
        waiting: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare a client of the exchange at ``url``.

        timeout_s bounds each attempt, up to the answer's last byte. ``heard`` gets the HTTP status
        of each answer: 201 for a new order or transfer, 200 for one that existed. If an answer
        takes more than two seconds, another thread calls ``waiting`` with a description of the
        wait.
        """
        url = url.rstrip("/")
        self._http = http.opened(httpx.Client, url, timeout_s)
        wire = _Blocking(self._http, url, sleep, waiting)
        self._conversation = CallRunner(
            url, wire, session or Session(), api_key, retry or Retry(), heard
        )

    @classmethod
    def from_env(cls, profile: str | None = None) -> Self:
        """Return a client with the settings of the environment and a profile (environment.py).

        Raises ConfigurationError.
        """
        return cls(**connection(profile))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send ``call`` and return its answer. Raises ApiError, Unreachable."""
        return at_once(self._conversation.send(call))

    def follow(self, call: Call[Page[T]]) -> Iterator[T]:
        """Yield the items of ``call``'s page and of all pages after it."""
        following: Call[Page[T]] | None = call
        while following is not None:
            page = self.send(following)
            yield from page["items"]
            following = following.after(page)

    def register(
        self,
        email: str,
        password: str,
        full_name: str | None = None,
        *,
        invite_code: str | None = None,
    ) -> User:
        """Open an account and stay logged in."""
        call = calls.register(email, password, full_name, invite_code=invite_code)
        return at_once(self._conversation.enter(call))

    def claim(self, code: str, password: str) -> User:
        """Choose a password with a one-time code, and stay logged in."""
        return at_once(self._conversation.enter(calls.claim(code, password)))

    def login(self, email: str, password: str) -> User:
        """Open a session and keep it."""
        return at_once(self._conversation.enter(calls.login(email, password)))

    def logout(self) -> None:
        """Revoke the session and forget it; an API key stays valid."""
        at_once(self._conversation.logout())

    def revoke_all(self) -> None:
        """End all of the user's sessions and API keys, and forget this session."""
        at_once(self._conversation.revoke_all())

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


class _Blocking:
    """A wire that blocks and so never suspends."""

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        sleep: Callable[[float], None],
        waiting: Callable[[str], None] | None,
    ) -> None:
        self._http = http
        self._url = url
        self._sleep = sleep
        self._waiting = waiting
        self._deadline = Deadline()

    async def request(
        self, call: Call[T], token: str | None, within_s: float | None
    ) -> httpx.Response:
        request = http.request(self._http, self._url, call, token, within_s)
        request.extensions["trace"] = self._deadline.trace
        with (
            self._said(f"waiting for {self._url} to answer ({call.method} {call.path})"),
            self._deadline.within(http.limit_s(self._http, within_s)),
        ):
            return self._http.send(request)

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Call ``waiting`` with ``what``, once the wait has lasted a while."""
        if self._waiting is None:
            yield
            return
        timer = threading.Timer(SILENT_S, self._waiting, [what])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    async def pause(self, seconds: float) -> None:
        self._sleep(seconds)

    async def read(self, session: Session) -> Tokens | None:
        return session.load()

    async def write(self, work: Callable[[], None]) -> None:
        work()

    @asynccontextmanager
    async def exclusively(self, session: Session) -> AsyncIterator[None]:
        with session.exclusively():
            yield

    async def through(self, work: Coroutine[object, object, T]) -> T:
        return await work
