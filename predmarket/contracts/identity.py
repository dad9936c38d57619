"""Accounts and sessions on the wire."""

import msgspec

from predmarket.contracts.requests import Request
from predmarket.contracts.text import Email, FullName, Login, NewPassword, Password, RefreshToken
from predmarket.terms import Role


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
