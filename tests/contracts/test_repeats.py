"""A field given twice is found, however its name and its value are spelled."""

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
    """Return a pair of an object; the name may be escaped and stand apart from its colon."""
    if rng.random() < 0.2:
        name = f"\\u{ord(name[0]):04x}{name[1:]}"
    return f'"{name}"{rng.choice(("", " "))}:'


@given(st.randoms(use_true_random=False), st.integers(0, 3), st.integers(0, 2))
def test_each_repeated_name_is_named(rng: random.Random, more: int, twice: int) -> None:
    """And nothing else: a colon within a value, a null or an escape is no repeat."""
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
    """Return what is said of a body that is refused."""
    with pytest.raises(Invalid) as invalid:
        decode(raw, kind)
    return [(problem.path, problem.message) for problem in invalid.value.problems]


def test_a_name_that_comes_again_and_again_costs_linear_time() -> None:
    """In an order's body and in a socket's message."""

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
def test_values_of_values_are_passed_over(values: tuple[bytes, bytes]) -> None:
    """Whichever of two stands first, and whatever names stand within."""
    again = [("data", "is given more than once")]
    for first, second in (values, values[::-1]):
        raw = b'{"data":%b,"type":"x","data":%b}' % (first, second)
        assert refused(raw, ClientMessage) == again
    raw = b'{ "\\u0064ata" : {"data":[{"type":1}],"a":"}\\"{"} , "type" : "x" }'
    assert decode(raw, ClientMessage).type == "x"


@pytest.mark.parametrize("depth", [*range(900, 1_010, 1), 30_000])
def test_any_depth_is_an_answer(depth: int) -> None:
    """Never an error of the interpreter's, however much of its stack is in use."""
    value = b"[" * depth + b"]" * depth
    for raw, kind in (
        (b'{"orders":%b,"orders":%b}' % (value, value), BatchRequest),
        (b'{"orders":[%b],"\\u006frders":[1]}' % value, BatchRequest),
        (b'{"price":%b,"price":1}' % value, PlaceOrderRequest),
        (b'{"type":"x","type":"x","data":%b}' % value, ClientMessage),
        (b'{"data":%b,"type":"x","data":1}' % value, ClientMessage),
    ):
        assert refused(raw, kind)
