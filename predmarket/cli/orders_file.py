"""Reads files of orders: a JSON array, an object with orders, lines of JSON, or CSV."""

import csv
import json
import sys
from io import StringIO
from pathlib import Path
from typing import TypeAlias

from predmarket.cli.failure import usage
from predmarket.nearest import guess

NewOrderBody: TypeAlias = dict[str, object]
"""An order as POST /v1/orders takes it."""

_FIELDS = (
    "marketId", "side", "type", "price", "qty", "timeInForce", "expiresAt", "postOnly",
    "reduceOnly", "maxSlippage", "selfTradePrevention", "clientOrderId", "deadline",
)  # fmt: skip
_SHORTER = {"market": "marketId", "tif": "timeInForce", "expires": "expiresAt"}
_SHORTER |= {"slippage": "maxSlippage", "stp": "selfTradePrevention", "clientId": "clientOrderId"}
_WORDS = ("side", "type", "timeInForce", "selfTradePrevention")
"""Fields whose words are spelled in capitals."""
_FLAGS = ("postOnly", "reduceOnly")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _plain(name: str) -> str:
    return name.strip().replace("-", "").replace("_", "").replace(" ", "").lower()


_KNOWN = {_plain(name): name for name in _FIELDS}
_KNOWN |= {_plain(name): field for name, field in _SHORTER.items()}


def read_orders(file: str) -> list[NewOrderBody]:
    """Return the orders in ``file`` (- is stdin), numbers as they were written. Raises Failure."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise usage(f"cannot read {file}: {reason}") from None
    text = text.removeprefix("\ufeff")
    try:
        orders = _of_json(text, file) if text.lstrip()[:1] in ("[", "{") else _of_csv(text, file)
    except RecursionError:
        raise usage(f"{file} is nested too deeply") from None
    if not orders:
        raise usage(f"{file} holds no order")
    return [_completed(order) for order in orders]


def _of_json(text: str, file: str) -> list[NewOrderBody]:
    try:
        data = _decode(text)
    except ValueError:
        rows: list[object] = []
        for number, row in enumerate(text.split("\n"), 1):
            try:
                rows += [_decode(row)] if row.strip() else []
            except ValueError as error:
                raise usage(f"{file} holds no JSON: line {number}: {error}") from None
        data = rows
    if isinstance(data, dict):
        data = data.get("orders", [data])
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise usage(f"{file} must hold an array of orders")
    return [{_KNOWN.get(_plain(name), name): order[name] for name in order} for order in data]


def _decode(text: str) -> object:
    return json.loads(text, parse_float=str, parse_constant=str)


def _of_csv(text: str, file: str) -> list[NewOrderBody]:
    rows = [row for row in csv.reader(StringIO(text)) if any(cell.strip() for cell in row)]
    if not rows:
        return []
    heading = [_field(name, file) for name in rows[0]]
    twice = next((name for name in heading if heading.count(name) > 1), None)
    if twice is not None:
        raise usage(f"{file} has two columns {twice}")
    return [_order(heading, row, number, file) for number, row in enumerate(rows[1:], 1)]


def _field(name: str, file: str) -> str:
    field = _KNOWN.get(_plain(name))
    if field is None:
        known = [*_FIELDS, *_SHORTER]
        raise usage(f"{file}: {name.strip()!r} is no field of an order{guess(name, known)}")
    return field


def _order(heading: list[str], row: list[str], number: int, file: str) -> NewOrderBody:
    if len(row) > len(heading):
        raise usage(f"{file}: order {number} has more cells than there are columns")
    cells = zip(heading, map(str.strip, row), strict=False)
    order: NewOrderBody = {field: cell for field, cell in cells if cell}
    for field in _FLAGS:
        if field in order:
            order[field] = _truth(str(order[field]), f"{file}: order {number}: {field}")
    return order


def _truth(text: str, name: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise usage(f"{name} is true or false, not {text}")
    return _TRUTHS[text.lower()]


def _completed(order: NewOrderBody) -> NewOrderBody:
    """Return ``order`` with its words in capitals and the default type."""
    words = {name: value.upper() for name in _WORDS if isinstance(value := order.get(name), str)}
    market = order.get("marketId")
    digits = isinstance(market, str) and market.isascii() and market.isdigit()
    number = {"marketId": int(str(market))} if digits and len(str(market)) <= 18 else {}
    return {"type": "LIMIT", **order, **words, **number}
