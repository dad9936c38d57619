"""Access tokens (JWT, 15 minutes) and refresh tokens (random, kept only as a hash, 30 days).

Keys from the signing secret derive the stored hash and the successor of a refresh token. So a new
secret ends every session.
"""

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple

import jwt

from predmarket.enums import Role

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 30 * 24 * 3_600
SESSION_SECONDS = 90 * 24 * 3_600
"""The longest life of a session, however often it is refreshed."""
REPEAT_SECONDS = 60
"""A used refresh token may come again for this time: after a lost answer, or from two tabs."""
CLOCKS_APART_SECONDS = 5
"""How far apart the clocks of two gateways may be: one reads tokens that the other has just
issued."""
_ALGORITHM = "HS256"
_LARGEST_ID = 2**63 - 1


class AccessToken(NamedTuple):
    """The content of a valid access token. Its role may be out of date; the database decides."""

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


def read_access(secret: str, token: str, now: float) -> AccessToken | None:
    """Return a token's content, or None if it is forged, expired or not one of ours.

    ``now`` is in seconds.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            # checked below: the library knows the machine's time alone
            options={
                "require": ["sub", "sid", "role", "iat", "exp"],
                "verify_iat": False,
                "verify_exp": False,
            },
        )
        user_id, session_id = int(claims["sub"]), int(claims["sid"])
        if int(claims["exp"]) <= now or int(claims["iat"]) > now + CLOCKS_APART_SECONDS:
            return None
        if not (0 < user_id <= _LARGEST_ID and 0 < session_id <= _LARGEST_ID):
            return None
        return AccessToken(user_id, session_id, Role(claims["role"]), int(claims["exp"]))
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        return None


def new_refresh() -> str:
    """Return a fresh refresh token: 32 random bytes."""
    return secrets.token_urlsafe(32)


class RefreshKeys:
    """Derives hashes and successors of refresh tokens, each with its own key from the secret."""

    def __init__(self, secret: str) -> None:
        self._storing = hmac.digest(secret.encode(), b"predmarket refresh hash", hashlib.sha256)
        self._succeeding = hmac.digest(
            secret.encode(), b"predmarket refresh successor", hashlib.sha256
        )

    def stored(self, token: str) -> bytes:
        """Return a token's hash for storage."""
        return hmac.digest(self._storing, token.encode(), hashlib.sha256)

    def successor(self, token: str) -> str:
        """Return a token's only successor."""
        found = hmac.digest(self._succeeding, token.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


def stored_before(token: str) -> bytes:
    """Return a token's plain hash, which earlier versions stored."""
    return hashlib.sha256(token.encode()).digest()
