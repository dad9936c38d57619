"""The route for admins that creates many markets and events at once: all of them, or none."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Raw

from predmarket.contracts.errors import Problem
from predmarket.contracts.events import CreateEventRequest
from predmarket.contracts.imports import (
    Imported,
    ImportKind,
    ImportReport,
    ImportRequest,
    ImportStatus,
)
from predmarket.contracts.markets import CreateMarketRequest
from predmarket.contracts.requests import Invalid, decode
from predmarket.engine.commands import CreateAll, CreateEvent, CreateMarket
from predmarket.engine.replies import AllCreated
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.context import MAX_BODY_BYTES
from predmarket.server.gateway.guards import admin
from predmarket.server.gateway.loop_turns import ITEMS_A_TURN
from predmarket.server.gateway.market_groups import group_id_of
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.gateway.routes.events import new_event
from predmarket.server.gateway.routes.markets import new_market
from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.records import EventRecord, MarketRecord
from predmarket.units import Micros

R = TypeVar("R", CreateMarketRequest, CreateEventRequest)
C = TypeVar("C", CreateMarket, CreateEvent)

_MAX_BYTES = 4 * MAX_BODY_BYTES
_TERMS = (
    ("question", "question", "question"),
    ("title", "title", "title"),
    ("description", "description", "description"),
    ("exhaustive", "exhaustive", "exhaustive"),
    ("tickSize", "tick_size", "tick"),
    ("makerFeeRate", "maker_fee_rate", "maker_rate"),
    ("takerFeeRate", "taker_fee_rate", "taker_rate"),
    ("closesAt", "closes_at", "closes_at"),
    ("group", "group", "group_id"),
)
"""Names of terms: in JSON, in the request, in the command and the record."""


class _Element(NamedTuple, Generic[R, C]):
    """A market or an event of the import, as asked for and as its command."""

    request: R
    command: C


@post(
    "/",
    guards=[admin],
    status_code=200,
    request_max_body_size=_MAX_BYTES,
    opt=notes(E.SLUG_TAKEN, E.GROUP_NOT_FOUND, *COMMAND),
)
async def import_all(request: ApiRequest, data: JSONBody[ImportRequest]) -> ImportReport:
    """Create markets and events, all of them or none; one whose slug exists stays as it is.

    So the same import may be sent again. ``dryRun`` only tells what would be done. Problems name
    the element by its place, as in markets.3.question.
    """
    services, actor_id = request.services, request.principal.user_id
    view = services.view
    await services.catch_up()

    def now_for(record: MarketRecord | EventRecord | None) -> Micros:
        """Return the exchange's time; what exists may have closed since it was created."""
        return services.core.now() if record is None else 0

    groups: dict[str | None, int | None] = {}

    async def group_of(name: str | None) -> int | None:
        if name not in groups:
            groups[name] = await group_id_of(services, name)
        return groups[name]

    async def market(one: CreateMarketRequest) -> CreateMarket:
        now = now_for(view.find(one.slug))
        return new_market(one, now, actor_id, await group_of(one.group))

    async def event(one: CreateEventRequest) -> CreateEvent:
        now = now_for(view.find_event(one.slug))
        return new_event(one, now, actor_id, await group_of(one.group))

    found: tuple[list[Problem], list[Problem]] = [], []
    markets = await _read("markets", data.markets or (), CreateMarketRequest, market, *found)
    events = await _read("events", data.events or (), CreateEventRequest, event, *found)
    problems, unknown = found
    if problems:
        raise Invalid(*problems)
    if unknown:
        raise Refusal(E.GROUP_NOT_FOUND, details=[*unknown])
    taken = [*_taken(view, [one.command for one in markets], [one.command for one in events])]
    if taken:
        raise Refusal(E.SLUG_TAKEN, details=[*taken])
    known_markets = {one.request.slug: view.find(one.request.slug) for one in markets}
    known_events = {one.request.slug: view.find_event(one.request.slug) for one in events}
    if not data.dry_run:
        new = CreateAll(
            tuple(one.command for one in markets if known_markets[one.request.slug] is None),
            tuple(one.command for one in events if known_events[one.request.slug] is None),
        )
        if new.markets or new.events:
            reply = await services.submit(new)
            assert isinstance(reply, AllCreated)
    items = [_market(view, one, known_markets[one.request.slug]) for one in markets]
    items += [_event(view, one, known_events[one.request.slug]) for one in events]
    return ImportReport(bool(data.dry_run), items)


