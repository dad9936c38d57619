"""One user's money and holdings on the wire."""

from enum import StrEnum

import msgspec

from predmarket.contracts.amounts import TransferAmount
from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.contracts.text import Login, Reason
from predmarket.enums import Liquidity, Side


class TransferRequest(Request, frozen=True):
    """POST /v1/user/transfer; a negative amount withdraws."""

    amount: TransferAmount
    reason: Reason
    user_id: int | None = None
    email: Login | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: a request names its user in exactly one way."""
        if (self.user_id is None) is (self.email is None):
            return [Problem("userId", "give exactly one of userId and email")]
        return []


class Balance(msgspec.Struct, frozen=True, rename="camel"):
    """Cash; total is the sum of available and locked."""

    available: str
    locked: str
    total: str


class Transfer(msgspec.Struct, frozen=True, rename="camel"):
    """A transfer that was booked, with the balance right after it."""

    id: int
    balance: Balance


class Position(msgspec.Struct, frozen=True, rename="camel"):
    """Shares of one market. Averages and the mark are YES prices."""

    market_id: int
    market_slug: str
    qty_long: str
    qty_short: str
    avg_price: str | None
    realized_pnl: str
    unrealized_pnl: str
    mark_price: str | None


class PositionList(msgspec.Struct, frozen=True, rename="camel"):
    """Every market the user has had a share of."""

    items: list[Position]
    next_cursor: str | None = None


class Portfolio(msgspec.Struct, frozen=True, rename="camel"):
    """Cash and holdings valued together."""

    cash: str
    positions_value: str
    total_value: str
    realized_pnl: str
    unrealized_pnl: str


class Fill(msgspec.Struct, frozen=True, rename="camel"):
    """One of a user's executions."""

    trade_id: int
    order_id: int
    market_id: int
    market_slug: str
    side: Side
    price: str
    qty: str
    fee: str
    liquidity: Liquidity
    created_at: str


class FillPage(msgspec.Struct, frozen=True, rename="camel"):
    """Executions, newest first."""

    items: list[Fill]
    next_cursor: str | None


class EntryKind(StrEnum):
    """The kinds of cash movements. REFUND gives fees back, as a VOID does."""

    TRANSFER = "TRANSFER"
    TRADE = "TRADE"
    FEE = "FEE"
    MERGE = "MERGE"
    PAYOUT = "PAYOUT"
    REFUND = "REFUND"


class Counterpart(StrEnum):
    """The other account of a movement: the outside world, a market's collateral, or the fees."""

    OUTSIDE = "OUTSIDE"
    COLLATERAL = "COLLATERAL"
    FEES = "FEES"


class LedgerLine(msgspec.Struct, frozen=True, rename="camel"):
    """One line of the account statement.

    ``amount`` moves from the counterpart to the user's cash, or back if negative. ``balance_after``
    is available and locked cash right after it, ``command_seq`` the command that caused it. The
    payout of a whole event names the event and no market.
    """

    id: int
    kind: EntryKind
    amount: str
    balance_after: str
    counterpart: Counterpart
    market_id: int | None
    market_slug: str | None
    trade_id: int | None
    transfer_id: int | None
    reason: str | None
    command_seq: int
    created_at: str
    event_id: int | None = None
    event_slug: str | None = None


class LedgerPage(msgspec.Struct, frozen=True, rename="camel"):
    """The account statement, newest first."""

    items: list[LedgerLine]
    next_cursor: str | None
