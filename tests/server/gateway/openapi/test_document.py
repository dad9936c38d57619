"""The OpenAPI document is valid and complete and matches the routes, also those added later."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs  # exact with decimals, like the product; schemathesis installs it
import msgspec
import pytest
from litestar import Litestar
from schemathesis.specs.openapi.definitions import OPENAPI_31

from predmarket.contracts.accounts import TransferRequest
from predmarket.contracts.errors import STATUS, ErrorBody
from predmarket.contracts.operations import MoveClock
from predmarket.contracts.orders import BatchAnswer, PlaceOrderRequest
from predmarket.contracts.requests import Invalid, Request, decode
from predmarket.contracts.seasons import SeasonRequest
from predmarket.engine.commands import PlaceOrder
from predmarket.engine.market import Market
from predmarket.engine.preview import Copy
from predmarket.engine.replies import Refused
from predmarket.enums import ErrorCode, OrderType, Side, TimeInForce
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.app import ROUTERS
from predmarket.server.gateway.openapi.document import Operation, document, operations
from predmarket.server.gateway.openapi.examples import EXAMPLES
from predmarket.server.gateway.openapi.links import LINKS
from predmarket.server.gateway.openapi.schemas import pattern
from predmarket.server.gateway.openapi.texts import TAGS

Json = dict[str, Any]

APP = Litestar(ROUTERS, request_class=ApiRequest, openapi_config=None)
DOCUMENT = document(APP)
OPERATIONS = operations(APP)


def every(value: object) -> Iterator[Json]:
    """Yield each object within a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from every(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from every(inner)


def shown(operation: Operation) -> Json:
    """Return an operation's entry in the document."""
    found: Json = DOCUMENT["paths"][operation.path][operation.method]
    return found


def resolved(value: Json) -> Json:
    """Resolve a reference."""
    while "$ref" in value:
        found: Any = DOCUMENT
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def test_it_is_openapi_3_1() -> None:
    """The document fits the specification's schema, and each of its schemas is valid."""
    jsonschema_rs.Draft202012Validator(OPENAPI_31).validate(DOCUMENT)
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_reference_leads_somewhere() -> None:
    """Every reference resolves, and every link names an operation."""
    ids = {shown(one)["operationId"] for one in OPERATIONS}
    assert len(ids) == len(OPERATIONS)
    for value in every(DOCUMENT):
        resolved(value)
        for link in value.get("links", {}).values() if isinstance(value.get("links"), dict) else ():
            assert link["operationId"] in ids


def test_every_link_of_the_table_is_followed() -> None:
    """Every link in the table names an existing handler."""
    names = {one.name for one in OPERATIONS}
    assert {link.to for links in LINKS.values() for link in links} <= names


def test_patterns_are_those_of_json_schema() -> None:
    """No pattern contains an anchor that only Python has."""
    for value in every(DOCUMENT):
        assert r"\Z" not in str(value.get("pattern", ""))
    assert pattern(r"^a\Z") == "^a$"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_a_route_documents_itself(operation: Operation) -> None:
    """A route has notes on its errors, a summary, a known tag and described parameters."""
    assert operation.notes is not None, "give it opt=notes(...)"
    found = shown(operation)
    assert found["summary"]
    assert len(found["tags"]) == 1
    assert found["tags"][0] in TAGS, "describe the tag in openapi/texts.py"
    for parameter in found.get("parameters", []):
        assert parameter["description"], f"describe {parameter['name']}"
    for body in (found.get("requestBody"), *found["responses"].values()):
        for media, content in resolved(body or {}).get("content", {}).items():
            assert (
                "json" not in media
                or {"example", "examples"} & set(content)
                or (content["schema"] == {"type": "object"})
            ), "give its contract an example in openapi/examples.py"


def test_the_example_of_a_refusal_is_the_engines() -> None:
    """The example of a refusal has the engine's message and details for a price off the tick."""
    copy = Copy(0, 1, Market(1, "m", tick=100, maker_rate=0, taker_rate=0))
    copy.fund(1_000_000, 0, 0, 0)
    refused = copy.place(PlaceOrder(1, 1, Side.BUY, OrderType.LIMIT, 4_150, 100, TimeInForce.GTC))
    answer = msgspec.convert(EXAMPLES[BatchAnswer], BatchAnswer)
    example = answer.results[1].error
    assert isinstance(refused, Refused)
    assert example == ErrorBody(refused.code, refused.message, refused.details or {})


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_every_error_is_in_the_envelope(operation: Operation) -> None:
    """Every error code is documented under its status in the table."""
    codes: set[ErrorCode] = set()
    for status, answer in shown(operation)["responses"].items():
        content = resolved(answer).get("content", {}).get("application/json", {})
        for code in content.get("examples", {}):
            assert STATUS[ErrorCode(code)] == int(status)
            codes.add(ErrorCode(code))
    overridden = set(operation.notes.answers) if operation.notes else set()
    assert codes == {code for code in operation.codes if STATUS[code] not in overridden}


def test_examples_fit_their_schemas() -> None:
    """Each example fits its schema, and each example of a request is accepted."""
    schemas = DOCUMENT["components"]["schemas"]
    for kind, example in EXAMPLES.items():
        if kind.__name__ in schemas:
            within = {**schemas[kind.__name__], "components": DOCUMENT["components"]}
            jsonschema_rs.validate(within, example)
        if issubclass(kind, Request):
            decode(msgspec.json.encode(example), kind)


def accepted(body: Json, kind: type[Request]) -> tuple[bool, bool]:
    """Tell whether a body is accepted by a contract's schema, and by decoding it."""
    reference = f"#/components/schemas/{kind.__name__}"
    schema = {"$ref": reference, "components": DOCUMENT["components"]}
    try:
        decode(msgspec.json.encode(body), kind)
    except Invalid:
        return jsonschema_rs.is_valid(schema, body), False
    return jsonschema_rs.is_valid(schema, body), True


ORDER: Json = {"marketId": 1, "side": "BUY", "type": "LIMIT", "price": "0.5", "qty": 1}


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"price": 0.3, "qty": 0.29}, True),
        ({"price": "0"}, False),
        ({"price": 0}, False),
        ({"price": 1}, False),
        ({"price": "1"}, False),
        ({"price": 0.12345}, False),
        ({"price": "0.5\n"}, False),
        ({"price": None}, False),
        ({"qty": "0.00"}, False),
        ({"qty": "1000000"}, True),
        ({"qty": "1000000.00"}, True),
        ({"qty": "1000000.01"}, False),
        ({"qty": 1000000.5}, False),
        ({"maxSlippage": "0.1"}, False),
        ({"timeInForce": "GTD"}, False),
        ({"timeInForce": "GTD", "expiresAt": "2999-01-01T00:00:00Z"}, True),
        ({"expiresAt": "2999-01-01T00:00:00Z"}, False),
        ({"postOnly": True, "timeInForce": "IOC"}, False),
        ({"type": "MARKET", "price": None, "maxSlippage": "0.1"}, True),
        ({"type": "MARKET"}, False),
        ({"other": 1}, False),
    ],
)
def test_the_schema_of_an_order_says_what_decoding_does(change: Json, fits: bool) -> None:
    """The schema of an order accepts exactly the bodies that decoding accepts."""
    assert accepted(ORDER | change, PlaceOrderRequest) == (fits, fits)


