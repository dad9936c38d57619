"""Users, their sessions and keys."""

from typing import NotRequired, TypedDict


class User(TypedDict):
    id: int
    email: str
    role: str
    fullName: str | None
    createdAt: str
    displayName: str
    disabled: NotRequired[bool]
    available: NotRequired[str]
    locked: NotRequired[str]
    lastSeenAt: NotRequired[str | None]


class UserCode(TypedDict):
    """code is shown only in this answer."""

    code: str


class NewUser(TypedDict):
    """code is shown only in this answer."""

    user: User
    code: str


class Invite(TypedDict):
    id: int
    uses: int
    used: int
    expiresAt: str
    credit: str
    group: str | None
    createdAt: str
    revokedAt: str | None


class NewInvite(Invite):
    """code is shown only in this answer."""

    code: str


class UserGroup(TypedDict):
    id: int
    name: str
    memberCount: int
    createdAt: str


class Login(TypedDict):
    """The answer of register, login and refresh."""

    accessToken: str
    refreshToken: str
    user: User


class ApiKey(TypedDict):
    id: int
    name: str
    scopes: list[str]
    createdAt: str
    lastUsedAt: str | None
    keyId: NotRequired[str]


class SessionInfo(TypedDict):
    """lastUsedAt is the login or the last refresh; current marks the session of this request."""

    id: int
    createdAt: str
    lastUsedAt: str
    address: str | None
    agent: str | None
    current: bool


class NewApiKey(TypedDict):
    """key is shown only in this answer; keyId is there with a public key."""

    id: int
    name: str
    scopes: list[str]
    key: str
    keyId: NotRequired[str]


class Creator(TypedDict):
    id: int
    fullName: str | None
