"""Turns a decided batch into table rows, the same for every database.

Invariant: rows are copies. They are made before the next batch is decided, so later decisions do
not change a batch that is being committed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from predmarket.engine import events as ev
from predmarket.engine.book import Order
from predmarket.engine.commands import Command, OpenAccount, Transfer
from predmarket.engine.events import Event
from predmarket.engine.ledger import Account, Position
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.order_group import OrderGroup
from predmarket.engine.position import Holding
from predmarket.engine.state import Changes, State
from predmarket.enums import OrderType
from predmarket.server.core.admin_acts import act_of
from predmarket.server.core.stores.store_numbers import MarketSeqs, StoreNumbers, UserSeqs
from predmarket.units import PRICE_ONE, Micros

Value: TypeAlias = int | str | bool | None
Row: TypeAlias = tuple[Value, ...]
StoredRow: TypeAlias = tuple[Any, ...]
"""A row as the database returns it; the query says what its columns are."""

SIGNUP_REASON = "sign-up credit"


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as the core writes it.

    ``kinds`` has one letter for each column: i integer, w a word that needs no quoting, t any text,
    b boolean. ``mutable`` are the columns that an update sets.
    """

    table: str
    columns: tuple[str, ...]
    kinds: str
    key: tuple[str, ...] = ()
    mutable: tuple[str, ...] = ()


def _shape(table: str, columns: str, key: str = "", mutable: str = "") -> Shape:
    pairs = [column.split(":") for column in columns.split()]
    return Shape(
        table,
        tuple(name for name, _ in pairs),
        "".join(kind for _, kind in pairs),
        tuple(key.split()),
        tuple(mutable.split()),
    )


ACCOUNTS = _shape(
    "accounts",
    "user_id:i available:i locked:i deadman_at:i order_seq:i fill_seq:i balance_seq:i "
    "position_seq:i holding_seq:i order_group_seq:i version:i",
    "user_id",
    "available locked deadman_at order_seq fill_seq balance_seq position_seq holding_seq "
    "order_group_seq version",
)
EVENTS = _shape(
    "events",
    "id:i slug:t title:t description:t exhaustive:b tick:i maker_rate:i taker_rate:i closes_at:i "
    "created_at:i creator_id:i outcome:w ending:w outcomes:i open_interest:i collateral:i fees:i "
    "paid_accounts:i paid_total:i ticker_seq:i version:i",
    "id",
    "title description closes_at outcome ending outcomes open_interest collateral fees "
    "paid_accounts paid_total ticker_seq version",
)
MARKETS = _shape(
    "markets",
    "id:i slug:t question:t description:t status:w outcome:w settlement_price:i tick:i "
    "maker_rate:i taker_rate:i closes_at:i created_at:i creator_id:i last_price:i volume:i "
    "open_interest:i collateral:i fees:i book_seq:i ending:w paid_accounts:i paid_total:i "
    "trade_seq:i ticker_seq:i event_id:i label:t version:i",
    "id",
    "question description status outcome settlement_price closes_at last_price volume "
    "open_interest collateral fees book_seq ending paid_accounts paid_total trade_seq ticker_seq "
    "version",
)
ORDERS = _shape(
    "orders",
    "id:i user_id:i market_id:i side:w type:w price:i qty:i filled:i notional:i fee_exact:i "
    "fees_paid:i close_qty:i locked:i status:w reason:w tif:w stp:w post_only:b reduce_only:b "
    "expires_at:i client_order_id:t request:t rank:i events:i created_at:i updated_at:i "
    "connection:t order_group_id:i topic_seq:i version:i",
    "id",
    "price qty filled notional fee_exact fees_paid close_qty locked status reason rank events "
    "updated_at topic_seq version",
)
POSITIONS = _shape(
    "positions",
    "user_id:i market_id:i yes:i no:i reserved_yes:i reserved_no:i cost_yes:i cost_no:i "
    "realized:i net_paid:i event_id:i version:i",
    "user_id market_id",
    "yes no reserved_yes reserved_no cost_yes cost_no realized net_paid version",
)
HOLDINGS = _shape(
    "holdings",
    "user_id:i event_id:i base:i net_paid:i version:i",
    "user_id event_id",
    "base net_paid version",
)
ORDER_GROUPS = _shape(
    "order_groups",
    "id:i user_id:i limit_qty:i status:w created_at:i updated_at:i counts_after:i version:i",
    "id",
    "limit_qty status updated_at counts_after version",
)
ORDER_GROUP_FILLS = _shape("order_group_fills", "created_at:i trade_id:i order_group_id:i qty:i")
ORDER_EVENTS = _shape("order_events", "order_id:i type:w n:i seq:i trade_id:i detail:t")
TRADES = _shape(
    "trades",
    "id:i market_id:i buy_order_id:i sell_order_id:i buy_user_id:i sell_user_id:i price:i qty:i "
    "taker_side:w buy_fee:i sell_fee:i created_at:i",
)
LEDGER = _shape(
    "ledger",
    "id:i seq:i kind:w user_id:i market_id:i counterpart:w amount:i ref_id:i created_at:i "
    "event_id:i",
)
TRANSFERS = _shape(
    "transfers",
    "id:i user_id:i amount:i reason:t actor_id:i key:t available:i locked:i created_at:i",
)

