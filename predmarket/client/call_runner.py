"""Runs a call: chooses its token, repeats it, and renews tokens.

It promises: only a repeatable call (calls/) is sent again; an expired access token is renewed
silently, once; only one caller at a time uses a refresh token, even if several share the session.

Both clients use this code. It is ``async def``, and a Wire does everything that waits. A blocking
client's wire blocks and never suspends, so ``at_once`` runs the same code without an event loop,
and without importing one.
"""

import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from inspect import Parameter, Signature, signature
from typing import Any, Protocol, TypeAlias, TypeVar, get_args

import httpx

from predmarket.client import calls, http
from predmarket.client.calls import Access, Call
from predmarket.client.errors import ApiError, Unreachable
from predmarket.client.response_types import Login, User
from predmarket.client.retry import Retry
from predmarket.client.session import Session, Tokens

T = TypeVar("T")
_LEAST_S = 0.1
"""The least time for an attempt: with less time left, there is no further attempt."""


Heard: TypeAlias = Callable[[Call[Any], int], None]
"""Called with each answer: the call, and the HTTP status."""


class Wire(Protocol):
    """The operations that wait: network, clock, files and locks."""

    async def request(
        self, call: Call[T], token: str | None, within_s: float | None
    ) -> httpx.Response:
        """Send ``call`` once, and wait no longer than within_s, None for as long as the client
        waits at most. Raises what ``http.FAILURES`` lists.
        """

    async def pause(self, seconds: float) -> None:
        """Wait before the next attempt."""

    async def read(self, session: Session) -> Tokens | None:
        """Return the session's tokens."""

    async def write(self, work: Callable[[], None]) -> None:
        """Do ``work``, which changes the session."""

    def exclusively(self, session: Session) -> AbstractAsyncContextManager[None]:
        """Lock ``session`` against changes by others."""

    async def through(self, work: Coroutine[object, object, T]) -> T:
        """Do ``work`` to its end, even if the caller stops waiting for it."""


def at_once(work: Coroutine[object, object, T]) -> T:
    """Return what ``work`` comes to; its wire must not suspend."""
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    work.close()
    raise RuntimeError("a blocking client's wire must not suspend")


