"""Finds admins' actions among the commands, and makes their rows of the admin log.

A refused command changed nothing, so it gets no row.
"""

from collections.abc import Iterable
from typing import TypeAlias

from predmarket.contracts.amounts import format_time
from predmarket.engine import events as ev
from predmarket.engine.commands import (
    CancelOrder,
    Command,
    CreateMarket,
    ResolveMarket,
    Transfer,
    UpdateMarket,
)
from predmarket.engine.events import Event
from predmarket.enums import AdminAction, CancelReason, MarketStatus, Outcome
from predmarket.server.read_model.queries.admin_log import details
from predmarket.units import format_money, format_price

Act: TypeAlias = tuple[int, AdminAction, str, str]
"""Actor, action, target and details."""

_BY_STATUS = {
    MarketStatus.OPEN: AdminAction.MARKET_OPEN,
    MarketStatus.HALTED: AdminAction.MARKET_HALT,
    MarketStatus.CLOSED: AdminAction.MARKET_CLOSE,
}


def act_of(command: Command, events: Iterable[Event]) -> Act | None:
    """Return the admin log's row of an executed command; None if it is no admin's action."""
    kind = type(command)
    if kind not in _KINDS:
        return None
    for event in events:
        if type(event) is ev.MarketChanged:
            return _of_market(command, event.market_id)
        if type(event) is ev.Transferred and isinstance(command, Transfer):
            return _of_transfer(command, event)
        if (
            type(event) is ev.OrderCanceled
            and event.reason is CancelReason.ADMIN
            and isinstance(command, CancelOrder)
        ):
            target = f"order:{event.order_id}"
            return command.user_id, AdminAction.ORDER_CANCEL, target, details()
    return None


_KINDS = frozenset({CreateMarket, UpdateMarket, ResolveMarket, Transfer, CancelOrder})


def _of_market(command: Command, market_id: int) -> Act | None:
    target = f"market:{market_id}"
    if isinstance(command, CreateMarket):
        said = details(slug=command.slug, question=command.question, status=command.status)
        return command.creator_id, AdminAction.MARKET_CREATE, target, said
    if isinstance(command, UpdateMarket) and command.actor_id:
        action = AdminAction.MARKET_UPDATE
        if command.status is not None:
            action = _BY_STATUS.get(command.status, action)
        said = details(
            status=command.status,
            question=command.question,
            description=command.description,
            **_closing(command),
        )
        return command.actor_id, action, target, said
    if isinstance(command, ResolveMarket) and command.actor_id:
        void = command.outcome is Outcome.VOID
        action = AdminAction.MARKET_VOID if void else AdminAction.MARKET_RESOLVE
        price = None if command.price is None else format_price(command.price)
        said = details(outcome=command.outcome, settlementPrice=price)
        return command.actor_id, action, target, said
    return None


def _closing(command: UpdateMarket) -> dict[str, object]:
    """Return the closing time that was set; an empty text means that it was removed."""
    if not command.sets_closes_at:
        return {}
    return {"closesAt": "" if command.closes_at is None else format_time(command.closes_at)}


def _of_transfer(command: Transfer, event: ev.Transferred) -> Act:
    said = details(
        transferId=event.transfer_id, amount=format_money(command.amount), reason=command.reason
    )
    return command.actor_id, AdminAction.TRANSFER, f"user:{command.user_id}", said
