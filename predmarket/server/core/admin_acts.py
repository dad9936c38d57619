"""Finds admins' actions among the commands, and makes their rows of the admin log.

A refused command changed nothing, so it gets no row.
"""

from collections.abc import Iterable
from typing import TypeAlias

from predmarket.contracts.amounts import format_time
from predmarket.engine import events as ev
from predmarket.engine.commands import (
    AddMarket,
    CancelOrder,
    Command,
    ConfirmProposal,
    CreateAll,
    CreateEvent,
    CreateMarket,
    ProposalDue,
    ProposeResolution,
    ResolveEvent,
    ResolveMarket,
    Transfer,
    UpdateEvent,
    UpdateMarket,
    WithdrawProposal,
)
from predmarket.engine.events import Event
from predmarket.engine.metadata import NO_METADATA, Metadata, MetadataChange
from predmarket.engine.proposal import EventProposal, MarketProposal
from predmarket.enums import AdminAction, CancelReason, EventOutcome, MarketStatus, Outcome
from predmarket.server.read_model.queries.admin_log import EXCHANGE, details
from predmarket.units import Micros, format_money, format_price

Act: TypeAlias = tuple[int, AdminAction, str, str]
"""Actor, action, target and details."""

_BY_STATUS = {
    MarketStatus.OPEN: AdminAction.MARKET_OPEN,
    MarketStatus.HALTED: AdminAction.MARKET_HALT,
    MarketStatus.CLOSED: AdminAction.MARKET_CLOSE,
}
_EVENT_BY_STATUS = {
    MarketStatus.OPEN: AdminAction.EVENT_OPEN,
    MarketStatus.HALTED: AdminAction.EVENT_HALT,
    MarketStatus.CLOSED: AdminAction.EVENT_CLOSE,
}


def act_of(command: Command, events: Iterable[Event]) -> Act | None:
    """Return the admin log's row of an executed command; None if it is no admin's action."""
    kind = type(command)
    if kind not in _KINDS:
        return None
    for event in events:
        if type(event) is ev.ProposalEnded:
            return _of_proposal(command, event.proposal)
        if type(event) in _CHANGED and isinstance(command, ProposeResolution):
            return _of_resolution(command.resolution, _PROPOSE, effective_at=command.effective_at)
        if type(event) is ev.MarketChanged and kind in _OF_MARKETS:
            return _of_market(command, event.market_id)
        if type(event) is ev.EventChanged and kind in _OF_EVENTS:
            return _of_event(command, event.event_id)
        if type(event) in _CHANGED and isinstance(command, CreateAll):
            return _of_import(command)
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


_RESOLVE, _PROPOSE, _WITHDRAW = "RESOLVE", "PROPOSE", "WITHDRAW"
"""The ends of the names of acts on resolutions."""
_CHANGED = frozenset({ev.MarketChanged, ev.EventChanged})
_OF_MARKETS = frozenset({CreateMarket, UpdateMarket, ResolveMarket, AddMarket})
_OF_EVENTS = frozenset({CreateEvent, UpdateEvent, ResolveEvent})
_OF_PROPOSALS = frozenset({ProposeResolution, ConfirmProposal, WithdrawProposal, ProposalDue})
_KINDS = _OF_MARKETS | _OF_EVENTS | _OF_PROPOSALS | {CreateAll, Transfer, CancelOrder}


def _of_market(command: Command, changed_id: int) -> Act | None:
    """Return the act on a market; ``changed_id`` is the first that changed, the one made new."""
    if isinstance(command, UpdateMarket | ResolveMarket):
        changed_id = command.market_id
    target = f"market:{changed_id}"
    if isinstance(command, AddMarket):
        said = details(
            slug=command.slug,
            question=command.question,
            label=command.label,
            event=f"event:{command.event_id}",
        )
        return command.actor_id, AdminAction.MARKET_CREATE, target, said
    if isinstance(command, CreateMarket):
        said = details(
            slug=command.slug,
            question=command.question,
            status=command.status,
            **_metadata(command.metadata),
            groupId=command.group_id,
        )
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
            **_metadata(command.metadata),
            **_group(command),
        )
        return command.actor_id, action, target, said
    if isinstance(command, ResolveMarket):
        return _of_resolution(command, _RESOLVE)
    return None


