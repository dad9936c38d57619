"""An outlet that keeps all committed changes and compares them with the database."""

from collections.abc import Iterator, Sequence
from typing import Any

from predmarket.server.read_model.changes import Changes, decode
from predmarket.server.read_model.market_view import MarketView
from tests.support.core_exchange import Exchange

Topic = tuple[str, int]


class Listener:
    """All changes since the first batch, over restarts too.

    ``starting``: a core is about to start and will send the content of the outbox again.
    """

    def __init__(self) -> None:
        self.changes: list[Changes] = []
        self.starting = True

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Keep a batch."""
        assert decode(encoded) == changes
        self.changes.append(changes)

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Keep the changes after a repair, or those after a start that were not heard before."""
        known = self.changes[-1].batch if self.changes and self.starting else 0
        self.changes += [changes for changes in recent if changes.batch > known]
        self.starting = False

    def numbers(self) -> dict[Topic, list[tuple[int, int]]]:
        """Return each topic's messages in order, each as (number before, last number)."""
        topics: dict[Topic, list[tuple[int, int]]] = {}
        for changes in self.changes:
            for topic, before, last in _numbered(changes):
                topics.setdefault(topic, []).append((before, last))
        return topics

    def view(self) -> MarketView:
        """Return a view to which all changes were applied."""
        view = MarketView()
        for changes in self.changes:
            view.apply(changes)
        return view

    def check(self, exchange: Exchange) -> None:
        """Compare all changes with the content of the database. Raises AssertionError."""
        last = exchange.scalar("SELECT last_batch FROM core_state")
        assert [changes.batch for changes in self.changes] == [*range(1, last + 1)]
        topics = self.numbers()
        for topic, messages in topics.items():
            ends = [0, *(seq for _, seq in messages)]
            assert [before for before, _ in messages] == ends[:-1], f"{topic} has a gap"
        counted = {topic: number for topic, number in _stored_counters(exchange) if number}
        assert {topic: messages[-1][1] for topic, messages in topics.items()} == counted
        self._check_rows(exchange)
        assert shown(self.view()) == shown(exchange.loaded_view())

    def _check_rows(self, exchange: Exchange) -> None:
        """Compare the last state of each order, balance and position, and the trades."""
        orders: dict[int, Any] = {}
        balances: dict[int, Any] = {}
        positions: dict[tuple[int, int], Any] = {}
        bases: dict[tuple[int, int], int] = {}
        nets: dict[tuple[int, int], Any] = {}
        trades: list[Any] = []
        for changes in self.changes:
            for o in changes.orders:
                orders[o.order.id] = (*o.order.__rich_repr__(), ("topic_seq", o.seq))
            for b in changes.balances:
                balances[b.user_id] = (b.available, b.locked)
            for p in changes.positions:
                positions[p.user_id, p.position.market_id] = (*p.position[1:],)
            for h in changes.holdings:
                bases[h.user_id, h.holding.event_id] = h.holding.base
                nets[h.user_id, h.holding.event_id] = h.holding.nets
            trades += [(*t.trade,) for t in changes.trades]
        names = [name for name, _ in next(iter(orders.values()), ())]
        if names:
            found = exchange.rows(f"SELECT {', '.join(names)} FROM orders")
            assert {id: tuple(v for _, v in o) for id, o in orders.items()} == {
                row[0]: row for row in found
            }
        rows = exchange.rows("SELECT user_id, available, locked FROM accounts")
        assert balances == {id: tuple(rest) for id, *rest in rows}
        rows = exchange.rows(
            "SELECT user_id, market_id, yes, no, cost_yes, cost_no, realized FROM positions"
        )
        assert positions == {(user, market): tuple(rest) for user, market, *rest in rows}
        rows = exchange.rows("SELECT user_id, event_id, base FROM holdings")
        assert bases == {(user, event): base for user, event, base in rows}
        stored: dict[tuple[int, int], Any] = dict.fromkeys(nets, ())
        for user, event, market, net in exchange.rows(
            "SELECT user_id, event_id, market_id, yes - no FROM positions "
            "WHERE event_id IS NOT NULL AND yes <> no ORDER BY market_id"
        ):
            stored[user, event] += ((market, net),)
        assert nets == stored
        rows = exchange.rows(
            "SELECT id, market_id, buy_order_id, sell_order_id, price, qty, taker_side, "
            "created_at FROM trades ORDER BY id"
        )
        assert trades == rows


def _numbered(changes: Changes) -> Iterator[tuple[Topic, int, int]]:
    """Yield each message of a batch: its topic, the number before it and its last number."""
    for m in changes.markets:
        yield ("ticker", m.record.id), m.ticker_seq - 1, m.ticker_seq
        if m.announced is not None:
            yield ("markets", 0), m.announced - 1, m.announced
    for e in changes.events:
        yield ("event", e.record.id), e.ticker_seq - 1, e.ticker_seq
        if e.announced is not None:
            yield ("markets", 0), e.announced - 1, e.announced
    for b in changes.books:
        yield ("book", b.market_id), b.last_seq, b.seq
    for t in changes.trades:
        yield ("trades", t.trade.market_id), t.seq - 1, t.seq
    for o in changes.orders:
        yield ("orders", o.order.user_id), o.seq - 1, o.seq
    for name, some in (
        ("fills", changes.fills),
        ("balances", changes.balances),
        ("positions", changes.positions),
        ("holdings", changes.holdings),
    ):
        for one in some:
            yield (name, one.user_id), one.seq - 1, one.seq
    for g in changes.order_groups:
        yield ("order groups", g.group.user_id), g.seq - 1, g.seq


def _stored_counters(exchange: Exchange) -> Iterator[tuple[Topic, int]]:
    yield ("markets", 0), exchange.scalar("SELECT markets_seq FROM core_state")
    for id, *counters in exchange.rows("SELECT id, ticker_seq, book_seq, trade_seq FROM markets"):
        for name, number in zip(("ticker", "book", "trades"), counters, strict=True):
            yield (name, id), number
    for id, number in exchange.rows("SELECT id, ticker_seq FROM events"):
        yield ("event", id), number
    for id, *counters in exchange.rows(
        "SELECT user_id, order_seq, fill_seq, balance_seq, position_seq, holding_seq, "
        "order_group_seq FROM accounts"
    ):
        names = ("orders", "fills", "balances", "positions", "holdings", "order groups")
        for name, number in zip(names, counters, strict=True):
            yield (name, id), number


def shown(view: MarketView) -> list[Any]:
    """Return the content of a view."""
    events = [
        (record, view.event_ticker_seq(id), view.event_status(id), view.markets_of(id))
        for id, record in sorted(view.events.items())
    ]
    return events + [
        (record, view.book(record.id).seq, view.book(record.id).bids, view.book(record.id).asks)
        for record in sorted(view, key=lambda record: record.id)
    ]
