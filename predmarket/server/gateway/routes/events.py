"""Events: list, show, create, change, add a market, resolve."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import JSONBody, QueryParameter
from msgspec import UNSET

from predmarket.contracts.events import (
    NONE,
    VOID,
    ConfirmEventProposalRequest,
    CreateEventRequest,
    Event,
    EventMarketRequest,
    EventPage,
    EventProposal,
    EventResolution,
    ResolveEventRequest,
    UpdateEventRequest,
)
from predmarket.contracts.markets import Market
from predmarket.contracts.text import LINE
from predmarket.engine.commands import (
    AddMarket,
    Command,
    ConfirmProposal,
    CreateEvent,
    EventMarket,
    ResolveEvent,
    UpdateEvent,
    WithdrawProposal,
)
from predmarket.engine.proposal import EventProposal as Proposed
from predmarket.engine.replies import EventDone, MarketDone
from predmarket.enums import ErrorCode as E
from predmarket.enums import EventOutcome, MarketStatus
from predmarket.server.gateway import event_presenters, presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import admin, anyone
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    EventPath,
    Limit,
    closing_time,
)
from predmarket.server.gateway.lists import Page, find
from predmarket.server.gateway.market_groups import GroupFilter, group_id_of, wanted_group
from predmarket.server.gateway.metadata import (
    CategoryFilter,
    SourceFilter,
    TagsFilter,
    change_of,
    metadata_filter,
    metadata_of,
    text_filter,
)
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.gateway.resolutions import carry_out, meant, resolving
from predmarket.server.gateway.routes.markets import DEFAULT_TICK, Status
from predmarket.server.gateway.services import Services
from predmarket.server.gateway.sight import kinds_seen, sees_event, sees_some
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.users import full_names
from predmarket.server.read_model.records import EventRecord
from predmarket.units import Micros

Search = Annotated[
    str | None,
    QueryParameter(
        max_length=500, pattern=LINE, description="Looked for in slug, title, category and tags"
    ),
]
_NO_MARKET = -1
"""The id that stands for a market which a body names and which does not exist."""


@get("/", guards=[anyone], opt=notes())
async def list_events(
    request: ApiRequest,
    status: Status = None,
    q: Search = None,
    category: CategoryFilter = None,
    tags: TagsFilter = None,
    source: SourceFilter = None,
    group: GroupFilter = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> EventPage:
    """List events, the newest first; ``q`` is looked for in slug, title, category and tags.

    Pages neither skip nor repeat an event that does not change. One event has its markets.
    """
    view, who, is_named = request.services.view, request.user, text_filter(q)
    drafts = _sees_drafts(request)
    has_metadata = metadata_filter(category, tags, source)
    group_id = await wanted_group(request.services, group)

    def matches(id: int) -> bool:
        record = view.events[id]
        found = is_named(record.slug, record.title, record.metadata)
        return found and has_metadata(record.metadata) and sees_event(who, record, view)

    searches = q or category or tags or source or sees_some(who)
    kinds = kinds_seen(who, view, None if status is None else (status,))

    found = await find(
        request,
        view.event_list,
        [kind for kind in kinds if group_id in (None, kind.group_id)],
        matches if searches else None,
        Page(decode_cursor(cursor), limit),
    )
    ids, following = page(found.ids, limit, lambda id: id)
    rows = [view.events[id] for id in ids]
    names = await _names(request.services, [record.creator_id for record in rows])
    items = [
        event_presenters.summary(record, view, names.get(record.creator_id), drafts=drafts)
        for record in rows
    ]
    return EventPage(items, found.total, following)


@get("/{event:str}", guards=[anyone], opt=notes(E.EVENT_NOT_FOUND))
async def show_event(request: ApiRequest, event: EventPath) -> Event:
    """Show one event by id or slug, with its markets."""
    record = await request.context.find_event(event, request.user)
    return await _shown(request.services, record, drafts=_sees_drafts(request))


@post("/", guards=[admin], status_code=201, opt=notes(E.SLUG_TAKEN, E.GROUP_NOT_FOUND, *COMMAND))
async def create_event(request: ApiRequest, data: JSONBody[CreateEventRequest]) -> Event:
    """Create an event with its markets: all of it or nothing."""
    services = request.services
    group_id = await group_id_of(services, data.group)
    command = new_event(data, services.core.now(), request.principal.user_id, group_id)
    reply = await services.submit(command)
    assert isinstance(reply, EventDone)
    return await _by_id(services, reply.event_id)


def new_event(
    data: CreateEventRequest, now: Micros, creator_id: int, group_id: int | None
) -> CreateEvent:
    """Return the command that creates an event. Raises Invalid if it would have closed by now."""
    return CreateEvent(
        slug=data.slug,
        title=data.title,
        description=data.description or "",
        exhaustive=bool(data.exhaustive),
        tick=DEFAULT_TICK if data.tick_size is None else data.tick_size.units,
        maker_rate=0 if data.maker_fee_rate is None else data.maker_fee_rate.units,
        taker_rate=0 if data.taker_fee_rate is None else data.taker_fee_rate.units,
        closes_at=closing_time(data.closes_at, now),
        status=MarketStatus(data.status or MarketStatus.OPEN),
        creator_id=creator_id,
        markets=tuple(EventMarket(one.slug, one.question, one.label) for one in data.markets),
        metadata=metadata_of(data),
        group_id=group_id,
        series=data.series,
    )


@patch(
    "/{event:str}",
    guards=[admin],
    opt=notes(E.EVENT_NOT_FOUND, E.GROUP_NOT_FOUND, E.INVALID_TRANSITION, *COMMAND),
)
async def update_event(
    request: ApiRequest, event: EventPath, data: JSONBody[UpdateEventRequest]
) -> Event:
    """Change an event's texts, category, tags, source or series, or its markets' status, closing
    time or group."""
    record = await request.context.find_event(event, request.user)
    given = None if data.closes_at is UNSET else data.closes_at
    command = UpdateEvent(
        record.id,
        None if data.status is None else MarketStatus(data.status),
        data.closes_at is not UNSET,
        closing_time(given, request.services.core.now()),
        data.title,
        data.description,
        request.principal.user_id,
        change_of(data),
        sets_group=data.group is not UNSET,
        group_id=await group_id_of(request.services, data.group),
        series=None if data.series is UNSET else data.series or record.slug,
    )
    await request.services.submit(command)
    return await _by_id(request.services, record.id)


@post(
    "/{event:str}/markets",
    guards=[admin],
    status_code=201,
    opt=notes(
        E.EVENT_NOT_FOUND,
        E.EVENT_IS_EXHAUSTIVE,
        E.INVALID_TRANSITION,
        E.SLUG_TAKEN,
        E.LIMIT_EXCEEDED,
        *COMMAND,
    ),
)
async def add_market(
    request: ApiRequest, event: EventPath, data: JSONBody[EventMarketRequest]
) -> Market:
    """Add a market to an event that is not exhaustive; a holder of NONE holds as much of it."""
    services = request.services
    record = await request.context.find_event(event, request.user)
    command = AddMarket(record.id, data.slug, data.question, data.label, request.principal.user_id)
    reply = await services.submit(command)
    assert isinstance(reply, MarketDone)
    market = services.view.find(reply.market_id)
    assert market is not None  # the view holds what was acknowledged
    names = await _names(services, [market.creator_id])
    return presenters.market(market, services.view, names.get(market.creator_id))


@post(
    "/{event:str}/resolve",
    guards=[admin],
    status_code=200,
    opt=notes(
        E.EVENT_NOT_FOUND,
        E.MARKET_NOT_FOUND,
        E.INVALID_TRANSITION,
        E.EVENT_IS_EXHAUSTIVE,
        *COMMAND,
    ),
)
async def resolve_event(
    request: ApiRequest, event: EventPath, data: JSONBody[ResolveEventRequest]
) -> EventResolution:
    """End an event with all its markets and pay: a winner, NONE, weights, or VOID. It is proposed
    in the cases in which a market's resolution is."""
    services = request.services
    record = await request.context.find_event(event, request.user)
    resolution = _resolve(services.view, record.id, data, request.principal.user_id)
    return await _resolved(services, record.id, resolving(services, data, resolution))


