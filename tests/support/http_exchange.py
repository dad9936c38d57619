"""A whole exchange on a real socket, in the test's own event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from predmarket.server.gateway.app import Application
from predmarket.server.gateway.auth import passwords
from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.support import query_plans

PASSWORD = "a long enough password"

ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test that does not depend on the kind of database."""

Json = dict[str, Any]


@dataclass(frozen=True)
class User:
    """An account holder with a client that carries their token."""

    id: int
    email: str
    client: httpx.AsyncClient
    session: Json


@dataclass(frozen=True)
class Exchange:
    """A running exchange, with clients and users."""

    url: str
    node: runtime.Node
    app: Application
    anonymous: httpx.AsyncClient
    register: Callable[[str], Awaitable[User]]
    login: Callable[[str], Awaitable[User]]
    admin: User

    async def again(self, user: User) -> User:
        """Log a user in again; return the user with a new session."""
        return await self.login(user.email)

    async def market(self, slug: str = "rain", **fields: object) -> Json:
        """Create a market."""
        body = {"slug": slug, "question": "Will it rain?", **fields}
        answer = await self.admin.client.post("/v1/markets", json=body)
        assert answer.status_code == 201, answer.text
        market: Json = answer.json()
        return market

    async def trader(self, name: str, amount: str = "100") -> User:
        """Register a user with money."""
        user = await self.register(f"{name}@example.com")
        body = {"userId": user.id, "amount": amount, "reason": "test"}
        answer = await self.admin.client.post("/v1/user/transfer", json=body)
        assert answer.status_code == 201, answer.text
        return user


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with the newest schema: the test runs once on each kind."""
    url = request.getfixturevalue(f"migrated_{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def settings(
    tmp_path: Path,
    database_url: str,
    more_settings: dict[str, str],
    sqlite_template: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """Settings of an exchange without data; hashing is quick.

    The exchange may send no statement that reads what grows.
    """
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.chdir(tmp_path)
    limits = dict.fromkeys(
        ("auth_rate_limit", "auth_window_limit", "order_rate_limit", "read_rate_limit"), "off"
    )
    given = {"port": 0, "data_dir": str(tmp_path), "database_url": database_url, **limits}
    with query_plans.checked(sqlite_template):
        yield Settings.load({**given, "signup_credit": "0", **more_settings})


@pytest.fixture
async def exchange(settings: Settings) -> AsyncIterator[Exchange]:
    """An exchange with an admin."""
    async with started(settings) as exchange:
        yield exchange


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[Exchange]:
    """Run an exchange with an admin."""
    clients: list[httpx.AsyncClient] = []
    async with runtime.node(settings, wait_s=0) as node, serving(node) as (url, app):

        def client(token: str | None = None) -> httpx.AsyncClient:
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            # no TLS: loading its certificates takes longer than most tests
            clients.append(
                httpx.AsyncClient(base_url=url, headers=headers, timeout=60, verify=False)
            )
            return clients[-1]

        anonymous = client()

        async def enter(how: str, status: int, body: Json) -> User:
            answer = await anonymous.post(f"/v1/auth/{how}", json=body)
            anonymous.cookies.clear()
            assert answer.status_code == status, answer.text
            session = answer.json()
            token = session["accessToken"]
            return User(session["user"]["id"], body["email"], client(token), session)

        async def register(email: str) -> User:
            body = {"email": email, "password": PASSWORD, "fullName": "Ann Example"}
            return await enter("register", 201, body)

        async def login(email: str) -> User:
            return await enter("login", 200, {"email": email, "password": PASSWORD})

        boss = await register("boss@example.com")
        async with node.db.write() as connection:
            promote = text("UPDATE users SET role = 'ADMIN' WHERE id = :id")
            await connection.execute(promote, {"id": boss.id})
        yield Exchange(url, node, app, anonymous, register, login, boss)
        for one in clients:
            await one.aclose()
