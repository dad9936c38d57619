"""An exchange with a controlled clock, served over HTTP, driven by one request at a time.

The event loop runs only during a request, so nothing happens between two requests except the timers
that the second request finds due.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from sqlalchemy import text

from predmarket.server.gateway.auth import passwords
from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.conformance.expected import Json
from tests.support.clock import Shown
from tests.support.http_exchange import PASSWORD

T = TypeVar("T")

START = 1_800_000_000_000_000
"""The time at which every run begins, in µs."""
SIGNUP_CREDIT = "3.50"
ADMIN = 1
ADMINS = (ADMIN, 2)
"""The admins. Each confirms the other's proposals."""


class World:
    """One exchange with its users; the caller closes it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.now = START
        self.tokens: dict[int, str] = {}
        self._runner = asyncio.Runner()
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(passwords, "ROUNDS", 4)
        self._settings = Settings.load(
            {
                "port": 0,
                "data_dir": str(folder),
                "database_url": database_url,
                "signup_credit": SIGNUP_CREDIT,
                "auth_rate_limit": "off",
                "auth_window_limit": "off",
                "order_rate_limit": "off",
                "read_rate_limit": "off",
            }
        )
        self._stack = AsyncExitStack()
        self._client: httpx.AsyncClient
        self._node: runtime.Node
        self._run(self._open())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    async def _open(self) -> None:
        self._node = await self._stack.enter_async_context(
            runtime.node(self._settings, 0, Shown(lambda: self.now))
        )
        url, _ = await self._stack.enter_async_context(serving(self._node))
        self._client = httpx.AsyncClient(base_url=url, timeout=60, verify=False)
        self._stack.push_async_callback(self._client.aclose)

    def restart(self) -> None:
        """Restart the exchange on the same database."""
        self._run(self._stack.aclose())
        self._run(self._open())

    @contextmanager
    def resolving(self, *, by_two: bool) -> Iterator[None]:
        """Have resolutions need two admins meanwhile, or not."""
        vars(self._settings)["resolve_by_two"] = by_two
        try:
            yield
        finally:
            vars(self._settings)["resolve_by_two"] = False

    def close(self) -> None:
        """Stop the exchange."""
        try:
            self._run(self._stack.aclose())
        finally:
            self._runner.close()
            self._patch.undo()

    def register(self) -> int:
        """Register the next user; return the id. The first users become admins."""
        body = {"email": f"user{len(self.tokens) + 1}@example.com", "password": PASSWORD}
        answer = self._run(self._client.post("/v1/auth/register", json=body))
        self._client.cookies.clear()
        assert answer.status_code == 201, answer.text
        id: int = answer.json()["user"]["id"]
        self.tokens[id] = answer.json()["accessToken"]
        if id in ADMINS:
            self._run(self._promote(id))
        return id

    async def _promote(self, id: int) -> None:
        async with self._node.db.write() as connection:
            await connection.execute(
                text("UPDATE users SET role = 'ADMIN' WHERE id = :id"), {"id": id}
            )

    def call(
        self,
        user: int,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Json]:
        """Make one request as a user; return the status and the JSON body."""
        given = {"authorization": f"Bearer {self.tokens[user]}", **(headers or {})}
        request: Callable[..., Coroutine[Any, Any, httpx.Response]] = self._client.request
        answer = self._run(request(method, path, json=body, headers=given))
        found: Json = answer.json() if answer.content else {}
        return answer.status_code, found

    def get(self, user: int, path: str) -> Json:
        """Return the body of a GET as a user."""
        status, found = self.call(user, "GET", path)
        assert status == 200, (path, found)
        return found

    def pages(self, user: int, path: str, limit: int) -> list[Json]:
        """Return all items of a list, page by page."""
        items: list[Json] = []
        cursor = ""
        while True:
            page = self.get(user, f"{path}?limit={limit}{cursor}")
            items += page["items"]
            if page["nextCursor"] is None:
                return items
            assert len(page["items"]) == limit
            cursor = f"&cursor={page['nextCursor']}"
