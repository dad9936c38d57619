"""Both REST clients behind one interface, so that each case is written once."""

import asyncio
from collections.abc import Callable
from inspect import isasyncgen, isawaitable
from typing import Any, Self, cast

from predmarket.client import AsyncClient, Client, Session


def blocking(
    url: str,
    *,
    session: Session | None = None,
    api_key: str | None = None,
    timeout_s: float = 15.0,
    sleep: Callable[[float], object] = lambda _: None,
) -> Client:
    """Return the synchronous client; it does not wait between attempts."""
    return Client(
        url,
        session=session,
        api_key=api_key,
        timeout_s=timeout_s,
        sleep=lambda s: void(sleep(s)),
    )


def awaiting(
    url: str,
    *,
    session: Session | None = None,
    api_key: str | None = None,
    timeout_s: float = 15.0,
    sleep: Callable[[float], object] = lambda _: None,
) -> Client:
    """Return the asynchronous client in a loop of its own, with blocking calls."""

    async def pause(seconds: float) -> None:
        sleep(seconds)

    made = AsyncClient(url, session=session, api_key=api_key, timeout_s=timeout_s, sleep=pause)
    return cast("Client", _Driven(made))


def void(_: object) -> None:
    """Take a value and return nothing."""


class _Driven:
    """Runs the coroutine of a call to its end."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._client, name)

        def call(*args: object, **kwargs: object) -> object:
            return self._runner.run(_result(method(*args, **kwargs)))

        return call


async def _result(given: Any) -> object:  # noqa: ANN401  whatever a method returns
    if isasyncgen(given):
        return [item async for item in given]
    return await given if isawaitable(given) else given