async def _read(
    name: str,
    elements: Sequence[Raw],
    kind: type[R],
    command: Callable[[R], Awaitable[C]],
    problems: list[Problem],
    unknown: list[Problem],
) -> list[_Element[R, C]]:
    """Return the elements; add the problems of those that are malformed, or name no group."""
    found: list[_Element[R, C]] = []
    for number, raw in enumerate(elements):
        if number and number % ITEMS_A_TURN == 0:
            await asyncio.sleep(0)
        try:
            element = decode(bytes(raw), kind)
            found.append(_Element(element, await command(element)))
        except Invalid as error:
            problems += [
                Problem(f"{name}.{number}.{one.path}".rstrip("."), one.message)
                for one in error.problems
            ]
        except Refusal as error:
            if error.code is not E.GROUP_NOT_FOUND:
                raise
            unknown.append(Problem(f"{name}.{number}.group", error.message))
    return found


def _taken(
    view: MarketView, markets: Sequence[CreateMarket], events: Sequence[CreateEvent]
) -> Iterator[Problem]:
    """Yield the slugs that are given twice, or that another kind of thing has already."""
    given: set[str] = set()
    named: list[tuple[str, str, bool]] = []
    for number, market in enumerate(markets):
        there = view.find(market.slug)
        in_event = there is not None and there.event_id is not None
        named.append((market.slug, f"markets.{number}.slug", in_event))
    of_events: set[str] = set()
    for number, event in enumerate(events):
        if event.slug in of_events:
            yield Problem(f"events.{number}.slug", f"the slug {event.slug} is given more than once")
        of_events.add(event.slug)
        is_new = view.find_event(event.slug) is None
        for place, outcome in enumerate(event.markets):
            path = f"events.{number}.markets.{place}.slug"
            named.append((outcome.slug, path, is_new and view.find(outcome.slug) is not None))
    for slug, path, is_taken in named:
        if slug in given:
            yield Problem(path, f"the slug {slug} is given more than once")
        elif is_taken:
            yield Problem(path, f"the slug {slug} is taken")
        given.add(slug)


def _market(
    view: MarketView,
    element: _Element[CreateMarketRequest, CreateMarket],
    known: MarketRecord | None,
) -> Imported:
    slug = element.request.slug
    if known is not None:
        differs = _differs(element.request, element.command, known)
        return Imported(ImportKind.MARKET, slug, ImportStatus.EXISTS, known.id, differs)
    made = view.find(slug)
    status = ImportStatus.NEW if made is None else ImportStatus.CREATED
    return Imported(ImportKind.MARKET, slug, status, None if made is None else made.id, [])


def _event(
    view: MarketView, element: _Element[CreateEventRequest, CreateEvent], known: EventRecord | None
) -> Imported:
    slug = element.request.slug
    if known is not None:
        differs = _differs(element.request, element.command, known)
        asked = {(one.slug, one.question, one.label) for one in element.command.markets}
        if not asked <= {(one.slug, one.question, one.label) for one in view.markets_of(known.id)}:
            differs.append("markets")
        return Imported(ImportKind.EVENT, slug, ImportStatus.EXISTS, known.id, differs)
    made = view.find_event(slug)
    status = ImportStatus.NEW if made is None else ImportStatus.CREATED
    return Imported(ImportKind.EVENT, slug, status, None if made is None else made.id, [])


def _differs(
    request: CreateMarketRequest | CreateEventRequest,
    command: CreateMarket | CreateEvent,
    known: MarketRecord | EventRecord,
) -> list[str]:
    """Return the names of what was asked for and is otherwise in what exists."""
    terms = [
        name
        for name, asked, term in _TERMS
        if getattr(request, asked, None) is not None
        and getattr(command, term) != getattr(known, term)
    ]
    return terms + [
        name
        for name in ("category", "tags", "source")
        if getattr(request, name) is not None
        and getattr(command.metadata, name) != getattr(known.metadata, name)
    ]


router = Router("/v1/import", route_handlers=[import_all], tags=["markets"])
