"""Calls about users and transfers, and the exchange itself."""

from uuid import uuid4

from predmarket.client.calls.call import (
    Access,
    Call,
    Moment,
    Number,
    get,
    given,
    is_id,
    list_of,
    moment,
    number,
)
from predmarket.client.response_types import (
    AdminAct,
    FaultsInForce,
    Invite,
    JsonObject,
    NewInvite,
    NewUser,
    Overview,
    Page,
    Transfer,
    User,
    UserCode,
)


def transfer(
    who: str | int, amount: Number, reason: str, *, idempotency_key: str | None = None
) -> Call[Transfer]:
    """Deposit to an account, or withdraw from it with a negative amount (admin).

    ``who`` is an e-mail or a user id. Without a key the call makes one, so that a repeat after a
    lost answer books nothing twice.
    """
    user_id = int(who) if isinstance(who, int) or is_id(who) else None
    email = who if user_id is None else None
    body = given(userId=user_id, email=email, amount=number(amount), reason=reason)
    headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
    return Call("POST", "/v1/user/transfer", body=body, headers=headers, repeatable=True)


def users(
    *,
    q: str | None = None,
    group: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    cursor: str | None = None,
) -> Call[Page[User]]:
    """List accounts, with ``group`` only that group's members (admin)."""
    return list_of("/v1/users", q=q, group=group, limit=limit, offset=offset, cursor=cursor)


def create_user(
    email: str,
    *,
    full_name: str | None = None,
    role: str | None = None,
    credit: Number | None = None,
    group: str | None = None,
) -> Call[NewUser]:
    """Make an account with a one-time code; ``email`` may be a handle without @ (admin)."""
    body = given(email=email, fullName=full_name, role=role, credit=number(credit), group=group)
    return Call("POST", "/v1/users", body=body)


def reset_user(user_id: int) -> Call[UserCode]:
    """Give an account a new one-time code (admin)."""
    return Call("POST", f"/v1/users/{user_id}/reset")


def create_invite(
    *,
    uses: int | None = None,
    expires_at: Moment | None = None,
    credit: Number | None = None,
    group: str | None = None,
) -> Call[NewInvite]:
    """Make an invitation, for one use within seven days unless said otherwise (admin)."""
    body = given(uses=uses, expiresAt=moment(expires_at), credit=number(credit), group=group)
    return Call("POST", "/v1/invites", body=body)


def invites(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[Invite]]:
    """Invitations, newest first, without their codes (admin)."""
    return list_of("/v1/invites", limit=limit, cursor=cursor)


def revoke_invite(invite_id: int) -> Call[None]:
    """Revoke an invitation, for ever (admin)."""
    return Call("DELETE", f"/v1/invites/{invite_id}")


def update_user(
    user_id: int, *, role: str | None = None, disabled: bool | None = None
) -> Call[User]:
    """Change an account's permissions (admin)."""
    return Call("PATCH", f"/v1/users/{user_id}", body=given(role=role, disabled=disabled))


def admin_log(
    *,
    actor: int | None = None,
    action: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[AdminAct]]:
    """Admins' actions, newest first (admin)."""
    return list_of("/v1/admin/log", actor=actor, action=action, limit=limit, cursor=cursor)


def overview() -> Call[Overview]:
    """Totals of all markets, and those past due (admin)."""
    return get("/v1/admin/overview")


def revoke_all_of(user_id: int) -> Call[None]:
    """End all sessions and API keys of an account (admin)."""
    return Call("POST", f"/v1/users/{user_id}/revoke-all")


def status() -> Call[JsonObject]:
    """Version, uptime, leader, durability."""
    return get("/v1/status", Access.OPTIONAL)


def faults() -> Call[FaultsInForce]:
    """The faults on demand, and how often they struck (admin)."""
    return get("/v1/faults")


def set_faults(faults: str) -> Call[FaultsInForce]:
    """Have other faults from now on, as latency=50ms±20ms,loss=0.01, or none (admin)."""
    return Call("PUT", "/v1/faults", body={"faults": faults}, repeatable=True)
