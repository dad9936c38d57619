"""Converts answers for calculations: decimal strings to Decimal, times to datetime, lists to
tables."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from predmarket.client.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = frozenset(
    {
        "above", "amount", "available", "avgFillPrice", "avgPrice", "balanceAfter", "baseRate",
        "bestAsk", "bestBid", "brierScore", "cash", "close", "coveredQty", "credit", "fee", "fees",
        "feesPaid", "fillQty", "high", "lastPrice", "limit", "locked", "low", "makerFeeRate",
        "markPrice", "none", "open", "openInterest", "payoff", "positionsValue", "price", "profit",
        "qty", "qtyFilled", "qtyLong", "qtyRemaining", "qtyShort", "queueAhead", "realizedPnl",
        "restQty", "returned", "settlementPrice", "share", "takerFeeRate", "tickSize", "to",
        "total", "totalValue", "unrealizedPnl", "value", "volume", "worstPrice",
    }
)  # fmt: skip
"""Fields that hold money, prices, quantities or rates."""
TIMES = frozenset(
    {
        "at", "cancelAt", "closesAt", "createdAt", "creditedAt", "effectiveAt", "endedAt",
        "expiresAt", "lastSeenAt", "lastUsedAt", "revokedAt", "start", "startedAt", "time",
        "updatedAt",
    }
)  # fmt: skip
_OF_DECIMALS = frozenset({"asks", "bids", "weights"})
"""Fields that hold such numbers in lists, or by market."""


def exact(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer with its decimal strings as Decimal and its times as datetime, in UTC.

    Records within it are converted likewise.
    """
    return {name: _exact(name, value) for name, value in record.items()}


def _exact(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        if name in _OF_DECIMALS:
            return {each: _exact(name, share) for each, share in value.items()}
        return exact(value)
    if isinstance(value, list):
        return [_exact(name, each) for each in value]
    if isinstance(value, str) and (name in DECIMALS or name in _OF_DECIMALS):
        return Decimal(value)
    if isinstance(value, str) and name in TIMES:
        return datetime.fromisoformat(value)
    return value


def to_pandas(items: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return records as a table: decimals as floats, for analysis and not for payments; times as
    times in UTC. Raises ConfigurationError without pandas (the extra ``pandas``).
    """
    try:
        import pandas as pd  # noqa: PLC0415  (an extra)
    except ImportError:
        raise ConfigurationError(
            "pandas is not installed: pip install 'predmarket-exchange[pandas]'"
        ) from None
    table = pd.DataFrame(list(items))
    for name in table.columns:
        if name in DECIMALS:
            table[name] = pd.to_numeric(table[name])
        elif name in TIMES:
            table[name] = pd.to_datetime(table[name], utc=True)
    return table
