"""Attacks by the content of a body or message: repeated names, nesting, endless digits."""

import asyncio

from tests.abuse.assault import Assault, Attack, Run
from tests.abuse.wire import frame

_BODY = 60_000
"""Size of an order's body that the server still reads, in bytes."""
_MESSAGE = 64_000
_ORDER = b'"marketId":"quiet","side":"BUY","type":"LIMIT","price":"0.01","qty":"1"'


def order_of(body: bytes, path: str = "/v1/orders") -> Run:
    """Return an attack that sends this body as a user's order."""

    async def run(assault: Assault) -> None:
        await assault.repeat(assault.request("POST", path, body, "mallory"), lines=4, at_once=4)

    return run


def message_of(*messages: bytes, user: str | None = None) -> Run:
    """Return an attack that sends this message on sockets for as long as the server accepts any."""
    data = b"".join(frame(message) for message in messages)

    async def run(assault: Assault) -> None:
        async def one() -> None:
            line = None
            while assault.going:
                if line is None or line.closed:
                    line = await assault.socket(user)
                    if line is None:
                        return
                await line.push(data, 5, len(messages))
                await line.drain(0.01)

        await asyncio.gather(*(one() for _ in range(4)))

    return run


def nested(depth: int, *, name: bytes = b"a", end: bytes = b"1") -> bytes:
    """Return an object nested this many levels deep."""
    return b'{"%b":' % name * depth + end + b"}" * depth


def _batch(order: bytes) -> bytes:
    return b'{"orders":[' + b",".join([order] * 100) + b"]}"


def _distinct(size: int) -> bytes:
    return b",".join(b'"%x":1' % n for n in range(size // 9))


_TWICE = b'"type":"LIMIT",'
_DIGITS = b'{"marketId":%b,"side":"BUY","type":"LIMIT","price":"0.01","qty":%b}'

ATTACKS = [
    Attack(
        "message-names",
        "64 KB messages of repeated names",
        message_of(b"{" + b'"type":"","data":1,' * (_MESSAGE // 19) + b'"type":"pong"}'),
    ),
    Attack(
        "message-distinct",
        "64 KB messages of 7 000 names",
        message_of(b'{"type":"pong",' + _distinct(_MESSAGE) + b"}"),
        short=False,
    ),
    Attack(
        "message-escapes",
        "64 KB messages of escaped names",
        message_of(b'{"type":"pong",' + b'"\\u0061":1,' * (_MESSAGE // 12) + b'"data":1}'),
        short=False,
    ),
    Attack(
        "message-nesting",
        "messages nested 960 to 995 deep",
        message_of(
            *(
                b'{"type":"pong","type":"pong","data":' + nested(depth, name=b"\\u0061") + b"}"
                for depth in range(960, 1_000, 2)
            )
        ),
        short=False,
    ),
    Attack(
        "message-digits",
        "messages of 60 000 digits",
        message_of(
            b'{"type":"order.cancel","data":{"orderId":' + b"9" * 60_000 + b"}}", user="mallory"
        ),
        short=False,
    ),
    Attack(
        "message-topics",
        "messages of 6 000 topics without a name",
        message_of(
            b'{"type":"subscribe","data":{"topics":[' + b",".join([b'""'] * 20_000) + b"]}}"
        ),
        short=False,
    ),
    Attack(
        "message-binary", "64 KB of what is not UTF-8", message_of(b"\xff" * _MESSAGE), short=False
    ),
    Attack(
        "order-names",
        "orders of 4 000 repeated names",
        order_of(b"{" + _TWICE * (_BODY // 15) + _ORDER + b"}"),
    ),
    Attack(
        "order-distinct",
        "orders of 6 600 unknown names",
        order_of(b"{" + _distinct(_BODY) + b"," + _ORDER + b"}"),
        short=False,
    ),
    Attack(
        "order-escapes",
        "orders of 3 000 escaped names",
        order_of(b"{" + b'"t\\u0079pe":"LIMIT",' * (_BODY // 20) + _ORDER + b"}"),
        short=False,
    ),
    Attack(
        "order-nesting",
        "orders nested 970 to 995 deep",
        order_of(b'{"deadline":' + nested(985) + b"," + _ORDER + b',"type":"LIMIT"}'),
        short=False,
    ),
    Attack("order-brackets", "orders of 60 000 brackets", order_of(b"[" * _BODY), short=False),
    Attack(
        "order-digits",
        "orders of 50 000 digits",
        order_of(_DIGITS % (b"9" * 25_000, b"9" * 25_000)),
        short=False,
    ),
    Attack(
        "order-exponent",
        "orders of 1e999999999",
        order_of(_DIGITS % (b"1", b"1e999999999")),
        short=False,
    ),
    Attack(
        "order-decimals",
        "orders of 60 decimals",
        order_of(_DIGITS % (b"1", b'"0.' + b"0" * 58 + b'1"')),
        short=False,
    ),
    Attack(
        "order-spaces",
        "an order and 60 000 spaces",
        order_of(b"{" + b" " * _BODY + _ORDER + b"}"),
        short=False,
    ),
    Attack(
        "batch-names",
        "batches of 100 orders of repeated names",
        order_of(_batch(b"{" + _TWICE * 150 + _ORDER + b"}"), "/v1/orders/batch"),
    ),
    Attack(
        "batch-outer",
        "batches that repeat their own name",
        order_of(
            b"{" + b'"orders":[],' * 20_000 + b'"orders":[{' + _ORDER + b"}]}", "/v1/orders/batch"
        ),
        short=False,
    ),
    Attack(
        "batch-empty",
        "batches of 100 empty orders",
        order_of(_batch(b"{}"), "/v1/orders/batch"),
        short=False,
    ),
    Attack(
        "batch-nesting",
        "batches nested 985 deep",
        order_of(b'{"orders":[' + nested(985) + b'],"orders":[]}', "/v1/orders/batch"),
        short=False,
    ),
    Attack(
        "price-forms",
        "orders at 9 000 spellings of a price",
        short=False,
        run=order_of(
            _batch(
                b"{" + _ORDER.replace(b'"0.01"', b'"0.010000000000000000000000000000001"') + b"}"
            ),
            "/v1/orders/batch",
        ),
    ),
]
