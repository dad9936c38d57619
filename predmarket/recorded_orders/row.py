"""One row of recorded orders, and its texts.

Amounts are integers (units.py) here, and decimal texts in a CSV file. Source:
docs/recorded-orders.md.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from predmarket.contracts.amounts import Price, Qty, Share, Tick, Time, format_time
from predmarket.contracts.text import SLUG
from predmarket.enums import OrderType, SelfTradePrevention, Side, TimeInForce
from predmarket.units import Micros, UnitError, format_price, format_qty
from predmarket.units import Price as PriceUnits
from predmarket.units import Qty as QtyUnits

COLUMNS = (
    "seq", "time", "action", "market", "order", "account", "side", "type", "price", "qty",
    "time_in_force", "post_only", "self_trade_prevention", "max_slippage", "tick_size",
    "maker_order", "reason",
)  # fmt: skip
REQUIRED = frozenset({"seq", "time", "action", "market", "order", "account"})
"""Columns that a file must have; the others may be missing, as their cells may be empty."""

DEFAULT_TICK: PriceUnits = 100

_MOST_DIGITS = 18
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_MARKET = re.compile(SLUG)


class RecordedOrdersError(ValueError):
    """A file cannot be read as recorded orders, or not written; the message says why."""


class Action(StrEnum):
    """What happened to an order."""

    RESTING = "RESTING"
    """It rested in the queue when the recording begins."""
    PLACE = "PLACE"
    AMEND = "AMEND"
    CANCEL = "CANCEL"
    TRADE = "TRADE"


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened to an order; None is an empty cell.

    ``order`` and ``account`` are names within the file. In a TRADE, ``order`` is the taker's, and
    ``maker_order`` the one that rested.
    """

    seq: int
    time: Micros
    action: Action
    market: str
    order: str
    account: str
    side: Side | None = None
    type: OrderType | None = None
    price: PriceUnits | None = None
    qty: QtyUnits | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    max_slippage: PriceUnits | None = None
    tick_size: PriceUnits | None = None
    maker_order: str | None = None
    reason: str | None = None


def to_texts(row: Row) -> list[str]:
    """Return a row's cells in the order of COLUMNS."""
    return [
        str(row.seq),
        format_time(row.time),
        row.action,
        row.market,
        row.order,
        row.account,
        row.side or "",
        row.type or "",
        _price(row.price),
        "" if row.qty is None else format_qty(row.qty),
        row.time_in_force or "",
        "" if row.post_only is None else str(row.post_only).lower(),
        row.self_trade_prevention or "",
        _price(row.max_slippage),
        _price(row.tick_size),
        row.maker_order or "",
        row.reason or "",
    ]


def _price(price: PriceUnits | None) -> str:
    return "" if price is None else format_price(price)


def from_texts(cells: Mapping[str, str]) -> Row:
    """Return the row of these cells, checked. Raises RecordedOrdersError."""
    values: dict[str, object] = {}
    for name, read in _READERS.items():
        text = cells.get(name, "")
        if text:
            try:
                values[name] = read(text)
            except (UnitError, ValueError) as error:
                raise RecordedOrdersError(f"{name}: {_why(text, error)}") from None
        elif name in REQUIRED:
            raise RecordedOrdersError(f"{name} is empty")
    row = msgspec.convert(values, Row)
    check(row)
    return row


def check(row: Row) -> None:
    """Check that a row has what its action needs. Raises RecordedOrdersError."""
    needed = dict(_NEEDED[row.action])
    if row.action is Action.PLACE and row.type is OrderType.MARKET:
        del needed["price"]
    for name, value in needed.items():
        if value(row) is None:
            raise RecordedOrdersError(f"{name} is empty in a row of the action {row.action}")


_SIDE = ("side", lambda row: row.side)
_PRICE = ("price", lambda row: row.price)
_QTY = ("qty", lambda row: row.qty)
_NEEDED: Mapping[Action, tuple[tuple[str, Callable[[Row], object]], ...]] = {
    Action.RESTING: (_SIDE, _PRICE, _QTY),
    Action.PLACE: (_SIDE, _PRICE, _QTY),
    Action.AMEND: (_PRICE, _QTY),
    Action.CANCEL: (),
    Action.TRADE: (_PRICE, _QTY, ("maker_order", lambda row: row.maker_order)),
}


def _why(text: str, error: Exception) -> str:
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    return f"{shown!r} {error}"


def _seq(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise ValueError("is not a whole number")
    return int(text)


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("is not a name of up to 32 letters, digits, - and _")
    return text


def _slug(text: str) -> str:
    if not _MARKET.fullmatch(text):
        raise ValueError("is not a market's slug")
    return text


def _word(words: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(text: str) -> StrEnum:
        if text not in words.__members__:
            raise ValueError(f"is not one of {', '.join(words)}")
        return words(text)

    return read


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text.lower() == "true"


_READERS: Mapping[str, Callable[[str], object]] = {
    "seq": _seq,
    "time": lambda text: Time.read(text).micros,
    "action": _word(Action),
    "market": _slug,
    "order": _name,
    "account": _name,
    "side": _word(Side),
    "type": _word(OrderType),
    "price": lambda text: Price.read(text).units,
    "qty": lambda text: Qty.read(text).units,
    "time_in_force": _word(TimeInForce),
    "post_only": _flag,
    "self_trade_prevention": _word(SelfTradePrevention),
    "max_slippage": lambda text: Share.read(text).units,
    "tick_size": lambda text: Tick.read(text).units,
    "maker_order": _name,
    "reason": _name,
}
