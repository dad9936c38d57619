"""A repeated field is detected, however its name and its value are spelled."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.contracts.orders import BatchRequest, PlaceOrderRequest
from predmarket.contracts.realtime import ClientMessage
from predmarket.contracts.requests import Invalid, Request, decode
from predmarket.server.gateway.realtime import decoding
from tests.support.cost import is_linear

REQUIRED = {
    "marketId": ('"rain"', '"what:ever"'),
    "side": ('"BUY"',),
    "type": ('"LIMIT"',),
    "price": ('"0.50"', "0.5"),
    "qty": ('"1"', "2"),
}
OPTIONAL = {
    "clientOrderId": ('"a:b::c"', '"plain"', "null"),
    "postOnly": ("true", "false", "null"),
    "timeInForce": ('"GTC"', "null"),
    "deadline": ('"2030-01-01T00:00:00Z"', "null"),
}


def spelled(rng: random.Random, name: str) -> str:
    """Return a field's name and colon; the name may be escaped, with a blank before the colon."""
    if rng.random() < 0.2:
        name = f"\\u{ord(name[0]):04x}{name[1:]}"
    return f'"{name}"{rng.choice(("", " "))}:'


@given(st.randoms(use_true_random=False), st.integers(0, 3), st.integers(0, 2))
def test_each_repeated_name_is_named(rng: random.Random, more: int, twice: int) -> None:
    """The errors name each repeated field and no other: a colon in a value is no repeat."""
    values = REQUIRED | OPTIONAL
    names = [*REQUIRED, *rng.sample(sorted(OPTIONAL), more)]
    repeated = rng.sample(names, twice)
    given_names = [*names, *repeated]
    rng.shuffle(given_names)
    body = ",".join(spelled(rng, name) + rng.choice(values[name]) for name in given_names)
    raw = f"{{{body}}}".encode()
    if not repeated:
        decode(raw, PlaceOrderRequest)
        return
    found = refused(raw, PlaceOrderRequest)
    assert sorted(found) == sorted((name, "is given more than once") for name in repeated)


ORDER = b'"marketId":1,"side":"BUY","type":"LIMIT","price":"0.5","qty":"1"'


def refused(raw: bytes, kind: type[Request]) -> list[tuple[str, str]]:
    """Return the problems in the refusal of a body."""
    with pytest.raises(Invalid) as invalid:
        decode(raw, kind)
    return [(problem.path, problem.message) for problem in invalid.value.problems]


def test_repeated_names_cost_linear_time() -> None:
    """Decoding takes linear time for repeated names in an order and in a socket's message."""

    def order(size: int) -> None:
        refused(b"{" + b'"side":"BUY",' * size + ORDER + b"}", PlaceOrderRequest)

    def message(size: int) -> None:
        with pytest.raises(Invalid):
            decoding.read(b"{" + b'"type":"","data":1,' * size + b'"type":""}')

    assert is_linear(order, 1_000)
    assert is_linear(message, 1_000)


@pytest.mark.parametrize(
    "values", [(b"[1]", b"[2]"), (b"[1]", b"[1]"), (b"{}", b"1"), (b"1", b"12")]
)
def test_names_within_values_are_not_compared(values: tuple[bytes, bytes]) -> None:
    """A repeated field is found whatever its values hold; names within a value are not compared."""
    again = [("data", "is given more than once")]
    for first, second in (values, values[::-1]):
        raw = b'{"data":%b,"type":"x","data":%b}' % (first, second)
        assert refused(raw, ClientMessage) == again
    raw = b'{ "\\u0064ata" : {"data":[{"type":1}],"a":"}\\"{"} , "type" : "x" }'
    assert decode(raw, ClientMessage).type == "x"


@pytest.mark.parametrize("depth", [*range(900, 1_010, 1), 30_000])
def test_a_body_of_any_depth_is_refused(depth: int) -> None:
    """A body of any depth gets a refusal, never the interpreter's recursion error."""
    value = b"[" * depth + b"]" * depth
    for raw, kind in (
        (b'{"orders":%b,"orders":%b}' % (value, value), BatchRequest),
        (b'{"orders":[%b],"\\u006frders":[1]}' % value, BatchRequest),
        (b'{"price":%b,"price":1}' % value, PlaceOrderRequest),
        (b'{"type":"x","type":"x","data":%b}' % value, ClientMessage),
        (b'{"data":%b,"type":"x","data":1}' % value, ClientMessage),
    ):
        assert refused(raw, kind)
