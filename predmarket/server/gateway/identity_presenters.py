"""Turns records of users, sessions, API keys and admins' acts into API objects."""

import msgspec
from msgspec import UNSET

from predmarket.contracts import administration, identity, user_groups
from predmarket.contracts.amounts import format_time
from predmarket.server.gateway.auth.api_keys import KeyRecord
from predmarket.server.gateway.auth.codes import InviteRecord
from predmarket.server.gateway.auth.refresh_tokens import SessionRecord
from predmarket.server.read_model.queries.admin_log import AdminAct
from predmarket.server.read_model.queries.user_groups import GroupRecord
from predmarket.server.read_model.queries.users import UserMoney, UserRecord
from predmarket.units import format_money


def user(record: UserRecord) -> identity.User:
    """Return a user as the API shows them."""
    return identity.User(
        record.id,
        record.email,
        record.role,
        record.full_name,
        format_time(record.created_at),
        record.display_name,
    )


def managed_user(record: UserRecord) -> identity.ManagedUser:
    """Return a user as admins see them."""
    return identity.ManagedUser(
        record.id,
        record.email,
        record.role,
        record.full_name,
        format_time(record.created_at),
        record.display_name,
        record.disabled,
    )


def listed_user(record: UserRecord, found: UserMoney | None) -> identity.ListedUser:
    """Return a user of a list, with cash and when the user was last seen."""
    available, locked, seen = found or UserMoney(0, 0, None)
    return identity.ListedUser(
        **msgspec.structs.asdict(managed_user(record)),
        available=format_money(available),
        locked=format_money(locked),
        last_seen_at=None if seen is None else format_time(seen),
    )


def invite(record: InviteRecord) -> identity.Invite:
    """Return an invitation without its code."""
    revoked = record.revoked_at
    return identity.Invite(
        record.id,
        record.uses,
        record.used,
        format_time(record.expires_at),
        format_money(record.credit),
        record.group,
        format_time(record.created_at),
        None if revoked is None else format_time(revoked),
    )


def new_invite(shown: identity.Invite, code: str) -> identity.NewInvite:
    """Return a new invitation with its code."""
    return identity.NewInvite(**msgspec.structs.asdict(shown), code=code)


def user_group(record: GroupRecord) -> user_groups.UserGroup:
    """Return a group of users."""
    created_at = format_time(record.created_at)
    return user_groups.UserGroup(record.id, record.name, record.members, created_at)


def admin_act(record: AdminAct) -> administration.AdminAct:
    """Return an admin's action."""
    return administration.AdminAct(
        record.id,
        format_time(record.at),
        record.actor_id,
        record.action,
        record.target,
        msgspec.json.decode(record.details, type=administration.Details),
    )


def api_key(record: KeyRecord) -> identity.ApiKey:
    """Return an API key without its secret."""
    used = record.last_used_at
    return identity.ApiKey(
        record.id,
        record.name,
        list(record.scopes),
        format_time(record.created_at),
        None if used is None else format_time(used),
        record.access_id or UNSET,
    )


def session(record: SessionRecord, *, current: bool) -> identity.SessionInfo:
    """Return a session as its user sees it."""
    return identity.SessionInfo(
        record.id,
        format_time(record.created_at),
        format_time(record.last_used_at),
        record.address,
        record.agent,
        current,
    )
