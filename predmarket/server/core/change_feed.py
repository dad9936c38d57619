"""The change feed: the changes of a batch by topic, numbered for subscribers and the outbox.

Books are the exception: the engine numbers them, since their deltas are its own events.

The counters are written with the rows of accounts, markets and events, so each account that has a
change on any topic becomes one to be written, and each event that has a market with one. This runs
once a batch, on the loop.

Invariant: numbers are dense. A batch that is not committed leaves none behind, since a load
reads the counters from the database.
"""

from collections.abc import Collection, Iterable, Mapping

from predmarket.engine.events import BookDelta, Match, OrderGroupChanged
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.replies import record
from predmarket.engine.state import Changes as Dirty
from predmarket.engine.state import State
from predmarket.enums import Liquidity, MarketStatus, Side
from predmarket.server.core.stores.store_numbers import StoreNumbers, UserSeqs
from predmarket.server.read_model.changes import (
    BalanceChange,
    BookChange,
    Changes,
    EventChange,
    FillChange,
    HoldingChange,
    MarketChange,
    OrderChange,
    OrderGroupChange,
    PositionChange,
    TradeChange,
)
from predmarket.server.read_model.quotes import QuoteChange
from predmarket.server.read_model.records import (
    EventRecord,
    HoldingRecord,
    MarketRecord,
    PositionRecord,
    TradeRecord,
    UserFill,
)
from predmarket.units import Micros, Price, Qty

_BUY, _SELL = Side.BUY, Side.SELL
_MAKER, _TAKER = Liquidity.MAKER, Liquidity.TAKER


def touched_events(
    markets: Mapping[int, Market], events: Mapping[int, MarketEvent]
) -> dict[int, MarketEvent]:
    """Return the events that changed with those of which a market did."""
    of_markets = [market.event for market in markets.values() if market.event is not None]
    return {**events, **{event.id: event for event in of_markets}}


