"""Accounts and sessions on the wire."""

from typing import Annotated

import msgspec

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import (
    Email,
    FullName,
    KeyName,
    Login,
    NewPassword,
    Password,
    RefreshToken,
)
from predmarket.enums import Role, Scope

Scopes = Annotated[list[Scope], msgspec.Meta(min_length=1)]


class RegisterRequest(Request, frozen=True):
    """POST /v1/auth/register."""

    email: Email
    password: NewPassword
    full_name: FullName | None = None


class LoginRequest(Request, frozen=True):
    """POST /v1/auth/login."""

    email: Login
    password: Password


class RefreshRequest(Request, frozen=True):
    """POST /v1/auth/refresh; without a token the cookie counts."""

    refresh_token: RefreshToken | None = None


class LogoutRequest(Request, frozen=True):
    """POST /v1/auth/logout; the refresh token may stand in for an access token."""

    refresh_token: RefreshToken | None = None


class PasswordRequest(Request, frozen=True):
    """POST /v1/auth/password."""

    old_password: Password
    new_password: NewPassword


class ApiKeyRequest(Request, frozen=True):
    """POST /v1/auth/api-keys."""

    name: KeyName
    scopes: Scopes

    def problems(self) -> list[Problem]:
        """Return what is wrong: a scope given twice."""
        if len(set(self.scopes)) < len(self.scopes):
            return [Problem("scopes", "names a scope twice")]
        return []


class UpdateUserRequest(Request, frozen=True):
    """PATCH /v1/users/{id}."""

    role: Role | None = None
    disabled: bool | None = None

    def problems(self) -> list[Problem]:
        """Return what is wrong: nothing to change."""
        if self.role is None and self.disabled is None:
            return [Problem("", "give role or disabled")]
        return []


class User(msgspec.Struct, frozen=True, rename="camel"):
    """Who someone is."""

    id: int
    email: str
    role: Role
    full_name: str | None
    created_at: str


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """What register, login and refresh answer."""

    access_token: str
    refresh_token: str
    user: User


class SessionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A session that goes on.

    ``lastUsedAt`` is its login or last refresh; ``address`` and ``agent`` (the User-Agent) are that
    request's. ``current`` says whether it is the session of this request.
    """

    id: int
    created_at: str
    last_used_at: str
    address: str | None
    agent: str | None
    current: bool


class SessionList(msgspec.Struct, frozen=True, rename="camel"):
    """All of a user's sessions that go on, the newest first."""

    items: list[SessionInfo]
    next_cursor: str | None = None


class ManagedUser(User, frozen=True, rename="camel"):
    """A user as admins see one. One who is disabled can neither log in nor use what they hold."""

    disabled: bool


class UserList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of users; ``total`` counts all that match."""

    items: list[ManagedUser]
    total: int
    next_cursor: str | None = None


class NewApiKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key just made. ``key`` is shown this once."""

    id: int
    name: str
    scopes: list[Scope]
    key: str


class ApiKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key that works. ``lastUsedAt`` is null before its first use, and may be a minute old."""

    id: int
    name: str
    scopes: list[Scope]
    created_at: str
    last_used_at: str | None


class ApiKeyList(msgspec.Struct, frozen=True, rename="camel"):
    """All of a user's keys, the newest first."""

    items: list[ApiKey]
    next_cursor: str | None = None
