"""Users, sessions and API keys in the API."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from predmarket.contracts.amounts import Credit, Time
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import (
    Code,
    DisplayName,
    Email,
    EmailOrHandle,
    FullName,
    GroupName,
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
    """POST /v1/auth/register; ``inviteCode`` is needed where the setting SIGNUP is ``invite``."""

    email: Email
    password: NewPassword
    full_name: FullName | None = None
    invite_code: Code | None = None


class ClaimRequest(Request, frozen=True):
    """POST /v1/auth/claim."""

    code: Code
    password: NewPassword


class UpdateMeRequest(Request, frozen=True):
    """PATCH /v1/auth/me."""

    full_name: FullName | None = None
    display_name: DisplayName | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: a request without a change."""
        if self.full_name is None and self.display_name is None:
            return [Problem("", "give fullName, displayName or both")]
        return []


class CreateUserRequest(Request, frozen=True):
    """POST /v1/users. ``credit`` comes on top of the setting SIGNUP_CREDIT; a group that does not
    exist is made."""

    email: EmailOrHandle
    full_name: FullName | None = None
    role: Role = Role.USER
    credit: Credit | None = None
    group: GroupName | None = None


class InviteRequest(Request, frozen=True):
    """POST /v1/invites. By default it can be used once, within seven days."""

    uses: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1
    expires_at: Time | None = None
    credit: Credit | None = None
    group: GroupName | None = None


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
    """A user: id, e-mail, name and role. ``displayName`` is what others see."""

    id: int
    email: str
    role: Role
    full_name: str | None
    created_at: str
    display_name: str


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


class ListedUser(ManagedUser, frozen=True, rename="camel"):
    """A user in a list for admins, with the account's cash.

    ``lastSeenAt`` is the last log-in, refresh (every 15 minutes of use) or use of an API key, null
    before the first.
    """

    available: str
    locked: str
    last_seen_at: str | None


class UserList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of users; ``total`` counts all that match."""

    items: list[ListedUser]
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


class UserCode(msgspec.Struct, frozen=True, rename="camel"):
    """A one-time code with which a user sets a password. Only this answer ever shows it."""

    code: str


class NewUser(msgspec.Struct, frozen=True, rename="camel"):
    """A user whom an admin made, with the one-time code. Only this answer ever shows it."""

    user: ManagedUser
    code: str


class Invite(msgspec.Struct, frozen=True, rename="camel"):
    """An invitation: its bounds, how often it was used, and what a user gets who registers by it.

    ``revokedAt`` is null while it is not revoked.
    """

    id: int
    uses: int
    used: int
    expires_at: str
    credit: str
    group: str | None
    created_at: str
    revoked_at: str | None


class NewInvite(Invite, frozen=True, rename="camel"):
    """A new invitation. Only this answer ever shows ``code``."""

    code: str


class InviteList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of invitations, newest first."""

    items: list[Invite]
    next_cursor: str | None = None