ADMIN_LOG = _shape("admin_log", "seq:i at:i actor_id:i action:w target:w details:t")

STATE_SHAPES = (ACCOUNTS, EVENTS, MARKETS, ORDER_GROUPS, ORDERS, HOLDINGS, POSITIONS)
HISTORY_SHAPES = (TRANSFERS, TRADES, ORDER_EVENTS, ORDER_GROUP_FILLS, LEDGER, ADMIN_LOG)


def _account_row(account: Account, seqs: UserSeqs, version: int) -> Row:
    return (
        account.user_id, account.available, account.locked, account.deadman_at, seqs.orders,
        seqs.fills, seqs.balances, seqs.positions, seqs.holdings, seqs.order_groups, version,
    )  # fmt: skip


def _event_row(e: MarketEvent, ticker_seq: int, version: int) -> Row:
    return (
        e.id, e.slug, e.title, e.description, e.exhaustive, e.tick, e.maker_rate, e.taker_rate,
        e.closes_at, e.created_at, e.creator_id, e.outcome, e.ending, e.outcomes, e.open_interest,
        e.collateral, e.fees, e.paid_accounts, e.paid_total, ticker_seq, version,
    )  # fmt: skip


def _market_row(m: Market, seqs: MarketSeqs, version: int) -> Row:
    return (
        m.id, m.slug, m.question, m.description, m.status, m.outcome, m.settlement_price, m.tick,
        m.maker_rate, m.taker_rate, m.closes_at, m.created_at, m.creator_id, m.last_price,
        m.volume, m.open_interest, m.collateral, m.fees, m.book_seq, m.ending, m.paid_accounts,
        m.paid_total, seqs.trades, seqs.ticker, m.event_id, m.label, version,
    )  # fmt: skip


def order_row(o: Order) -> Row:
    """Return an order's ORDERS row, less its last two columns: the store's numbers."""
    return (
        o.id, o.user_id, o.market_id or None, o.side, o.type,
        None if o.type is OrderType.MARKET else o.price, o.qty, o.filled, o.notional, o.fee_exact,
        o.fees_paid, o.close, o.lock, o.status, o.reason, o.tif, o.stp, o.post_only,
        o.reduce_only, o.expires_at, o.client_order_id, o.request, o.rank, o.events, o.created_at,
        o.updated_at, o.connection, None if o.group is None else o.group.id,
    )  # fmt: skip


def _position_row(p: Position, version: int) -> Row:
    return (
        p.user_id, p.market_id, p.yes, p.no, p.reserved_yes, p.reserved_no, p.cost_yes, p.cost_no,
        p.realized, p.net_paid, p.event_id, version,
    )  # fmt: skip