def _of_event(command: Command, event_id: int) -> Act | None:
    target = f"event:{event_id}"
    if isinstance(command, CreateEvent):
        said = details(
            slug=command.slug,
            title=command.title,
            exhaustive=command.exhaustive,
            status=command.status,
            series=command.series,
            markets=[market.slug for market in command.markets],
            **_metadata(command.metadata),
            groupId=command.group_id,
        )
        return command.creator_id, AdminAction.EVENT_CREATE, target, said
    if isinstance(command, UpdateEvent) and command.actor_id:
        action = AdminAction.EVENT_UPDATE
        if command.status is not None:
            action = _EVENT_BY_STATUS.get(command.status, action)
        said = details(
            status=command.status,
            title=command.title,
            description=command.description,
            series=command.series,
            **_closing(command),
            **_metadata(command.metadata),
            **_group(command),
        )
        return command.actor_id, action, target, said
    if isinstance(command, ResolveEvent):
        return _of_resolution(command, _RESOLVE)
    return None


def _of_proposal(command: Command, proposal: MarketProposal | EventProposal) -> Act | None:
    """Return the act that ended a proposal; made at its time, it is an act of its proposer."""
    resolution, at = proposal.resolution, proposal.effective_at
    if isinstance(command, ConfirmProposal):
        return _of_resolution(resolution, _RESOLVE, command.actor_id)
    if isinstance(command, WithdrawProposal):
        return _of_resolution(resolution, _WITHDRAW, command.actor_id)
    return _of_resolution(resolution, _RESOLVE, effective_at=at)


def _of_resolution(
    resolution: ResolveMarket | ResolveEvent,
    verb: str,
    by: int | None = None,
    effective_at: Micros | None = None,
) -> Act | None:
    """Return the act on a resolution: that of its own actor, or of ``by``, who ended a proposal."""
    actor_id = resolution.actor_id
    if not actor_id:
        return None
    void = resolution.outcome in (Outcome.VOID, EventOutcome.VOID)
    said: dict[str, object] = {"outcome": resolution.outcome}
    if isinstance(resolution, ResolveMarket):
        kind, target = "MARKET", f"market:{resolution.market_id}"
        price = None if resolution.price is None else format_price(resolution.price)
        said |= {"settlementPrice": price}
    else:
        kind, target = "EVENT", f"event:{resolution.event_id}"
        winner = None if resolution.market_id is None else _outcome(resolution.market_id)
        weights = {_outcome(id): format_price(price) for id, price in resolution.weights}
        said |= {"winner": winner, "weights": weights or None}
    said |= {"note": resolution.note, "source": resolution.source}
    if by is not None:
        said |= {"proposedBy": actor_id}
    if effective_at is not None:
        said |= {"effectiveAt": format_time(effective_at)}
    action = AdminAction[f"{kind}_{'VOID' if void and verb == _RESOLVE else verb}"]
    return actor_id if by is None else by, action, target, details(**said)


def _of_import(command: CreateAll) -> Act:
    """Return the act that created many; its details name them, and it has no target but all."""
    creators = [one.creator_id for one in command.markets or command.events]
    said = details(
        markets=[market.slug for market in command.markets],
        events=[event.slug for event in command.events],
    )
    return creators[0], AdminAction.IMPORT, EXCHANGE, said


def _outcome(market_id: int) -> str:
    return f"market:{market_id}" if market_id else EventOutcome.NONE.value


def _closing(command: UpdateMarket | UpdateEvent) -> dict[str, object]:
    """Return the closing time that was set; an empty text means that it was removed."""
    if not command.sets_closes_at:
        return {}
    return {"closesAt": "" if command.closes_at is None else format_time(command.closes_at)}


def _metadata(given: Metadata | MetadataChange | None) -> dict[str, object]:
    """Return the category, tags and source that were set; an empty one was removed."""
    if given is None or given == NO_METADATA:
        return {}
    return {"category": given.category, "tags": given.tags, "source": given.source}


def _group(command: UpdateMarket | UpdateEvent) -> dict[str, object]:
    """Return the group that was set; 0 means that it was removed."""
    return {"groupId": command.group_id or 0} if command.sets_group else {}


def _of_transfer(command: Transfer, event: ev.Transferred) -> Act:
    said = details(
        transferId=event.transfer_id, amount=format_money(command.amount), reason=command.reason
    )
    return command.actor_id, AdminAction.TRANSFER, f"user:{command.user_id}", said