class ChangeFeed:
    """The changes of one batch being numbered.

    ``markets_seq`` and ``group_seqs`` go on from the batch before.

    ``dirty`` is what the batch changed in the engine. ``accounts`` and ``events`` are those to be
    written: the changed ones, and those that are only counted on. ``order_seqs`` are the numbers of
    the orders' changes, by order.
    """

    def __init__(
        self,
        state: State,
        dirty: Dirty,
        numbers: StoreNumbers,
        markets_seq: int,
        group_seqs: Mapping[int, int],
    ) -> None:
        self.markets_seq = markets_seq
        self.group_seqs = dict(group_seqs)
        self.accounts = {**dirty.accounts}
        self.events = touched_events(dirty.markets, dirty.market_events)
        self.order_seqs: dict[int, int] = {}
        self._state = state
        self._now = state.now
        self._all_accounts = state.ledger.accounts
        self._markets = state.markets
        self._dirty = dirty
        self._numbers = numbers

    def number(
        self,
        batch: int,
        matches: Iterable[tuple[Micros, Match]],
        deltas: Iterable[BookDelta],
        announced: Collection[int],
        announced_events: Collection[int],
        order_groups: Iterable[OrderGroupChanged],
        quotes: list[QuoteChange],
    ) -> Changes:
        """Number everything and return it.

        ``matches`` has each trade with its time; ``announced`` are the markets and
        ``announced_events`` the events whose status or details changed, ``order_groups`` what
        happened to groups, in order.
        """
        balances = self._balances()
        trades, fills = self._trades(matches)
        markets, events = self._tickers(announced), self._events(announced_events)
        tells = bool(announced or announced_events)
        return Changes(
            batch,
            self._now,
            markets=markets,
            books=_books(deltas),
            trades=trades,
            orders=self._orders(),
            fills=fills,
            balances=balances,
            positions=self._positions(),
            events=events,
            holdings=self._holdings(),
            order_groups=self._order_groups(order_groups),
            markets_seq=self.markets_seq if tells else 0,
            group_seqs=self.group_seqs if tells else {},
            quotes=quotes,
        )

    def _count_on(self, user_id: int) -> UserSeqs:
        """Return a user's counters, one of which is about to change."""
        self.accounts[user_id] = self._all_accounts[user_id]
        return self._numbers.users[user_id]

    def _balances(self) -> list[BalanceChange]:
        changes = []
        for account in self._dirty.accounts.values():
            user_id = account.user_id
            seqs = self._numbers.users[user_id]
            seqs.balances += 1
            changes.append(BalanceChange(user_id, seqs.balances, account.available, account.locked))
        return changes

    def _orders(self) -> list[OrderChange]:
        changes = []
        for order in self._dirty.orders.values():
            seqs = self._count_on(order.user_id)
            seqs.orders += 1
            self.order_seqs[order.id] = seqs.orders
            changes.append(OrderChange(seqs.orders, record(order)))
        return changes

    def _positions(self) -> list[PositionChange]:
        changes = []
        for p in self._dirty.positions:
            seqs = self._count_on(p.user_id)
            seqs.positions += 1
            shares = PositionRecord(p.market_id, p.yes, p.no, p.cost_yes, p.cost_no, p.realized)
            changes.append(PositionChange(p.user_id, seqs.positions, shares))
        return changes

    def _holdings(self) -> list[HoldingChange]:
        changes = []
        for h in self._dirty.holdings:
            seqs = self._count_on(h.user_id)
            seqs.holdings += 1
            held = [self._markets[id].positions.get(h.user_id) for id in h.market_ids]
            nets = [(p.market_id, p.yes - p.no) for p in held if p is not None and p.yes != p.no]
            holding = HoldingRecord(h.event_id, h.base, tuple(nets))
            changes.append(HoldingChange(h.user_id, seqs.holdings, holding))
        return changes

    def _order_groups(self, changed: Iterable[OrderGroupChanged]) -> list[OrderGroupChange]:
        changes = []
        for one in changed:
            seqs = self._count_on(one.group.user_id)
            seqs.order_groups += 1
            changes.append(OrderGroupChange(seqs.order_groups, one.group, one.change))
        return changes

    def _trades(
        self, matches: Iterable[tuple[Micros, Match]]
    ) -> tuple[list[TradeChange], list[FillChange]]:
        """Number each trade on its market's tape, and each half for its user."""
        changes: list[TradeChange] = []
        fills: list[FillChange] = []
        for now, m in matches:
            buy_id, sell_id, price, qty = m.buy_order_id, m.sell_order_id, m.price, m.qty
            tape = self._numbers.markets[m.market_id]
            tape.trades += 1
            trade = TradeRecord(
                m.trade_id, m.market_id, buy_id, sell_id, price, qty, m.taker_side, now
            )
            changes.append(TradeChange(tape.trades, trade))
            bought = m.taker_side is _BUY
            for user_id, order_id, side, fee, took in (
                (m.buy_user_id, buy_id, _BUY, m.buy_fee, bought),
                (m.sell_user_id, sell_id, _SELL, m.sell_fee, not bought),
            ):
                seqs = self._count_on(user_id)
                seqs.fills += 1
                liquidity = _TAKER if took else _MAKER
                fill = UserFill(  # by position: with names it would cost 1 µs more a fill
                    m.trade_id, order_id, m.market_id, side, price, qty, fee, liquidity, now
                )
                fills.append(FillChange(user_id, seqs.fills, fill))
        return changes, fills

    def _tickers(self, announced: Collection[int]) -> list[MarketChange]:
        changes = []
        for market in self._dirty.markets.values():
            seqs = self._numbers.markets[market.id]
            seqs.ticker += 1
            number = None
            if market.id in announced:
                number = self._announce(market.status, market.group_id)
            changes.append(MarketChange(MarketRecord.of(market), seqs.ticker, number))
        return changes

    def _events(self, announced: Collection[int]) -> list[EventChange]:
        changes = []
        seqs = self._numbers.event_tickers
        for event in self.events.values():
            seqs[event.id] += 1
            number = None
            if event.id in announced:
                number = self._announce(self._state.status_of(event), event.group_id)
            changes.append(EventChange(EventRecord.of(event), seqs[event.id], number))
        return changes

    def _announce(self, status: MarketStatus, group_id: int | None) -> int | None:
        """Return the number of a market or an event on the topic of all; a draft has none."""
        if status is MarketStatus.DRAFT:
            return None
        if group_id is None:
            self.markets_seq += 1
            return self.markets_seq
        number = self.group_seqs[group_id] = self.group_seqs.get(group_id, 0) + 1
        return number


def _books(deltas: Iterable[BookDelta]) -> list[BookChange]:
    """Merge level changes into one of each book; a level's last size counts."""
    sides: dict[int, tuple[dict[Price, Qty], dict[Price, Qty]]] = {}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for delta in deltas:
        market_id = delta.market_id
        both = sides.get(market_id)
        if both is None:
            both = sides[market_id] = {}, {}
            first[market_id] = delta.seq
        both[delta.side is _SELL][delta.price] = delta.qty
        last[market_id] = delta.seq
    return [
        BookChange(id, first[id] - 1, last[id], [*bids.items()], [*asks.items()])
        for id, (bids, asks) in sides.items()
    ]
