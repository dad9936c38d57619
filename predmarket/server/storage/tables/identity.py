"""Users, sessions and API keys. Gateways write these tables; the core never does."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)

from predmarket.server.storage.tables.base import BigInt, metadata

users = Table(
    "users",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("full_name", Text),
    Column("role", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("display_name", Text),
    Column("display_key", Text),
    Column("opening_credit", BigInt, nullable=False, server_default=text("0")),
    CheckConstraint("role IN ('USER', 'ADMIN')", name="role"),
    Index(
        "uq_users_display_key",
        "display_key",
        unique=True,
        sqlite_where=text("display_key IS NOT NULL"),
        postgresql_where=text("display_key IS NOT NULL"),
    ),
)
"""One row an account holder. ``email`` is in its normal form (contracts/text.py), unless it is
older than that rule and another user has its normal form; it may be a handle. ``display_name`` is
what others see, null until it is chosen, and ``display_key`` that name as it is compared.
``opening_credit`` is what the account opens with, besides the setting SIGNUP_CREDIT."""

sessions = Table(
    "sessions",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("user_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("expires_at", BigInt, nullable=False),
    Column("revoked_at", BigInt),
    Column("last_used_at", BigInt),
    Column("address", Text),
    Column("agent", Text),
    Index("ix_sessions_user_id", "user_id"),
)
"""One row a login: the family of all refresh tokens that descend from it. Each rotation moves
``expires_at`` on, and notes when, from which address and by which program; revoked is final."""

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", BigInt, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", BigInt, nullable=False),
    Column("used_at", BigInt),
    Index("ix_refresh_tokens_session_id", "session_id"),
)
"""The keyed hash of each refresh token (auth/tokens.py). A used one stays until it would have
expired, since using it again is how a theft shows."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("user_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInt, nullable=False),
    Column("last_used_at", BigInt),
    Column("access_id", Text),
    Column("public_key", LargeBinary),
    Index("ix_api_keys_user_id", "user_id"),
    Index(
        "uq_api_keys_access_id",
        "access_id",
        unique=True,
        sqlite_where=text("access_id IS NOT NULL"),
        postgresql_where=text("access_id IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)
"""The live API keys: the SHA-256 of each, and its scopes with commas between. A revoked key's row
is deleted, and its id never given to another, so that who revokes by a stale id revokes nothing.
``access_id`` is the name under which signed requests use a key, ``public_key`` (DER) verifies their
signatures (auth/signatures.py)."""

user_groups = Table(
    "user_groups",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    Column("created_at", BigInt, nullable=False),
)
"""One row a group of users; groups are never deleted. ``name_key`` is the name as it is compared
(contracts/text.py)."""

user_group_members = Table(
    "user_group_members",
    metadata,
    Column("group_id", BigInt, ForeignKey("user_groups.id"), primary_key=True),
    Column("user_id", BigInt, ForeignKey("users.id"), primary_key=True),
    Index("ix_user_group_members_user_id", "user_id"),
)
"""One row a member of a group."""

user_codes = Table(
    "user_codes",
    metadata,
    Column("user_id", BigInt, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("expires_at", BigInt, nullable=False),
)
"""The one-time code of a user who may set a password with it; the next one replaces it
(gateway/auth/codes.py)."""

invites = Table(
    "invites",
    metadata,
    Column("id", BigInt, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("uses", BigInt, nullable=False),
    Column("used", BigInt, nullable=False),
    Column("expires_at", BigInt, nullable=False),
    Column("credit", BigInt, nullable=False),
    Column("group_id", BigInt, ForeignKey("user_groups.id")),
    Column("creator_id", BigInt, ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInt, nullable=False),
    Column("revoked_at", BigInt),
    CheckConstraint("used <= uses", name="used"),
)
"""Codes with which new users register: ``used`` of ``uses`` are taken. ``credit`` and ``group_id``
are what such a user gets."""