@post(
    "/{event:str}/proposal/confirm",
    guards=[admin],
    status_code=200,
    opt=notes(
        E.EVENT_NOT_FOUND,
        E.PROPOSAL_NOT_FOUND,
        E.PROPOSAL_CHANGED,
        E.ANOTHER_ADMIN_NEEDED,
        *COMMAND,
    ),
)
async def confirm_event_proposal(
    request: ApiRequest,
    event: EventPath,
    data: JSONBody[ConfirmEventProposalRequest | None] = None,
) -> EventResolution:
    """Make an event's proposed resolution at once, and pay; ``proposal`` as of a market."""
    id = (await request.context.find_event(event, request.user)).id
    view = request.services.view

    def look() -> tuple[EventProposal | None, Proposed | None]:
        record = view.events[id]
        return event_presenters.proposal(record, view), record.proposal

    expected = await meant(request.services, None if data is None else data.proposal, look)
    command = ConfirmProposal(None, id, request.principal.user_id, expected)
    return await _resolved(request.services, id, command)


@delete(
    "/{event:str}/proposal",
    guards=[admin],
    status_code=200,
    opt=notes(E.EVENT_NOT_FOUND, E.PROPOSAL_NOT_FOUND, *COMMAND),
)
async def withdraw_event_proposal(request: ApiRequest, event: EventPath) -> Event:
    """Withdraw an event's proposed resolution; its markets stay CLOSED."""
    record = await request.context.find_event(event, request.user)
    await request.services.submit(WithdrawProposal(None, record.id, request.principal.user_id))
    return await _by_id(request.services, record.id)


