"""A field given twice is found, however its name and its value are spelled."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.contracts.orders import PlaceOrderRequest
from predmarket.contracts.requests import Invalid, decode

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
    with pytest.raises(Invalid) as refused:
        decode(raw, PlaceOrderRequest)
    found = [(problem.path, problem.message) for problem in refused.value.problems]
    assert sorted(found) == sorted((name, "is given more than once") for name in repeated)
