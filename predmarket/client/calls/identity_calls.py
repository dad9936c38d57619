"""Calls about log-in, sessions, passwords and API keys."""

from collections.abc import Sequence

from predmarket.client.calls.call import Access, Call, get, given, list_of
from predmarket.client.response_types import ApiKey, Login, NewApiKey, Page, SessionInfo, User


def register(
    email: str, password: str, full_name: str | None = None, *, invite_code: str | None = None
) -> Call[Login]:
    """Open an account and a session; with an invitation where the exchange asks for one."""
    body = given(email=email, password=password, fullName=full_name, inviteCode=invite_code)
    return Call("POST", "/v1/auth/register", body=body, access=Access.NONE)


def claim(code: str, password: str) -> Call[Login]:
    """Choose a password with a one-time code from an admin, and open a session."""
    body = given(code=code, password=password)
    return Call("POST", "/v1/auth/claim", body=body, access=Access.NONE)


def login(email: str, password: str) -> Call[Login]:
    """Open a session."""
    body = given(email=email, password=password)
    return Call("POST", "/v1/auth/login", body=body, access=Access.NONE)


def refresh(refresh_token: str) -> Call[Login]:
    """Exchange a refresh token for new tokens.

    Repeatable: for a minute the same token gets the same successor, unless that was used.
    """
    body = given(refreshToken=refresh_token)
    return Call("POST", "/v1/auth/refresh", body=body, access=Access.NONE, repeatable=True)


def logout(refresh_token: str) -> Call[None]:
    """Revoke the refresh token's session."""
    body = given(refreshToken=refresh_token)
    return Call("POST", "/v1/auth/logout", body=body, access=Access.NONE, repeatable=True)


def sessions() -> Call[Page[SessionInfo]]:
    """The user's live sessions, newest first."""
    return list_of("/v1/auth/sessions", Access.SESSION)


def revoke_session(session_id: int) -> Call[None]:
    """End one of the user's sessions."""
    return Call("DELETE", f"/v1/auth/sessions/{session_id}", access=Access.SESSION)


def revoke_all() -> Call[None]:
    """End all of the user's sessions and API keys, this session too."""
    return Call("POST", "/v1/auth/revoke-all", access=Access.SESSION)


def change_password(old_password: str, new_password: str) -> Call[None]:
    """Change the password; every other session is revoked."""
    body = given(oldPassword=old_password, newPassword=new_password)
    return Call("POST", "/v1/auth/password", body=body, access=Access.SESSION)


def create_api_key(
    name: str, scopes: Sequence[str], *, public_key: str | None = None
) -> Call[NewApiKey]:
    """Make an API key with scopes among read, trade and admin.

    A public key (PEM) is for requests that are signed with its private key, as Kalshi's clients do.
    """
    body = given(name=name, scopes=list(scopes), publicKey=public_key)
    return Call("POST", "/v1/auth/api-keys", body=body, access=Access.SESSION)


def api_keys() -> Call[Page[ApiKey]]:
    """The user's API keys, newest first, without their secrets."""
    return list_of("/v1/auth/api-keys", Access.SESSION)


def revoke_api_key(key_id: int) -> Call[None]:
    """Revoke an API key, for ever."""
    return Call("DELETE", f"/v1/auth/api-keys/{key_id}", access=Access.SESSION)


def me() -> Call[User]:
    """The token's user."""
    return get("/v1/auth/me")


def update_me(*, full_name: str | None = None, display_name: str | None = None) -> Call[User]:
    """Change the user's names; others see ``display_name``, which must be no other user's."""
    body = given(fullName=full_name, displayName=display_name)
    return Call("PATCH", "/v1/auth/me", body=body)
