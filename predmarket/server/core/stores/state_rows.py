"""Turns what a batch changed into rows of the state's tables.

Invariant: rows are copies. They are made before the next batch is decided, so later decisions do
not change a batch that is being committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from predmarket.engine import proposal
from predmarket.engine.book import Order
from predmarket.engine.ledger import Account, Position
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.metadata import Metadata
from predmarket.engine.order_group import OrderGroup
from predmarket.engine.position import Holding
from predmarket.engine.state import Changes
from predmarket.enums import OrderType
from predmarket.server.core.stores.rows import (
    ACCOUNTS,
    EVENTS,
    HOLDINGS,
    MARKETS,
    ORDER_GROUPS,
    ORDERS,
    POSITIONS,
    Row,
    Shape,
)
from predmarket.server.core.stores.store_numbers import MarketSeqs, StoreNumbers, UserSeqs


def _account_row(account: Account, seqs: UserSeqs, version: int) -> Row:
    return (
        account.user_id, account.available, account.locked, account.deadman_at, seqs.orders,
        seqs.fills, seqs.balances, seqs.positions, seqs.holdings, seqs.order_groups, version,
    )  # fmt: skip


def _metadata(metadata: Metadata) -> Row:
    """Return the columns category, tags and source; tags are a JSON array, null without any."""
    tags = msgspec.json.encode(metadata.tags).decode() if metadata.tags else None
    return metadata.category, tags, metadata.source


def _event_row(e: MarketEvent, ticker_seq: int, version: int) -> Row:
    return (
        e.id, e.slug, e.title, e.description, e.exhaustive, e.tick, e.maker_rate, e.taker_rate,
        e.closes_at, e.created_at, e.creator_id, e.outcome, e.ending, e.outcomes, e.open_interest,
        e.collateral, e.fees, e.paid_accounts, e.paid_total, ticker_seq,
        *_metadata(e.metadata), proposal.encode(e.proposal), e.group_id, e.series, version,
    )  # fmt: skip


def _market_row(m: Market, seqs: MarketSeqs, version: int) -> Row:
    return (
        m.id, m.slug, m.question, m.description, m.status, m.outcome, m.settlement_price, m.tick,
        m.maker_rate, m.taker_rate, m.closes_at, m.created_at, m.creator_id, m.last_price,
        m.volume, m.open_interest, m.collateral, m.fees, m.book_seq, m.ending, m.paid_accounts,
        m.paid_total, seqs.trades, seqs.ticker, m.event_id, m.label,
        *_metadata(m.metadata), proposal.encode(m.proposal), m.group_id, version,
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
            _holding_row(one, _next(of.holdings[one.event_id], one.user_id))
            for one in changes.holdings
        ]),
        (POSITIONS, [
            _position_row(one, _next(of.positions[one.market_id], one.user_id))
            for one in changes.positions
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
