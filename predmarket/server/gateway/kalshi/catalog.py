"""Markets, events and series under Kalshi's tickers.

A market without an event is shown in an event of its own, under its own ticker. Where an event has
that slug, too, the market's own event has the suffix _OWN. An event's number is the id of its first
market, which belongs to no other event; lists of events page by that number.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from predmarket.engine.metadata import Metadata
from predmarket.enums import ErrorCode, MarketStatus
from predmarket.server.errors import Refusal
from predmarket.server.gateway import sight
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.kalshi.errors import NotFound
from predmarket.server.gateway.kalshi.query import Query
from predmarket.server.gateway.kalshi.words import slug, ticker
from predmarket.server.gateway.lists import in_pieces
from predmarket.server.gateway.loop_turns import ITEMS_A_TURN
from predmarket.server.read_model.listing import END, Kind
from predmarket.server.read_model.market_view import MarketView, is_id
from predmarket.server.read_model.records import EventRecord, MarketRecord
from predmarket.units import Micros

_OWN = ".market"
_MAX_EVENTS = 10


class ShownEvent(NamedTuple):
    """An event with its markets; ``record`` is None for the own event of a market."""

    ticker: str
    number: int
    record: EventRecord | None
    markets: list[MarketRecord]

    @property
    def series_ticker(self) -> str:
        """Return the ticker of its series; an event without one is a series of its own."""
        return self.ticker if self.record is None else ticker(_series(self.record))

    @property
    def title(self) -> str:
        """Return its title."""
        return self.markets[0].question if self.record is None else self.record.title

    @property
    def created_at(self) -> Micros:
        """Return the time at which it was made."""
        return self.markets[0].created_at if self.record is None else self.record.created_at

    @property
    def metadata(self) -> Metadata:
        """Return its category, tags and source."""
        return (self.record or self.markets[0]).metadata

    @property
    def exclusive(self) -> bool:
        """Tell whether its markets exclude each other and share one collateral."""
        return self.record is not None and len(self.markets) > 1


def published(market: MarketRecord) -> bool:
    """Tell whether anybody but admins may see a market."""
    return market.status is not MarketStatus.DRAFT


class Catalog:
    """The markets and events that one sender may see."""

    def __init__(
        self,
        context: Context,
        who: Principal | None,
        sees: Callable[[MarketRecord], bool] | None = None,
    ) -> None:
        """Begin a catalog; ``sees`` replaces the sender's sight."""
        self._context = context
        self._who = who
        self.sees = sees or partial(sight.sees, who)
        """Tells whether the sender may see a market."""
        self.view: MarketView = context.services.view

    def kinds(self, statuses: Collection[MarketStatus] | None = None) -> list[Kind]:
        """Return the kinds of what the sender may see, of some statuses if given."""
        return sight.kinds_seen(self._who, self.view, statuses)

    def markets(
        self, kinds: Collection[Kind], before: int = END
    ) -> AsyncGenerator[list[MarketRecord]]:
        """Yield the markets of these kinds below an id, the newest first, piece by piece."""
        return in_pieces(self.view.market_list, kinds, self._seen, before)

    def events(
        self, kinds: Collection[Kind], before: int = END
    ) -> AsyncGenerator[list[ShownEvent]]:
        """Yield the events of these kinds below a number, the newest first, piece by piece.

        The own events of markets are among them.
        """
        return in_pieces(self.view.question_list, kinds, self._question, before, ITEMS_A_TURN)

    async def market(self, name: str) -> MarketRecord:
        """Return the market of a ticker. Raises NotFound."""
        by_slug = slug(name)
        if not is_id(by_slug):  # ids are no tickers
            try:
                return await self._context.find_market(by_slug, self._who)
            except Refusal as refusal:
                if refusal.code is not ErrorCode.MARKET_NOT_FOUND:
                    raise
        raise NotFound("there is no such market")

    def known(self, names: Iterable[str]) -> list[MarketRecord]:
        """Return the markets of some tickers; unknown tickers are left out."""
        found = (self.view.find(slug(name)) for name in names if not is_id(name))
        return [one for one in found if one is not None and self.sees(one)]

    async def event(self, name: str) -> ShownEvent:
        """Return the event of a ticker. Raises NotFound."""
        found = self.known_event(name)
        if found is None:
            await self._context.services.catch_up()
            found = self.known_event(name)
        if found is None:
            raise NotFound("there is no such event")
        return found

    def known_event(self, name: str) -> ShownEvent | None:
        """Return the event of a ticker, None if there is none that the sender may see."""
        by_slug = slug(name)
        if is_id(by_slug):
            return None
        record = self.view.find_event(by_slug)
        shown = None if record is None else self.shown(record)
        if shown is not None:
            return shown
        market = self.view.find(by_slug.removesuffix(_OWN))
        if market is None or market.event_id is not None or not self.sees(market):
            return None
        return self.event_of(market)

    def event_of(self, market: MarketRecord) -> ShownEvent:
        """Return the event that a market is shown in."""
        record = None if market.event_id is None else self.view.find_event(market.event_id)
        shown = None if record is None else self.shown(record)
        return shown or self._own_event(market)

    def event_ticker(self, market: MarketRecord) -> str:
        """Return the ticker of the event that a market is shown in."""
        if market.event_id is None:
            other = self.view.find_event(market.slug)  # no trace of it where it is hidden
            taken = other is not None and other.group_id in (None, market.group_id)
            return ticker(market.slug + _OWN if taken else market.slug)
        record = self.view.find_event(market.event_id)
        assert record is not None  # the view holds the event of every market
        return ticker(record.slug)

    def series_ticker(self, market: MarketRecord) -> str:
        """Return the ticker of the series that a market is shown in."""
        record = None if market.event_id is None else self.view.find_event(market.event_id)
        return self.event_ticker(market) if record is None else ticker(_series(record))

    def in_series(self, name: str) -> Iterator[ShownEvent]:
        """Yield the events of a series' ticker, the oldest first."""
        for record in self.view.events_in(slug(name)):
            shown = self.shown(record)
            if shown is not None:
                yield shown
        own = self.known_event(name)
        if own is not None and own.record is None:
            yield own

    def begins_series(self, event: ShownEvent) -> bool:
        """Tell whether an event is the oldest of its series."""
        return event.number == next(self.in_series(event.series_ticker)).number

    def status(self, event: ShownEvent) -> MarketStatus:
        """Return an event's status: the most open of its markets'."""
        if event.record is None:
            return event.markets[0].status
        return self.view.event_status(event.record.id)

    def shown(self, record: EventRecord) -> ShownEvent | None:
        """Return an event with those of its markets that the sender may see, None without any."""
        every = self.view.markets_of(record.id)
        markets = [one for one in every if self.sees(one)]
        return ShownEvent(ticker(record.slug), every[0].id, record, markets) if markets else None

    def _own_event(self, market: MarketRecord) -> ShownEvent:
        return ShownEvent(self.event_ticker(market), market.id, None, [market])

    def _seen(self, market_id: int) -> MarketRecord | None:
        market = self.view.market(market_id)
        return market if self.sees(market) else None

    def _question(self, market_id: int) -> ShownEvent | None:
        """Return the event of which a market is the first, or its own event."""
        market = self.view.market(market_id)
        if market.event_id is not None:
            return self.shown(self.view.events[market.event_id])
        return self._own_event(market) if self.sees(market) else None


def _series(record: EventRecord) -> str:
    return record.series or record.slug


def catalog_of(request: ApiRequest) -> Catalog:
    """Return the catalog of what the sender may see."""
    return Catalog(request.context, request.user)


async def market_ids(query: Query, catalog: Catalog) -> Collection[int] | None:
    """Return the markets that the filters name, None without a filter. Raises NotFound."""
    name, events = query.text("ticker"), query.words("event_ticker", _MAX_EVENTS)
    if name:
        return [(await catalog.market(name)).id]
    if not events:
        return None
    return [one.id for event in events for one in (await catalog.event(event)).markets]
