"""What each kind of answer looks like as a table and as CSV.

CSV has every field that the API names, in the API's order; a table has those one wants to see.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from predmarket import units
from predmarket.client.shapes import Book

Row: TypeAlias = Mapping[str, object]

NOTHING = "-"
_READABLE = 24
"""Characters of a text that may be folded which a column should have room for."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells ready to be drawn. Without headings it is a list of names and values."""

    headings: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[str]]
    least: Sequence[str] = ()
    """Headings of columns that a narrow terminal does without, the first to go first."""

    def within(self, width: int, gap: int) -> "Grid":
        """Return the grid without as many of its least columns as it takes to fit ``width``."""
        kept = list(range(len(self.headings)))
        for heading in self.least:
            cells = [self._room(i) for i in kept]
            if sum(cells) + gap * (len(kept) - 1) <= width:
                break
            kept.remove(self.headings.index(heading))
        return Grid(
            [self.headings[i] for i in kept],
            [self.numeric[i] for i in kept],
            [[row[i] for i in kept] for row in self.rows],
        )

    def _room(self, column: int) -> int:
        """Return the width that a column wants: all of a number, of a text what reads well."""
        widest = max(len(row[column]) for row in [self.headings, *self.rows])
        return widest if self.numeric[column] else min(widest, _READABLE)

    def columns(self) -> list[tuple[str, bool]]:
        """Return (heading, is numeric) for each column."""
        names = self.headings or [""] * len(self.numeric)
        return list(zip(names, self.numeric, strict=True))


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. numeric ones stand to the right."""

    heading: str
    key: str
    numeric: bool = False


def _text(heading: str, key: str) -> Column:
    return Column(heading, key)


def _number(heading: str, key: str) -> Column:
    return Column(heading, key, numeric=True)


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of answer. parts are the lists inside it, drawn below it."""

    columns: Sequence[Column] = ()
    fields: Sequence[str] = ()
    parts: Mapping[str, "Layout"] = field(default_factory=dict)
    least: Sequence[str] = ()

    def grid(self, rows: Sequence[Row]) -> Grid:
        """Return ``rows`` as a table."""
        columns = self.columns or [Column(_words(name).upper(), name) for name in _keys(rows)]
        return Grid(
            [column.heading for column in columns],
            [column.numeric for column in columns],
            [[cell(row.get(column.key)) for column in columns] for row in rows],
            self.least,
        )

    def grids(self, row: Row, *, brief: bool) -> list[Grid]:
        """Return one answer as a table: in one row, or a line for each of its fields."""
        if brief:
            head = self.grid([row])
        else:
            names = [name for name in self.fields or row if name not in self.parts and name in row]
            head = Grid((), (False, False), [(_words(name), cell(row[name])) for name in names])
        grids = [head]
        for name, layout in self.parts.items():
            items = row.get(name)
            if isinstance(items, list) and items:
                grids.append(layout.grid(items))
        return grids


