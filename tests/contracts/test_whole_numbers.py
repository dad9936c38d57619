"""A whole number may have a decimal point, as in JSON Schema; nothing else changes."""

import pytest

from predmarket.contracts.orders import CancelAfterRequest, PlaceOrderRequest
from predmarket.contracts.realtime import CancelOrderMessage, Resume
from predmarket.contracts.requests import Invalid, Request, decode


@pytest.mark.parametrize(
    ("raw", "kind", "plain"),
    [
        ('{"seconds": 60.0}', CancelAfterRequest, '{"seconds": 60}'),
        ('{"seconds":0.000}', CancelAfterRequest, '{"seconds":0}'),
        ('{"orderId":7.0}', CancelOrderMessage, '{"orderId":7}'),
        ('{"topic":"1.0","lastSeq":2.0}', Resume, '{"topic":"1.0","lastSeq":2}'),
        ('{"topic":"a\\"1.0","lastSeq":2.0}', Resume, '{"topic":"a\\"1.0","lastSeq":2}'),
        (
            '{"marketId":1.0,"side":"BUY","type":"LIMIT","qty":2.0,"price":0.50}',
            PlaceOrderRequest,
            '{"marketId":1,"side":"BUY","type":"LIMIT","qty":2,"price":0.5}',
        ),
    ],
)
def test_a_decimal_point_in_a_whole_number(raw: str, kind: type[Request], plain: str) -> None:
    """An integer with a decimal point is read as the integer; a string stays unchanged."""
    assert decode(raw.encode(), kind) == decode(plain.encode(), kind)


@pytest.mark.parametrize(
    "value", ["60.5", "60.0.0", '"60".0', "6.0e1.0", ".0", "60.", "06.0", "-1.0", '"60.0"']
)
def test_fractions_are_refused(value: str) -> None:
    """A number with a fraction is refused, and malformed JSON stays malformed."""
    with pytest.raises(Invalid):
        decode(f'{{"seconds":{value}}}'.encode(), CancelAfterRequest)


def test_a_repeat_is_still_found() -> None:
    """A repeated field is found in a body that was decoded twice."""
    with pytest.raises(Invalid, match="more than once"):
        decode(b'{"seconds":60.0,"seconds":60.0}', CancelAfterRequest)