def _holding_row(h: Holding, version: int) -> Row:
    return h.user_id, h.event_id, h.base, h.net_paid, version


def _order_group_row(g: OrderGroup, version: int) -> Row:
    return (
        g.id, g.user_id, g.limit, g.status, g.created_at, g.updated_at, g.counts_after, version,
    )  # fmt: skip


@dataclass(slots=True)
class HistoryRows:
    """Append-only rows of a batch. ``last_ledger_id`` continues from the state it was made with."""

    last_ledger_id: int
    transfers: list[Row] = field(default_factory=list)
    trades: list[Row] = field(default_factory=list)
    order_events: list[Row] = field(default_factory=list)
    order_group_fills: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    admin_log: list[Row] = field(default_factory=list)

    def __len__(self) -> int:
        return (
            len(self.transfers) + len(self.trades) + len(self.order_events)
            + len(self.order_group_fills) + len(self.ledger) + len(self.admin_log)
        )  # fmt: skip

    def by_shape(self) -> list[tuple[Shape, list[Row]]]:
        """Return the rows by table."""
        return [
            (TRANSFERS, self.transfers),
            (TRADES, self.trades),
            (ORDER_EVENTS, self.order_events),
            (ORDER_GROUP_FILLS, self.order_group_fills),
            (LEDGER, self.ledger),
            (ADMIN_LOG, self.admin_log),
        ]

    def add(self, seq: int, command: Command, events: Sequence[Event], state: State) -> None:
        """Append the rows of one command's events; ``state`` is as the command left it."""
        now = state.happens_at
        if (act := act_of(command, events)) is not None:
            self.admin_log.append((seq, now, *act))
        for event in events:
            kind = type(event)
            if kind in _ORDER_DETAIL:
                more = _ORDER_DETAIL[kind](event)
                self.order_events.append((event.order_id, event.type, event.n, seq, *more))  # type: ignore[union-attr]  # an order's event
            elif kind is ev.Match:
                self._match(seq, now, event)  # type: ignore[arg-type]  # a Match
            elif isinstance(event, ev.Merged):
                cash = event.qty * PRICE_ONE
                self._entry(seq, now, "MERGE", event.user_id, event.market_id, "COLLATERAL", cash)
            elif isinstance(event, ev.OrderGroupFilled):
                self.order_group_fills.append((now, event.trade_id, event.group_id, event.qty))
            elif isinstance(event, ev.PaidOut):
                self._payout(seq, now, event)
            elif isinstance(event, ev.Transferred):
                self._transfer(seq, now, command, event, state.ledger.accounts[event.user_id])

    def _entry(
        self,
        seq: int,
        now: Micros,
        kind: str,
        user_id: int,
        market_id: int | None,
        counterpart: str,
        amount: int,
        ref_id: int | None = None,
        event_id: int | None = None,
    ) -> None:
        if amount:
            self.last_ledger_id += 1
            self.ledger.append(
                (self.last_ledger_id, seq, kind, user_id, market_id, counterpart, amount, ref_id,
                 now, event_id)
            )  # fmt: skip

    def _payout(self, seq: int, now: Micros, paid: ev.PaidOut) -> None:
        for kind, counterpart, amount in (
            ("PAYOUT", "COLLATERAL", paid.cash),
            ("REFUND", "FEES", paid.fee),
        ):
            self._entry(
                seq, now, kind, paid.user_id, paid.market_id, counterpart, amount,
                event_id=paid.event_id,
            )  # fmt: skip

    def _match(self, seq: int, now: Micros, t: ev.Match) -> None:
        self.trades.append(
            (t.trade_id, t.market_id, t.buy_order_id, t.sell_order_id, t.buy_user_id,
             t.sell_user_id, t.price, t.qty, t.taker_side, t.buy_fee, t.sell_fee, now)
        )  # fmt: skip
        market, id = t.market_id, t.trade_id
        self._entry(seq, now, "TRADE", t.buy_user_id, market, "COLLATERAL", t.buy_cash, id)
        self._entry(seq, now, "TRADE", t.sell_user_id, market, "COLLATERAL", t.sell_cash, id)
        self._entry(seq, now, "FEE", t.buy_user_id, market, "FEES", -t.buy_fee, id)
        self._entry(seq, now, "FEE", t.sell_user_id, market, "FEES", -t.sell_fee, id)

    def _transfer(
        self, seq: int, now: Micros, command: Command, t: ev.Transferred, account: Account
    ) -> None:
        if isinstance(command, Transfer):
            reason, actor_id, key = command.reason, command.actor_id, command.key
        else:
            assert isinstance(command, OpenAccount)  # nothing else moves money from outside
            reason, actor_id, key = SIGNUP_REASON, command.user_id, None
        self.transfers.append(
            (t.transfer_id, t.user_id, t.amount, reason, actor_id, key, account.available,
             account.locked, now)
        )  # fmt: skip
        self._entry(seq, now, "TRANSFER", t.user_id, None, "OUTSIDE", t.amount, t.transfer_id)


