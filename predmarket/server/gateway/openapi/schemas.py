"""The contracts as JSON Schema 2020-12; msgspec generates it from the types that decode.

This module adds what msgspec cannot see: amounts and times, which a hook reads; patterns, which end
with $ in JSON Schema (there it means the very end); and rules between fields.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from predmarket.contracts.accounts import TransferRequest
from predmarket.contracts.amounts import Credit, Price, Qty, Rate, Share, Tick, Time, TransferAmount
from predmarket.contracts.events import (
    CreateEventRequest,
    ResolveEventRequest,
    UpdateEventRequest,
)
from predmarket.contracts.identity import ApiKeyRequest, UpdateMeRequest, UpdateUserRequest
from predmarket.contracts.imports import ImportRequest
from predmarket.contracts.markets import (
    CreateMarketRequest,
    ResolveMarketRequest,
    UpdateMarketRequest,
)
from predmarket.contracts.operations import MoveClock
from predmarket.contracts.orders import BatchRequest, PlaceOrderRequest
from predmarket.contracts.requests import Request
from predmarket.units import MAX_QTY, MAX_RATE, MAX_TRANSFER, MONEY_ONE, PRICE_ONE, QTY_ONE

Schema = dict[str, Any]  # JSON of any depth

REF = "#/components/schemas/{name}"


def _decimal(
    description: str, pattern: str, *, low: float, high: float, decimals: int, open: bool
) -> Schema:
    """Return the schema of a number between two bounds; ``open`` excludes the bounds."""
    least, most = ("exclusiveMinimum", "exclusiveMaximum") if open else ("minimum", "maximum")
    step = float(f"1e-{decimals}")
    return {
        "description": f"{description}; at most {decimals} decimals, as a string or a number",
        "anyOf": [
            {"type": "string", "pattern": pattern},
            {"type": "number", least: low, most: high, "multipleOf": step},
        ],
    }


_SHARE = r"^(0(\.[0-9]{1,4})?|1(\.0{1,4})?)$"
_RATE = r"^0(\.(0[0-9]{0,3}|1[0-9]{0,3}|2[0-4]?[0-9]?[0-9]?|250{0,2}))?$"
_MOST = r"1000000000(\.0{1,6})?"
_TICKS = ["0.1", "0.01", "0.001", "0.0001", 0.1, 0.01, 0.001, 0.0001]

AMOUNTS: dict[type, Schema] = {
    Price: _decimal(
        "Dollars, above 0 and below 1",
        r"^0\.(?=[0-9]*[1-9])[0-9]{1,4}$",
        low=0, high=1, decimals=4, open=True,
    ),
    Qty: {
        "description": "Contracts, above 0; at most 2 decimals, as a string or a number",
        "anyOf": [
            {
                "type": "string",
                "pattern": r"^((?=.*[1-9])[0-9]{1,6}(\.[0-9]{1,2})?|1000000(\.0{1,2})?)$",
            },
            {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": MAX_QTY // QTY_ONE,
                "multipleOf": 0.01,
            },
        ],
    },
    Rate: _decimal(
        "A fee rate from 0 to 0.25", _RATE, low=0, high=MAX_RATE / PRICE_ONE, decimals=4, open=False
    ),
    Tick: {"description": "Dollars, as a string or a number", "enum": _TICKS},
    Share: _decimal("Dollars from 0 to 1", _SHARE, low=0, high=1, decimals=4, open=False),
    Credit: {
        "description": "Dollars from 0 to 1 000 000 000; at most 6 decimals",
        "anyOf": [
            {"type": "string", "pattern": rf"^([0-9]{{1,9}}(\.[0-9]{{1,6}})?|{_MOST})$"},
            {
                "type": "number",
                "minimum": 0,
                "maximum": MAX_TRANSFER // MONEY_ONE,
                "multipleOf": 0.000001,
            },
        ],
    },
    TransferAmount: {
        "description": "Dollars of either sign but not 0; at most 6 decimals, as a string or a "
        "number. One transfer moves at most 1 000 000 000",
        "anyOf": [
            {
                "type": "string",
                "pattern": rf"^-?((?=.*[1-9])[0-9]{{1,9}}(\.[0-9]{{1,6}})?|{_MOST})$",
            },
            {
                "type": "number",
                "minimum": -MAX_TRANSFER // MONEY_ONE,
                "maximum": MAX_TRANSFER // MONEY_ONE,
                "multipleOf": 0.000001,
                "not": {"const": 0},
            },
        ],
    },
    Time: {
        "description": "RFC 3339 with an offset",
        "type": "string",
        "format": "date-time",
        "pattern": "^(19[89]|[2-8][0-9]{2})",
    },
}  # fmt: skip
"""The spellings that are promised; the reader takes a few more, such as 5e-1."""


def _given(name: str) -> Schema:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _absent(name: str) -> Schema:
    return {"properties": {name: {"type": "null"}}}


def _is(name: str, *values: object) -> Schema:
    return {"required": [name], "properties": {name: {"enum": list(values)}}}


_AT_ONCE_OR_DEFAULT: Schema = {"properties": {"timeInForce": {"enum": ["IOC", "FOK", None]}}}
_ONE_TIME: Schema = {"if": _given("after"), "then": _absent("effectiveAt")}

RULES: dict[type[Request], list[Schema]] = {
    PlaceOrderRequest: [
        {
            "if": _is("type", "LIMIT"),
            "then": {"allOf": [_given("price"), _absent("maxSlippage")]},
            "else": {"allOf": [_absent("price"), _AT_ONCE_OR_DEFAULT]},
        },
        {
            "if": _is("timeInForce", "GTD"),
            "then": _given("expiresAt"),
            "else": _absent("expiresAt"),
        },
        {
            "if": _is("postOnly", True),
            "then": {
                "properties": {
                    "type": {"const": "LIMIT"},
                    "timeInForce": {"enum": ["GTC", "GTD", None]},
                }
            },
        },
    ],
    ResolveMarketRequest: [
        {
            "if": _is("outcome", "SCALAR"),
            "then": _given("settlementPrice"),
            "else": _absent("settlementPrice"),
        },
        _ONE_TIME,
    ],
    ResolveEventRequest: [
        {"if": _given("outcome"), "then": _absent("weights"), "else": _given("weights")},
        {"properties": {"weights": {"description": "Prices by market or NONE that add up to 1"}}},
        _ONE_TIME,
    ],
    **{
        kind: [{"properties": {"tags": {"uniqueItems": True}}}]
        for kind in (
            CreateMarketRequest,
            UpdateMarketRequest,
            CreateEventRequest,
            UpdateEventRequest,
        )
    },
    UpdateMeRequest: [{"anyOf": [_given("fullName"), _given("displayName")]}],
    UpdateUserRequest: [{"anyOf": [_given("role"), _given("disabled")]}],
    ApiKeyRequest: [{"properties": {"scopes": {"uniqueItems": True}}}],
    # A malformed element is an error of that order alone, so the document requires only objects.
    ImportRequest: [
        {"anyOf": [_given("markets"), _given("events")]},
        {
            "properties": {
                name: {"items": {"$ref": REF.format(name=kind.__name__)}}
                for name, kind in (("markets", CreateMarketRequest), ("events", CreateEventRequest))
            }
        },
    ],
    MoveClock: [{"if": _given("advance"), "then": _absent("set"), "else": _given("set")}],
    BatchRequest: [
        {
            "properties": {
                "orders": {
                    "items": {
                        "type": "object",
                        "description": "Each a PlaceOrderRequest, read on its own",
                    }
                }
            }
        }
    ],
    TransferRequest: [
        {
            "if": _given("userId"),
            "then": _absent("email"),
            "else": _given("email"),
        }
    ],
}
"""The rules between fields, as ``problems()`` of a request checks them."""


def components(kinds: Iterable[object]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return each type's schema, and the named schemas that they refer to."""
    wanted = list(kinds)
    shown, named = msgspec.json.schema_components(wanted, schema_hook=_special, ref_template=REF)
    named |= {kind.__name__: schema for kind, schema in AMOUNTS.items()}
    for kind, rules in RULES.items():
        if kind.__name__ in named:
            named[kind.__name__]["allOf"] = rules
    for name, schema in named.items():
        if schema.get("title") == name:
            del schema["title"]
        if not schema.get("additionalProperties", True):
            continue
        for key, field in schema.get("properties", {}).items():
            _moment(key, field)
    return [_spelled(schema) for schema in shown], {
        name: _spelled(schema) for name, schema in sorted(named.items())
    }


def pattern(text: str) -> str:
    r"""Convert one of our patterns to JSON Schema, where a final $ matches no newline."""
    return text.replace(r"\Z", "$")


def _special(kind: type) -> Schema:
    if kind not in AMOUNTS:
        raise NotImplementedError(kind)
    return {"$ref": REF.format(name=kind.__name__)}


def _moment(name: str, field: Schema) -> None:
    """Mark an answer's plain string as a time."""
    for one in (field, *field.get("anyOf", ())):
        if name.endswith("At") and one.get("type") == "string":
            one["format"] = "date-time"


def _spelled(value: Any) -> Any:  # noqa: ANN401 -- JSON, as deep as it goes
    if isinstance(value, dict):
        first, *others = value.get("prefixItems", [None])
        if first is not None and all(other == first for other in others):  # a [price, qty]
            value = {"type": "array", "items": first, "minItems": 2, "maxItems": 2}
        return {
            key: pattern(inner) if key == "pattern" and isinstance(inner, str) else _spelled(inner)
            for key, inner in value.items()
            if not (key == "default" and inner is None)  # absent and null are the same
        }
    if isinstance(value, list):
        return [_spelled(inner) for inner in value]
    return value
