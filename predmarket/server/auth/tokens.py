"""Access tokens (JWT, 15 minutes) and refresh tokens (random, kept only as a hash, 30 days)."""

import hashlib
import secrets
from typing import NamedTuple

import jwt

from predmarket.terms import Role

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 30 * 24 * 3_600
_ALGORITHM = "HS256"
_LARGEST_ID = 2**63 - 1


class AccessToken(NamedTuple):
    """What a valid access token says. The role is as of its issue; the database decides."""

    user_id: int
    session_id: int
    role: Role
    expires_at: int


def issue_access(secret: str, user_id: int, session_id: int, role: Role, now: int) -> str:
    """Return a signed access token. ``now`` is in seconds."""
    claims = {
        "sub": str(user_id),
        "sid": session_id,
        "role": role.value,
        "iat": now,
        "exp": now + ACCESS_SECONDS,
        "jti": secrets.token_hex(8),  # two tokens of one second differ
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def read_access(secret: str, token: str) -> AccessToken | None:
    """Return what a token says, or None when it is forged, expired or not one of ours."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            options={"require": ["sub", "sid", "role", "exp"]},
        )
        user_id, session_id = int(claims["sub"]), int(claims["sid"])
        if not (0 < user_id <= _LARGEST_ID and 0 < session_id <= _LARGEST_ID):
            return None
        return AccessToken(user_id, session_id, Role(claims["role"]), int(claims["exp"]))
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        return None


def new_refresh() -> str:
    """Return a fresh refresh token: 32 random bytes."""
    return secrets.token_urlsafe(32)


def refresh_hash(token: str) -> bytes:
    """Return what is stored of a refresh token."""
    return hashlib.sha256(token.encode()).digest()
