"""Users, sessions and API keys in the API."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import (
    Email,
    FullName,
    KeyName,
    Login,
    NewPassword,
    Password,
    PublicKey,
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
    """POST /v1/auth/refresh; without a token in the body, the cookie's token is used."""

    refresh_token: RefreshToken | None = None


class LogoutRequest(Request, frozen=True):
    """POST /v1/auth/logout, with a refresh token or an access token."""

    refresh_token: RefreshToken | None = None


class PasswordRequest(Request, frozen=True):
    """POST /v1/auth/password."""

    old_password: Password
    new_password: NewPassword


class ApiKeyRequest(Request, frozen=True):
    """POST /v1/auth/api-keys. ``public_key`` (PEM) is for signed requests (docs/kalshi.md)."""

    name: KeyName
    scopes: Scopes
    public_key: PublicKey | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: a scope given twice."""
        if len(set(self.scopes)) < len(self.scopes):
            return [Problem("scopes", "names a scope twice")]
        return []


class UpdateUserRequest(Request, frozen=True):
    """PATCH /v1/users/{id}."""

    role: Role | None = None
    disabled: bool | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: a request without a change."""
        if self.role is None and self.disabled is None:
            return [Problem("", "give role, disabled or both")]
        return []


class User(msgspec.Struct, frozen=True, rename="camel"):
    """A user: id, e-mail, name and role."""

    id: int
    email: str
    role: Role
    full_name: str | None
    created_at: str


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to register, login and refresh."""

    access_token: str
    refresh_token: str
    user: User


class SessionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A live session.

    ``lastUsedAt`` is the time of its login or last refresh; ``address`` and ``agent`` (User-Agent)
    come from that request. ``current`` marks the session of this request.
    """

    id: int
    created_at: str
    last_used_at: str
    address: str | None
    agent: str | None
    current: bool


class SessionList(msgspec.Struct, frozen=True, rename="camel"):
    """All live sessions of a user, the newest first."""

    items: list[SessionInfo]
    next_cursor: str | None = None


class ManagedUser(User, frozen=True, rename="camel"):
    """A user as admins see one. A disabled user cannot log in or use a token, session or key."""

    disabled: bool


class UserList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of users; ``total`` counts all that match."""

    items: list[ManagedUser]
    total: int
    next_cursor: str | None = None


class NewApiKey(msgspec.Struct, frozen=True, rename="camel"):
    """A new API key. Only this answer ever shows ``key``.

    ``key_id`` names a key with a public key in signed requests, as KALSHI-ACCESS-KEY.
    """

    id: int
    name: str
    scopes: list[Scope]
    key: str
    key_id: str | UnsetType = UNSET


class ApiKey(msgspec.Struct, frozen=True, rename="camel"):
    """A valid API key. ``lastUsedAt`` is null before its first use, and may be a minute old.

    ``key_id`` as in NewApiKey.
    """

    id: int
    name: str
    scopes: list[Scope]
    created_at: str
    last_used_at: str | None
    key_id: str | UnsetType = UNSET


class ApiKeyList(msgspec.Struct, frozen=True, rename="camel"):
    """All of a user's keys, the newest first."""

    items: list[ApiKey]
    next_cursor: str | None = None