def _rejection(event: ev.OrderRejected) -> str:
    return msgspec.json.encode((event.code, event.message, event.details)).decode()


# The trade and the detail of an order's event. The value type is loose because each entry reads
# its own event.
_ORDER_DETAIL: dict[type, Callable[[Any], tuple[int | None, str | None]]] = {
    ev.OrderAccepted: lambda e: (None, None),
    ev.OrderRejected: lambda e: (None, _rejection(e)),
    ev.OrderPartiallyFilled: lambda e: (e.trade_id, None),
    ev.OrderFilled: lambda e: (e.trade_id, None),
    ev.OrderCanceled: lambda e: (None, e.reason.value),
    ev.OrderAmended: lambda e: (None, f"{e.price} {e.qty}"),
}


@dataclass(slots=True)
class StateRows:
    """The state rows of a batch: new rows and changed rows separately."""

    new: list[tuple[Shape, list[Row]]]
    changed: list[tuple[Shape, list[Row]]]


def state_rows(changes: Changes, numbers: StoreNumbers, order_seqs: Mapping[int, int]) -> StateRows:
    """Copy the changed objects into rows and increment each row's version, the last column.

    ``order_seqs`` are the numbers of the orders' changes. New rows come in the order that foreign
    keys require.
    """
    of, users, markets = numbers.versions, numbers.users, numbers.markets
    tickers = numbers.event_tickers
    sources: tuple[tuple[Shape, list[Row]], ...] = (
        (ACCOUNTS, [
            _account_row(account, users[id], _next(of.accounts, id))
            for id, account in changes.accounts.items()
        ]),
        (EVENTS, [
            _event_row(event, tickers[id], _next(of.events, id))
            for id, event in changes.market_events.items()
        ]),
        (MARKETS, [
            _market_row(market, markets[id], _next(of.markets, id))
            for id, market in changes.markets.items()
        ]),
        (ORDER_GROUPS, [
            _order_group_row(group, _next(of.order_groups, id))
            for id, group in changes.order_groups.items()
        ]),
        (ORDERS, [
            (*order_row(order), order_seqs[id], _next(of.orders, id))
            for id, order in changes.orders.items()
        ]),
        (HOLDINGS, [
            _holding_row(holding, _next(of.holdings[event_id], user_id))
            for (user_id, event_id), holding in changes.holdings.items()
        ]),
        (POSITIONS, [
            _position_row(position, _next(of.positions[market_id], user_id))
            for (user_id, market_id), position in changes.positions.items()
        ]),
    )  # fmt: skip
    return StateRows(
        [(shape, [row for row in made if row[-1] == 1]) for shape, made in sources],
        [(shape, [row for row in made if row[-1] != 1]) for shape, made in sources],
    )


def _next(versions: dict[int, int], id: int) -> int:
    """Count one more write of a row; return its version."""
    version = versions[id] = versions.get(id, 0) + 1
    return version
