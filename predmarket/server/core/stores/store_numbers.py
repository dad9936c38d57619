"""The store's own numbers beside the engine's state: counters of topics, and versions of rows.

They decide nothing, so the engine does not know them, and a replay does not make them. Whoever
loads a state loads them with it, and drops them with it.

Invariant: after a batch is sealed these are the numbers that its rows have, and everything that a
later batch may still change is among them. Closed orders, deleted groups, and what was held in
ended markets are not: memory holds no history.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.state import Changes, State


@dataclass(slots=True)
class UserSeqs:
    """The number of the last change on each topic of a user."""

    orders: int = 0
    fills: int = 0
    balances: int = 0
    positions: int = 0
    holdings: int = 0
    order_groups: int = 0


@dataclass(slots=True)
class MarketSeqs:
    """The number of the last change on each topic of a market, the book's apart."""

    trades: int = 0
    ticker: int = 0


@dataclass(slots=True)
class Versions:
    """How often each row was written, by the row's id; a row that is not stored has none.

    ``holdings`` are by event and user, ``positions`` by market and user.
    """

    accounts: dict[int, int] = field(default_factory=dict)
    events: dict[int, int] = field(default_factory=dict)
    markets: dict[int, int] = field(default_factory=dict)
    order_groups: dict[int, int] = field(default_factory=dict)
    orders: dict[int, int] = field(default_factory=dict)
    holdings: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    positions: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def forget(self, state: State, changes: Changes) -> None:
        """Drop the versions of what ``changes`` ended, as seen from the state after them."""
        for id in changes.orders:
            if id not in state.orders:
                del self.orders[id]
        for id in changes.order_groups:
            if id not in state.order_groups.by_id:
                del self.order_groups[id]
        for market in changes.markets.values():
            if market.final and market.event is None:
                self.positions.pop(market.id, None)
        for event in changes.market_events.values():
            if event.outcome is not None:
                self.holdings.pop(event.id, None)
                for id in event.market_ids:
                    self.positions.pop(id, None)


@dataclass(slots=True)
class StoreNumbers:
    """All numbers of one state. Who or what is new begins at 0."""

    users: defaultdict[int, UserSeqs] = field(default_factory=lambda: defaultdict(UserSeqs))
    markets: defaultdict[int, MarketSeqs] = field(default_factory=lambda: defaultdict(MarketSeqs))
    event_tickers: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    versions: Versions = field(default_factory=Versions)


@dataclass(frozen=True, slots=True)
class StoredState:
    """The engine's state as of one batch, with the store's numbers."""

    state: State
    numbers: StoreNumbers

    def markets(self) -> list[tuple[Market, int]]:
        """Return all markets, each with the number of its ticker's last change."""
        seqs = self.numbers.markets
        return [(market, seqs[id].ticker) for id, market in self.state.markets.items()]

    def events(self) -> list[tuple[MarketEvent, int]]:
        """Return all events, each with the number of its tickers' last change."""
        seqs = self.numbers.event_tickers
        return [(event, seqs[id]) for id, event in self.state.market_events.items()]
