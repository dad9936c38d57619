"""Layouts of users, their codes, keys, groups and seasons, and of the admin log."""

from predmarket.cli.columns import names, number, text
from predmarket.cli.grid import Layout

USER = Layout(
    (
        number("ID", "id"),
        text("EMAIL", "email"),
        text("ROLE", "role"),
        text("NAME", "fullName"),
        text("DISABLED", "disabled"),
        text("CREATED", "createdAt"),
    ),
    names("id email role fullName displayName disabled createdAt"),
)

LISTED_USER = Layout(
    (
        number("ID", "id"),
        text("EMAIL", "email"),
        text("ROLE", "role"),
        text("NAME", "fullName"),
        text("DISABLED", "disabled"),
        number("AVAILABLE", "available"),
        number("LOCKED", "locked"),
        text("LAST SEEN", "lastSeenAt"),
    ),
    names("id email role fullName displayName disabled createdAt available locked lastSeenAt"),
)

USER_WITH_CODE = Layout(fields=names("id email role fullName code"))

IMPORTED = Layout(
    (
        text("EMAIL", "email"),
        text("NAME", "fullName"),
        text("GROUP", "group"),
        text("STATUS", "status"),
        text("CODE", "code"),
        text("ERROR", "error"),
    ),
    names("id email fullName credit group status code error"),
)

INVITE = Layout(
    (
        number("ID", "id"),
        number("USED", "used"),
        number("OF", "uses"),
        number("CREDIT", "credit"),
        text("GROUP", "group"),
        text("EXPIRES", "expiresAt"),
        text("REVOKED", "revokedAt"),
    ),
    names("id uses used expiresAt credit group createdAt revokedAt"),
)

NEW_INVITE = Layout(fields=names("id code uses expiresAt credit group"))

USER_GROUP = Layout(
    (
        number("ID", "id"),
        text("NAME", "name"),
        number("MEMBERS", "memberCount"),
        text("CREATED", "createdAt"),
    ),
    names("id name memberCount createdAt"),
)

SEASON = Layout(
    (
        number("ID", "id"),
        text("NAME", "name"),
        number("CREDIT", "credit"),
        text("STARTED", "startedAt"),
        text("CREDITED", "creditedAt"),
        text("ENDED", "endedAt"),
    ),
    names("id name credit startedAt creditedAt endedAt"),
    least=("CREDITED",),
)

STANDING = Layout(
    (
        number("RANK", "rank"),
        text("NAME", "displayName"),
        number("PROFIT", "profit"),
        number("VALUE", "value"),
        number("TRADES", "trades"),
    ),
    names("rank displayName profit value trades"),
    least=("TRADES",),
)

SESSION = Layout(
    (
        number("ID", "id"),
        text("CREATED", "createdAt"),
        text("LAST USED", "lastUsedAt"),
        text("ADDRESS", "address"),
        text("AGENT", "agent"),
        text("THIS ONE", "current"),
    ),
    names("id createdAt lastUsedAt address agent current"),
    least=("CREATED",),
)

API_KEY = Layout(
    (
        number("ID", "id"),
        text("NAME", "name"),
        text("SCOPES", "scopes"),
        text("CREATED", "createdAt"),
        text("LAST USED", "lastUsedAt"),
    ),
    names("id name scopes createdAt lastUsedAt keyId"),
)

NEW_API_KEY = Layout(fields=names("id name scopes key keyId"))

ADMIN_ACT = Layout(
    (
        number("ID", "id"),
        text("TIME", "at"),
        number("ACTOR", "actorId"),
        text("ACTION", "action"),
        text("TARGET", "target"),
        text("DETAILS", "details"),
    ),
    names("id at actorId action target details"),
    least=("DETAILS",),
)