class CallRunner:
    """Runs the calls to one exchange, with one session or API key, over one wire."""

    def __init__(
        self,
        url: str,
        wire: Wire,
        session: Session,
        api_key: str | None,
        retry: Retry,
        heard: Heard | None = None,
    ) -> None:
        """Prepare a runner; ``heard`` is called for each answer that is no error."""
        self._url = url
        self._wire = wire
        self._session = session
        self._api_key = api_key
        self._retry = retry
        self._heard = heard

    async def send(self, call: Call[T]) -> T:
        """Send ``call`` and return its answer. Raises ApiError, Unreachable."""
        token = await self.token(call.access)
        try:
            return await self._repeat(call, token)
        except ApiError as error:
            # a wrong password is not an expired token, and a key is never renewed
            if error.status != 401 or error.code == "INVALID_CREDENTIALS":
                raise
            if token is None or token == self._api_key:
                raise
            renewed = await self.renew(token)
            if renewed is None and call.access is not Access.OPTIONAL:
                raise
            # public data is available even after the session has ended
            return await self._repeat(call, renewed)

    async def token(self, access: Access = Access.REQUIRED) -> str | None:
        """Return the token for a call with ``access``."""
        if access is Access.NONE:
            return None
        if self._api_key and access is not Access.SESSION:
            return self._api_key
        tokens = await self._wire.read(self._session)
        # without a session send the key, so that the exchange reports what is missing
        return tokens.access if tokens else self._api_key

    async def renew(self, stale: str) -> str | None:
        """Return an access token newer than ``stale``, None when the session has ended or when
        ``stale`` is an API key.
        """
        if stale == self._api_key:
            return None
        # a refresh whose answer nobody keeps would end the session
        return await self._wire.through(self._renewed(stale))

    async def enter(self, call: Call[Login]) -> User:
        """Send a call that opens a session, and keep the session."""
        login = await self.send(call)
        async with self._wire.exclusively(self._session):
            await self._keep(login)
        return login["user"]

    async def logout(self) -> None:
        """Revoke the session and forget it; an API key stays valid."""
        tokens = await self._wire.read(self._session)
        if tokens is None:
            return
        try:
            await self._repeat(calls.logout(tokens.refresh), None)
        except ApiError as error:
            if error.status != 401:  # else the session had ended already
                raise
        await self._forget()

    async def revoke_all(self) -> None:
        """End all of the user's sessions and API keys, and forget this session."""
        await self.send(calls.revoke_all())
        await self._forget()

    async def _forget(self) -> None:
        async with self._wire.exclusively(self._session):
            await self._wire.write(self._session.forget)

    async def _keep(self, login: Login) -> str:
        fresh = Tokens(login["accessToken"], login["refreshToken"])
        await self._wire.write(lambda: self._session.keep(fresh))
        return fresh.access

    async def _renewed(self, stale: str) -> str | None:
        async with self._wire.exclusively(self._session):
            tokens = await self._wire.read(self._session)
            if tokens is None:
                return None
            if tokens.access != stale:
                return tokens.access  # another caller was first
            try:
                login = await self._repeat(calls.refresh(tokens.refresh), None)
            except ApiError as error:
                if error.status not in (400, 401):
                    raise
                await self._wire.write(self._session.forget)
                return None
            return await self._keep(login)

    async def _repeat(self, call: Call[T], token: str | None) -> T:
        """Send until there is a final answer, or the retries end."""
        attempt, began = 1, time.monotonic()
        while True:
            try:
                return await self._once(call, token, self._left_s(began))
            except Unreachable:
                pause_s = self._pause_s(began, attempt)
                if not call.repeatable or pause_s is None:
                    raise
            except ApiError as error:
                pause_s = self._pause_s(began, attempt, error.retry_after_s)
                if not _may_repeat(call, error, pause_s) or pause_s is None:
                    raise
            await self._wire.pause(pause_s)
            attempt += 1

    def _pause_s(self, began: float, attempt: int, asked_s: float | None = None) -> float | None:
        """Return the pause after an attempt, None if retries or time are over."""
        pause_s, left_s = self._retry.pause_s(attempt, asked_s), self._left_s(began)
        if pause_s is not None and left_s is not None and pause_s + _LEAST_S >= left_s:
            return None
        return pause_s

    def _left_s(self, began: float) -> float | None:
        """Return how long a call that ``began`` may still take, None for no limit."""
        total_s = self._retry.total_s
        if total_s is None:
            return None
        return max(_LEAST_S, total_s - (time.monotonic() - began))

    async def _once(self, call: Call[T], token: str | None, within_s: float | None) -> T:
        try:
            response = await self._wire.request(call, token, within_s)
        except http.FAILURES as error:
            raise http.unreachable(error, self._url) from None
        answer = http.decoded(response, call, self._url)
        if self._heard is not None:
            self._heard(call, response.status_code)
        return answer


def _may_repeat(call: Call[T], error: ApiError, pause_s: float | None) -> bool:
    """Tell whether to send a call again after a refusal and a pause.

    It is sent again if the exchange was too busy (503), or if a read exceeded its limit (429) and
    the pause is as long as the exchange asked for.
    """
    if error.status == 429:
        return call.method == "GET" and (error.retry_after_s or 0.0) <= (pause_s or 0.0)
    return error.status == 503 and call.repeatable


def method_signature(build: Callable[..., Call[T]]) -> Signature:
    """Return the signature of a client's method: the call's parameters and its answer's type."""
    shown = signature(build)
    answer = get_args(shown.return_annotation)
    client = Parameter("self", Parameter.POSITIONAL_ONLY)
    return shown.replace(
        parameters=[client, *shown.parameters.values()],
        return_annotation=answer[0] if answer else Signature.empty,
    )