@pytest.mark.parametrize("amount", ["1000000000", "1000000000.000000", "-1000000000.000000"])
def test_the_most_that_can_be_moved_fits(amount: str) -> None:
    """The schemas accept the largest amounts, also as the API spells them."""
    body = {"userId": 1, "reason": "gift", "amount": amount}
    assert accepted(body, TransferRequest) == (True, True)
    assert accepted({"name": "May", "credit": amount.lstrip("-")}, SeasonRequest) == (True, True)


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"advance": "1.5h"}, True),
        ({"set": "2999-01-01T00:00:00Z", "advance": None}, True),
        ({"set": "2999-01-01T00:00:00Z", "advance": "3h"}, False),
        ({"advance": "0s"}, False),
        ({"advance": "soon"}, False),
        ({"advance": None}, False),
        ({}, False),
    ],
)
def test_the_schema_of_a_clock_says_what_decoding_does(body: Json, fits: bool) -> None:
    """The schema of moving the clock accepts exactly the bodies that decoding accepts."""
    assert accepted(body, MoveClock) == (fits, fits)


def test_bounds_of_parameters_are_documented() -> None:
    """The document states the bounds of parameters that Litestar enforces."""
    found = DOCUMENT["paths"]["/v1/markets"]["get"]["parameters"]
    parameters = {one["name"]: one["schema"] for one in found}
    assert parameters["limit"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    assert parameters["q"]["maxLength"] == 500
    assert parameters["status"]["enum"]
