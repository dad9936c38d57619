"""The parts of the client library that the screen's session needs."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

from predmarket.client import response_types
from predmarket.client.calls import Call
from predmarket.client.messages import Message

T = TypeVar("T")


class Client(Protocol):
    """The part of predmarket.client.AsyncClient that the trader needs."""

    async def send(self, call: Call[T]) -> T: ...
    async def login(self, email: str, password: str) -> response_types.User: ...
    async def register(
        self,
        email: str,
        password: str,
        full_name: str | None = None,
        *,
        invite_code: str | None = None,
    ) -> response_types.User: ...
    async def claim(self, code: str, password: str) -> response_types.User: ...
    async def logout(self) -> None: ...
    async def aclose(self) -> None: ...


class Feed(Protocol):
    """The part of predmarket.client.Feed that the trader needs."""

    @property
    def age_s(self) -> float | None: ...
    @property
    def waiting(self) -> int: ...
    def resynchronise(self, reason: str) -> None: ...
    def __aiter__(self) -> AsyncIterator[Message]: ...
    async def subscribe(self, *topics: str) -> object: ...
    async def unsubscribe(self, *topics: str) -> object: ...
