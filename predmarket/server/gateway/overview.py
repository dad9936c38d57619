"""The overview of all markets for admins, from the gateway's market view."""

import asyncio

from predmarket.contracts.administration import Overview, PastDueMarket
from predmarket.contracts.amounts import format_time
from predmarket.enums import MarketStatus
from predmarket.server.gateway.presenters import proposal
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import Micros, format_qty

MAX_PAST_DUE = 100
_MARKETS_A_TURN = 1_000
_FINAL = (MarketStatus.RESOLVED, MarketStatus.VOIDED)


async def overview(view: MarketView, now: Micros) -> Overview:
    """Return the totals of all markets, and the unresolved ones whose closing time has passed."""
    counts = dict.fromkeys(MarketStatus, 0)
    interest = sum(event.open_interest for event in view.events.values())
    volume, proposed, due = 0, 0, list[tuple[Micros, MarketRecord]]()
    for count, one in enumerate(list(view), 1):
        counts[one.status] += 1
        volume += one.volume
        if one.event_id is None:
            interest += one.open_interest
        proposed += proposal(one, view) is not None
        if one.closes_at is not None and one.closes_at <= now and one.status not in _FINAL:
            due.append((one.closes_at, one))
        if count % _MARKETS_A_TURN == 0:
            await asyncio.sleep(0)
    due.sort(key=lambda found: (found[0], found[1].id))
    shown = [_past_due(one, closed, view) for closed, one in due[:MAX_PAST_DUE]]
    return Overview(format_qty(interest), format_qty(volume), counts, len(due), shown, proposed)


def _past_due(one: MarketRecord, closed: Micros, view: MarketView) -> PastDueMarket:
    event = None if one.event_id is None else view.find_event(one.event_id)
    return PastDueMarket(
        id=one.id,
        slug=one.slug,
        question=one.question,
        status=one.status,
        closes_at=format_time(closed),
        open_interest=format_qty(one.open_interest),
        volume=format_qty(one.volume),
        event_slug=None if event is None else event.slug,
        proposal=proposal(one, view),
    )