def cell(value: object) -> str:
    """Return one value for people: times shorter, nothing as a dash."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(str(name))} {cell(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value) or NOTHING
    text = str(value)
    time = _TIME.fullmatch(text)
    return f"{time[1]} {time[2]}Z" if time else text


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f" {match[1].lower()}", name)


def _keys(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MARKET = Layout(
    (
        _number("ID", "id"),
        _text("MARKET", "slug"),
        _text("STATUS", "status"),
        _number("BID", "bestBid"),
        _number("ASK", "bestAsk"),
        _number("LAST", "lastPrice"),
        _number("VOLUME", "volume"),
        _text("CLOSES", "closesAt"),
        _text("QUESTION", "question"),
    ),
    _names(
        "id slug question description status outcome settlementPrice tickSize makerFeeRate"
        " takerFeeRate closesAt createdAt creator lastPrice bestBid bestAsk volume openInterest"
    ),
    least=("CLOSES", "QUESTION", "VOLUME"),
)

ORDER_FILL = Layout(
    (
        _number("TRADE", "tradeId"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
        _number("FEE", "fee"),
        _text("AS", "liquidity"),
    ),
    _names("tradeId price qty fee liquidity"),
)

ORDER = Layout(
    (
        _number("ID", "id"),
        _text("MARKET", "marketSlug"),
        _text("SIDE", "side"),
        _text("TYPE", "type"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
        _number("FILLED", "qtyFilled"),
        _number("AVG", "avgFillPrice"),
        _text("TIF", "timeInForce"),
        _text("STATUS", "status"),
        _text("REASON", "reason"),
        _text("CREATED", "createdAt"),
        _text("CLIENT ID", "clientOrderId"),
    ),
    _names(
        "id clientOrderId marketId marketSlug userId side type price qty qtyFilled qtyRemaining"
        " avgFillPrice feesPaid status reason timeInForce expiresAt createdAt updatedAt queueAhead"
        " fills"
    ),
    {"fills": ORDER_FILL},
    least=("CLIENT ID", "CREATED", "AVG", "TYPE", "TIF", "REASON"),
)

PREVIEW = Layout(fields=_names("fillQty restQty avgPrice worstPrice fees locked queueAhead"))

BATCH_RESULT = Layout(
    (
        _number("#", "number"),
        _number("ID", "id"),
        _text("STATUS", "status"),
        _number("QTY", "qty"),
        _number("FILLED", "qtyFilled"),
        _text("CLIENT ID", "clientOrderId"),
        _text("ERROR", "error"),
    ),
    _names("number id status qty qtyFilled clientOrderId error"),
)

TRADE = Layout(
    (
        _number("ID", "id"),
        _text("TIME", "createdAt"),
        _text("TAKER", "takerSide"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
    ),
    _names("id buyOrderId sellOrderId marketId price qty takerSide createdAt"),
)

USER = Layout(
    (
        _number("ID", "id"),
        _text("EMAIL", "email"),
        _text("ROLE", "role"),
        _text("NAME", "fullName"),
        _text("DISABLED", "disabled"),
        _text("CREATED", "createdAt"),
    ),
    _names("id email role fullName disabled createdAt"),
)

API_KEY = Layout(
    (
        _number("ID", "id"),
        _text("NAME", "name"),
        _text("SCOPES", "scopes"),
        _text("CREATED", "createdAt"),
        _text("LAST USED", "lastUsedAt"),
    ),
    _names("id name scopes createdAt lastUsedAt"),
)

NEW_API_KEY = Layout(fields=_names("id name scopes key"))

BALANCE = Layout(
    (
        _number("AVAILABLE", "available"),
        _number("LOCKED", "locked"),
        _number("TOTAL", "total"),
    ),
    _names("available locked total"),
)

POSITION = Layout(
    (
        _text("MARKET", "marketSlug"),
        _number("YES", "qtyLong"),
        _number("NO", "qtyShort"),
        _number("AVG", "avgPrice"),
        _number("MARK", "markPrice"),
        _number("REALIZED", "realizedPnl"),
        _number("UNREALIZED", "unrealizedPnl"),
    ),
    _names("marketId marketSlug qtyLong qtyShort avgPrice realizedPnl unrealizedPnl markPrice"),
)

PORTFOLIO = Layout(
    (
        _number("CASH", "cash"),
        _number("POSITIONS", "positionsValue"),
        _number("TOTAL", "totalValue"),
        _number("REALIZED", "realizedPnl"),
        _number("UNREALIZED", "unrealizedPnl"),
    ),
    _names("cash positionsValue totalValue realizedPnl unrealizedPnl"),
)

FILL = Layout(
    (
        _number("TRADE", "tradeId"),
        _number("ORDER", "orderId"),
        _text("TIME", "createdAt"),
        _text("MARKET", "marketSlug"),
        _text("SIDE", "side"),
        _number("PRICE", "price"),
        _number("QTY", "qty"),
        _number("FEE", "fee"),
        _text("AS", "liquidity"),
    ),
    _names("tradeId orderId marketId marketSlug side price qty fee liquidity createdAt"),
    least=("AS", "TRADE"),
)

LEDGER_LINE = Layout(
    (
        _number("ID", "id"),
        _text("TIME", "createdAt"),
        _text("KIND", "kind"),
        _text("MARKET", "marketSlug"),
        _number("TRADE", "tradeId"),
        _number("AMOUNT", "amount"),
        _number("BALANCE", "balanceAfter"),
        _text("REASON", "reason"),
    ),
    _names(
        "id kind amount counterpart marketId marketSlug tradeId transferId reason commandSeq"
        " createdAt balanceAfter"
    ),
    least=("REASON", "TRADE"),
)

CANDLE = Layout(
    (
        _text("START", "start"),
        _number("OPEN", "open"),
        _number("HIGH", "high"),
        _number("LOW", "low"),
        _number("CLOSE", "close"),
        _number("VOLUME", "volume"),
        _number("TRADES", "trades"),
    ),
    _names("start open high low close volume trades"),
)

TICKER = Layout(
    (
        _text("MARKET", "slug"),
        _text("STATUS", "status"),
        _number("BID", "bestBid"),
        _number("ASK", "bestAsk"),
        _number("LAST", "lastPrice"),
        _number("VOLUME", "volume"),
        _number("OPEN INTEREST", "openInterest"),
    ),
    _names("id slug status bestBid bestAsk lastPrice volume openInterest"),
)

RESOLUTION = Layout(fields=("market", "payouts"))
TRANSFER = Layout(fields=("id", "balance"))
ANY = Layout()
"""Whatever fields the answer has."""

SETTING = Layout(
    (
        _text("OF", "scope"),
        _text("NAME", "name"),
        _text("VALUE", "value"),
        _text("FROM", "origin"),
    ),
    _names("scope name value origin"),
)

CHECK = Layout(
    (_text("CHECK", "name"), _text("OK", "ok"), _text("DETAIL", "detail")),
    _names("name ok detail"),
)

LEVEL_FIELDS = ("side", "price", "qty")


def levels(book: Book) -> list[dict[str, object]]:
    """Return the book's levels one a row, bids first, the best first on each side."""
    sides = (("BID", book["bids"]), ("ASK", book["asks"]))
    return [
        {"side": side, "price": price, "qty": qty} for side, rows in sides for price, qty in rows
    ]


def ladder(book: Book) -> Grid:
    """Return the book as a ladder: prices falling down the middle, bids left, asks right, each
    with the sum from the best price to there.
    """
    asks = [("", "", price, qty, total) for price, qty, total in _summed(book["asks"])]
    bids = [(total, qty, price, "", "") for price, qty, total in _summed(book["bids"])]
    return Grid(
        ("SUM", "BID", "PRICE", "ASK", "SUM"),
        (True,) * 5,
        [*reversed(asks), *bids],
    )


def _summed(side: Sequence[Sequence[str]]) -> list[tuple[str, str, str]]:
    total = 0
    rows = []
    for price, qty in side:
        total += units.parse(qty, units.QTY_DECIMALS)
        rows.append((price, qty, units.format_qty(total)))
    return rows
