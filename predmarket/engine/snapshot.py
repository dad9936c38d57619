"""The whole state as bytes: equal states give equal bytes, on any machine and Python.

A snapshot leaves out stale timers and links. The state does not hold settled positions. A state
without events, series, order groups, metadata, proposals or groups of users has the format that it
had before those existed.
"""

import hashlib

import msgspec

from predmarket.engine.book import Order
from predmarket.engine.ledger import Account
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.metadata import NO_METADATA, Metadata
from predmarket.engine.position import Holding, Position
from predmarket.engine.state import State

_ENCODER = msgspec.json.Encoder()
_ORDER_SKIPS = frozenset({"group", "is_buy", "level", "next", "prev", "run", "skip"})
_MARKET_SKIPS = frozenset(
    {"book", "event", "group_id", "label", "lock_rate", "metadata", "positions", "proposal",
     "scheduled", "total_no", "total_yes"}
)  # fmt: skip
_POSITION_SKIPS = frozenset({"holding"})
_EVENT_SKIPS = frozenset({"group_id", "holdings", "metadata", "proposal", "series"})
_COUNTERS = ("now", "last_order_id", "last_trade_id", "last_market_id", "last_transfer_id",
             "last_rank")  # fmt: skip


def snapshot(state: State) -> bytes:
    """Return the state as JSON: counters, accounts, markets, positions, open orders, steps due."""
    ledger = state.ledger
    parts: dict[str, object] = {
        "counters": [getattr(state, name) for name in _COUNTERS],
        "totals": [ledger.fees, ledger.net_deposits],
        "accounts": [_account(ledger.accounts[id]) for id in sorted(ledger.accounts)],
        "markets": [_market(state.markets[id]) for id in sorted(state.markets)],
        "positions": [_position(one) for one in sorted(state.positions(), key=_holder)],
        "orders": [_order(state.orders[id]) for id in sorted(state.orders)],
        "queues": [
            [[order.id for order in level] for side in (m.book.bids, m.book.asks) for level in side]
            for _, m in sorted(state.markets.items())
        ],
        "unfinished": [state.unfinished[key] for key in sorted(state.unfinished)],
    }
    if state.market_events:
        parts["events"] = [_event(state, one) for _, one in sorted(state.market_events.items())]
    if state.order_groups.last_id:
        parts["groups"] = _groups(state)
    if proposals := _proposals(state):
        parts["proposals"] = proposals
    return _ENCODER.encode(parts)


def digest(state: State) -> str:
    """Return the SHA-256 of the snapshot, in hexadecimal."""
    return hashlib.sha256(snapshot(state)).hexdigest()


def _account(account: Account) -> list[object]:
    return [account.user_id, account.available, account.locked, account.deadman_at]


def _market(market: Market) -> list[object]:
    values = [getattr(market, name) for name in Market.__slots__ if name not in _MARKET_SKIPS]
    return [*values, *_metadata(market.metadata), *_group(market.group_id)]


def _metadata(metadata: Metadata) -> list[object]:
    return [] if metadata == NO_METADATA else [metadata]


def _group(group_id: int | None) -> list[object]:
    return [] if group_id is None else [group_id]


def _holder(position: Position) -> tuple[int, int]:
    return position.user_id, position.market_id


def _position(position: Position) -> list[object]:
    return [getattr(position, name) for name in Position.__slots__ if name not in _POSITION_SKIPS]


def _event(state: State, event: MarketEvent) -> list[object]:
    return [
        *(getattr(event, name) for name in MarketEvent.__slots__ if name not in _EVENT_SKIPS),
        [market.label for market in state.markets_of(event)],
        [_holding(event.holdings[user_id]) for user_id in sorted(event.holdings)],
        *_metadata(event.metadata),
        *_group(event.group_id),
        *([] if event.series == event.slug else [event.series]),
    ]


def _holding(holding: Holding) -> list[object]:
    return [
        sorted(holding.nets.values()) if name == "nets" else getattr(holding, name)
        for name in Holding.__slots__
        if name != "_least"
    ]


def _order(order: Order) -> list[object]:
    values = [getattr(order, name) for name in Order.__slots__ if name not in _ORDER_SKIPS]
    return values if order.group is None else [*values, order.group.id]


def _proposals(state: State) -> list[object]:
    """Return what is proposed, by market and then by event; each names what it would resolve."""
    markets = [market.proposal for _, market in sorted(state.markets.items())]
    events = [event.proposal for _, event in sorted(state.market_events.items())]
    return [one for one in (*markets, *events) if one is not None]


def _groups(state: State) -> list[object]:
    """Return the last id, the groups, and the fills that count now."""
    groups = state.order_groups
    return [
        groups.last_id,
        [(group.record(), group.counts_after) for _, group in sorted(groups.by_id.items())],
        sorted(groups.counted(state.now)),
    ]
