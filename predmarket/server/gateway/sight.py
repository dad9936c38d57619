"""Sight: what one sender may see. Routes, lists, topics and answers all ask here.

A market or an event of a group exists for its members and for admins alone. Whoever is not flat
there (in an event: in any of its markets) sees it until then. Drafts are for admins. For orders the
core decides by the same rules (engine/sight.py), since it knows every market and position.
"""

from collections.abc import Collection

from predmarket.enums import MarketStatus
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.read_model.announcements import EVERYBODY, Audience
from predmarket.server.read_model.listing import Kind
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import EventRecord, MarketRecord


def sees(who: Principal | None, market: MarketRecord) -> bool:
    """Tell whether a market exists for a sender."""
    draft = market.status is MarketStatus.DRAFT
    if market.group_id is None and not draft:
        return True
    return who is not None and _sees_more(who, market.group_id, market.unit, draft=draft)


def sees_event(who: Principal | None, event: EventRecord, view: MarketView) -> bool:
    """Tell whether an event exists for a sender."""
    draft = view.event_status(event.id) is MarketStatus.DRAFT
    if event.group_id is None and not draft:
        return True
    return who is not None and _sees_more(who, event.group_id, event.unit, draft=draft)


def sees_id(who: Principal | None, market_id: int | None, view: MarketView) -> bool:
    """Tell whether a market exists for a sender; None stands for none, and hides nothing."""
    market = None if market_id is None else view.find(market_id)
    return market is None or sees(who, market)


def kinds_seen(
    who: Principal | None, view: MarketView, statuses: Collection[MarketStatus] | None = None
) -> list[Kind]:
    """Return the kinds of markets and events, of some statuses, that a sender sees.

    If ``sees_some(who)``, a returned kind may also hold markets that are hidden from the sender;
    then check each with ``sees``.
    """
    is_admin = who is not None and who.is_admin
    groups: list[int | None] = [None]
    if is_admin or sees_some(who):
        groups += view.hidden
    elif who is not None:
        groups += view.hidden.keys() & who.groups
    return [
        Kind(status, group_id)
        for status in MarketStatus
        if (statuses is None or status in statuses)
        and (is_admin or status is not MarketStatus.DRAFT)
        for group_id in groups
    ]


def sees_some(who: Principal | None) -> bool:
    """Tell whether a sender sees some of a group's markets and not all: those not flat in."""
    return who is not None and bool(who.held) and not who.is_admin


def audience_of(who: Principal | None) -> Audience:
    """Return whose announcements a sender hears on the topic of all markets."""
    if who is None:
        return EVERYBODY
    return None if who.is_admin else who.groups


def _sees_more(who: Principal, group_id: int | None, unit: int, *, draft: bool) -> bool:
    if who.is_admin:
        return True
    return not draft and (group_id in who.groups or unit in who.held)
