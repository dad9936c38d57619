"""Markets: list, show, create, change, resolve."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import JSONBody, QueryParameter
from msgspec import UNSET

from predmarket.contracts.markets import (
    ConfirmProposalRequest,
    CreateMarketRequest,
    Market,
    MarketList,
    Proposal,
    Resolution,
    ResolveMarketRequest,
    UpdateMarketRequest,
)
from predmarket.contracts.text import LINE
from predmarket.engine.commands import (
    Command,
    ConfirmProposal,
    CreateMarket,
    ResolveMarket,
    UpdateMarket,
    WithdrawProposal,
)
from predmarket.engine.proposal import MarketProposal
from predmarket.engine.replies import MarketDone
from predmarket.enums import ErrorCode as E
from predmarket.enums import MarketStatus
from predmarket.server.gateway import presenters
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.guards import admin, anyone
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    MarketPath,
    Offset,
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
from predmarket.server.gateway.services import Services
from predmarket.server.gateway.sight import kinds_seen, sees, sees_some
from predmarket.server.read_model.queries.cursors import decode_cursor, page
from predmarket.server.read_model.queries.users import full_names
from predmarket.server.read_model.records import MarketRecord
from predmarket.units import Micros, parse_tick

DEFAULT_TICK = parse_tick("0.01")

Search = Annotated[
    str | None,
    QueryParameter(
        max_length=500, pattern=LINE, description="Looked for in slug, question, category and tags"
    ),
]
Status = Annotated[MarketStatus | None, QueryParameter(description="Of one status")]


@get("/", guards=[anyone], opt=notes())
async def list_markets(
    request: ApiRequest,
    status: Status = None,
    q: Search = None,
    category: CategoryFilter = None,
    tags: TagsFilter = None,
    source: SourceFilter = None,
    group: GroupFilter = None,
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
    cursor: Cursor = None,
) -> MarketList:
    """List markets, the newest first; ``q`` is looked for in slug, question, category and tags.

    Pages by ``cursor`` neither skip nor repeat a market that does not change, whatever happens to
    others between two pages; ``offset`` jumps to a place.
    """
    view, who, is_named = request.services.view, request.user, text_filter(q)
    has_metadata = metadata_filter(category, tags, source)
    group_id = await wanted_group(request.services, group)

    def matches(id: int) -> bool:
        record = view.market(id)
        metadata = view.metadata_of(record)
        found = is_named(record.slug, record.question, metadata) and has_metadata(metadata)
        return found and sees(who, record)

    searches = q or category or tags or source or sees_some(who)
    kinds = kinds_seen(who, view, None if status is None else (status,))

    found = await find(
        request,
        view.market_list,
        [kind for kind in kinds if group_id in (None, kind.group_id)],
        matches if searches else None,
        Page(decode_cursor(cursor), limit, offset),
    )
    ids, following = page(found.ids, limit, lambda id: id)
    items = await _shown(request.services, [view.market(id) for id in ids])
    return MarketList(items, found.total, following)


@get("/{market:str}", guards=[anyone], opt=notes(E.MARKET_NOT_FOUND))
async def show_market(request: ApiRequest, market: MarketPath) -> Market:
    """Show one market by id or slug."""
    record = await request.context.find_market(market, request.user)
    return (await _shown(request.services, [record]))[0]


@post("/", guards=[admin], status_code=201, opt=notes(E.SLUG_TAKEN, E.GROUP_NOT_FOUND, *COMMAND))
async def create_market(request: ApiRequest, data: JSONBody[CreateMarketRequest]) -> Market:
    """Create a market; one of a group exists for its members and admins alone."""
    services = request.services
    group_id = await group_id_of(services, data.group)
    command = new_market(data, services.core.now(), request.principal.user_id, group_id)
    reply = await services.submit(command)
    assert isinstance(reply, MarketDone)
    return await _by_id(services, reply.market_id)


def new_market(
    data: CreateMarketRequest, now: Micros, creator_id: int, group_id: int | None
) -> CreateMarket:
    """Return the command that creates a market. Raises Invalid if it would have closed by now."""
    return CreateMarket(
        slug=data.slug,
        question=data.question,
        description=data.description or "",
        tick=DEFAULT_TICK if data.tick_size is None else data.tick_size.units,
        maker_rate=0 if data.maker_fee_rate is None else data.maker_fee_rate.units,
        taker_rate=0 if data.taker_fee_rate is None else data.taker_fee_rate.units,
        closes_at=closing_time(data.closes_at, now),
        status=MarketStatus(data.status or MarketStatus.OPEN),
        creator_id=creator_id,
        metadata=metadata_of(data),
        group_id=group_id,
    )


@patch(
    "/{market:str}",
    guards=[admin],
    opt=notes(
        E.MARKET_NOT_FOUND, E.GROUP_NOT_FOUND, E.INVALID_TRANSITION, E.EVENT_DECIDES, *COMMAND
    ),
)
async def update_market(
    request: ApiRequest, market: MarketPath, data: JSONBody[UpdateMarketRequest]
) -> Market:
    """Change a market's status, closing time, texts, category, tags, source or group.

    One of an event has its event's group.
    """
    record = await request.context.find_market(market, request.user)
    given = None if data.closes_at is UNSET else data.closes_at
    command = UpdateMarket(
        record.id,
        data.status,
        data.closes_at is not UNSET,
        closing_time(given, request.services.core.now()),
        data.question,
        data.description,
        request.principal.user_id,
        change_of(data),
        sets_group=data.group is not UNSET,
        group_id=await group_id_of(request.services, data.group),
    )
    await request.services.submit(command)
    return await _by_id(request.services, record.id)


@post(
    "/{market:str}/resolve",
    guards=[admin],
    status_code=200,
    opt=notes(E.MARKET_NOT_FOUND, E.INVALID_TRANSITION, E.EVENT_DECIDES, *COMMAND),
)
async def resolve_market(
    request: ApiRequest, market: MarketPath, data: JSONBody[ResolveMarketRequest]
) -> Resolution:
    """End a market and pay, or propose to: with ``after`` or ``effectiveAt``, and where another
    admin has to confirm. A market of an event can become NO alone: its outcome is struck."""
    record = await request.context.find_market(market, request.user)
    price = None if data.settlement_price is None else data.settlement_price.units
    actor_id = request.principal.user_id
    resolution = ResolveMarket(record.id, data.outcome, price, actor_id, data.note, data.source)
    command = resolving(request.services, data, resolution)
    return await _resolved(request.services, record.id, command)


@post(
    "/{market:str}/proposal/confirm",
    guards=[admin],
    status_code=200,
    opt=notes(
        E.MARKET_NOT_FOUND,
        E.PROPOSAL_NOT_FOUND,
        E.PROPOSAL_CHANGED,
        E.ANOTHER_ADMIN_NEEDED,
        E.EVENT_DECIDES,
        *COMMAND,
    ),
)
async def confirm_proposal(
    request: ApiRequest, market: MarketPath, data: JSONBody[ConfirmProposalRequest | None] = None
) -> Resolution:
    """Make a market's proposed resolution at once, and pay. With ``proposal``, as it was shown,
    only that one is made, and not one that has taken its place."""
    id = (await request.context.find_market(market, request.user)).id
    view = request.services.view

    def look() -> tuple[Proposal | None, MarketProposal | None]:
        record = view.find(id)
        assert record is not None  # a market does not vanish
        return presenters.proposal(record, view), record.proposal

    expected = await meant(request.services, None if data is None else data.proposal, look)
    command = ConfirmProposal(id, None, request.principal.user_id, expected)
    return await _resolved(request.services, id, command)


@delete(
    "/{market:str}/proposal",
    guards=[admin],
    status_code=200,
    opt=notes(E.MARKET_NOT_FOUND, E.PROPOSAL_NOT_FOUND, E.EVENT_DECIDES, *COMMAND),
)
async def withdraw_proposal(request: ApiRequest, market: MarketPath) -> Market:
    """Withdraw a market's proposed resolution; the market stays CLOSED."""
    record = await request.context.find_market(market, request.user)
    await request.services.submit(WithdrawProposal(record.id, None, request.principal.user_id))
    return await _by_id(request.services, record.id)


async def _resolved(services: Services, market_id: int, command: Command) -> Resolution:
    payouts = await carry_out(services, command)
    return Resolution(await _by_id(services, market_id), payouts)


async def _by_id(services: Services, market_id: int) -> Market:
    record = services.view.find(market_id)
    assert record is not None  # the view holds what was acknowledged
    return (await _shown(services, [record]))[0]


async def _shown(services: Services, records: Sequence[MarketRecord]) -> list[Market]:
    if not records:
        return []
    await services.hub.groups.learn()
    async with services.db.look_up() as connection:
        names = await full_names(connection, [record.creator_id for record in records])
    return await presenters.markets_in_turns(records, services.view, names)


router = Router(
    "/v1/markets",
    route_handlers=[
        list_markets,
        show_market,
        create_market,
        update_market,
        resolve_market,
        confirm_proposal,
        withdraw_proposal,
    ],
    tags=["markets"],
)