async def _resolved(services: Services, event_id: int, command: Command) -> EventResolution:
    payouts = await carry_out(services, command)
    return EventResolution(await _by_id(services, event_id), payouts)


def _resolve(
    view: MarketView, event_id: int, data: ResolveEventRequest, actor_id: int
) -> ResolveEvent:
    """Return the command; the core judges the markets that it names."""
    outcome, winner, weights = EventOutcome.WINNER, None, data.weights or {}
    if weights:
        outcome = EventOutcome.WEIGHTS
    elif data.outcome in (NONE, VOID):
        outcome = EventOutcome(data.outcome)
    else:
        assert data.outcome is not None  # the contract demands one of the two
        winner = _market_id(view, data.outcome)
    shares = tuple(
        (0 if name == NONE else _market_id(view, name), weight.units)
        for name, weight in weights.items()
    )
    return ResolveEvent(event_id, outcome, winner, shares, actor_id, data.note, data.source)


def _market_id(view: MarketView, ref: str | int) -> int:
    found = view.find(ref)
    return _NO_MARKET if found is None else found.id


def _sees_drafts(request: ApiRequest) -> bool:
    return request.user is not None and request.user.is_admin


async def _by_id(services: Services, event_id: int) -> Event:
    record = services.view.find_event(event_id)
    assert record is not None  # the view holds what was acknowledged
    return await _shown(services, record, drafts=True)


async def _shown(services: Services, record: EventRecord, *, drafts: bool) -> Event:
    creators = {one.creator_id for one in services.view.markets_of(record.id)}
    names = await _names(services, [*creators, record.creator_id])
    return await event_presenters.event(record, services.view, names, drafts=drafts)


async def _names(services: Services, creators: Sequence[int]) -> event_presenters.Names:
    if not creators:
        return {}
    await services.hub.groups.learn()
    async with services.db.look_up() as connection:
        return await full_names(connection, creators)


router = Router(
    "/v1/events",
    route_handlers=[
        list_events,
        show_event,
        create_event,
        update_event,
        add_market,
        resolve_event,
        confirm_event_proposal,
        withdraw_event_proposal,
    ],
    tags=["events"],
)
