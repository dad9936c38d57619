"""A user's cash, positions, executions and ledger."""

from typing import NotRequired, TypedDict


class Payoff(TypedDict):
    """The amount that the user receives if that market of an event resolves YES."""

    marketId: int
    marketSlug: str
    payoff: str


class EventHolding(TypedDict):
    """returned: money that complete sets have paid ahead. none: the payoff if no market wins."""

    eventId: int
    eventSlug: str
    returned: str
    none: str | None
    payoffs: list[Payoff]


class Balance(TypedDict):
    available: str
    locked: str
    total: str


class Position(TypedDict):
    marketId: int
    marketSlug: str
    qtyLong: str
    qtyShort: str
    avgPrice: str | None
    realizedPnl: str
    unrealizedPnl: str
    markPrice: str | None


class Portfolio(TypedDict):
    cash: str
    positionsValue: str
    totalValue: str
    realizedPnl: str
    unrealizedPnl: str


class Fill(TypedDict):
    """One of the user's executions."""

    tradeId: int
    orderId: int
    marketId: int
    marketSlug: str
    side: str
    price: str
    qty: str
    fee: str
    liquidity: str
    createdAt: str


class LedgerLine(TypedDict):
    """amount enters one's cash and leaves the counterpart, or, negative, the other way. The payout
    of a whole event names the event and no market.
    """

    id: int
    kind: str
    amount: str
    balanceAfter: str
    counterpart: str
    marketId: int | None
    marketSlug: str | None
    tradeId: int | None
    transferId: int | None
    reason: str | None
    commandSeq: int
    createdAt: str
    eventId: int | None
    eventSlug: str | None


class FillsSnapshot(TypedDict):
    """The user's last executions, newest first."""

    items: list[Fill]
    missed: NotRequired[bool]


class EventPositionsSnapshot(TypedDict):
    """Every live event that one holds something of."""

    items: list[EventHolding]


class PositionsSnapshot(TypedDict):
    """The user's positions in all markets with any past trade."""

    items: list[Position]


class Transfer(TypedDict):
    id: int
    balance: Balance
