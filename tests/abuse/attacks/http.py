"""Attacks on HTTP parsing by an anonymous client: long texts, pipelines, header floods."""

import asyncio

from tests.abuse.assault import Assault, Attack, Run
from tests.abuse.wire import request

PIECE = 60_000
"""Size of a text that fits into a request's head, in bytes."""
LINES = 5
"""Connections that send such text at once. The victim waits this many times the cost of one."""


def path_of(text: str) -> Run:
    """Return an attack by the path of a request, which the server parses, routes and logs."""

    async def run(assault: Assault) -> None:
        await assault.repeat(request("GET", "/" + text), lines=LINES)

    return run


def header_of(name: str, *values: str, path: str = "/v1/markets") -> Run:
    """Return an attack by one header, or by many headers with one name."""

    async def run(assault: Assault) -> None:
        lines = "".join(f"{name}: {value}\r\n" for value in values)
        head = f"GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"
        await assault.repeat(head.encode("latin-1"), lines=LINES)

    return run


async def _calm(assault: Assault) -> None:
    """Send nothing: the baseline of the victim's latency on this machine."""
    await asyncio.sleep(assault.left)


async def _pipelined(assault: Assault) -> None:
    """Send requests without end on a few connections and read no answer."""
    await _pipe(assault, b"GET /x HTTP/1.1\r\nHost: a\r\n", 12, 200_000)


async def _pipelined_upgrades(assault: Assault) -> None:
    """Send requests that each ask for an unknown protocol upgrade."""
    asked = b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n"
    await _pipe(assault, asked, 4, 40_000)


async def _pipe(assault: Assault, head: bytes, lines: int, size: int) -> None:
    piece = head + b"\r\n"
    count = size // len(piece)
    opened = [line for _ in range(lines) if (line := await assault.line()) is not None]
    for line in opened:
        await line.push(piece * count, 5, count)
    for line in opened:
        await line.drain(max(0.05, assault.left / lines))


async def _pipelined_orders(assault: Assault) -> None:
    """Send hundreds of orders in one write, then reset the connection before their answers."""
    order = b'{"marketId":"deep","side":"BUY","type":"LIMIT","price":"0.01","qty":"0.01"}'
    data = assault.request("POST", "/v1/orders", order, "mallory")
    while assault.going:
        line = await assault.line()
        if line is None:
            return
        await line.push(data * 200, 5, 200)
        line.close(reset=True)


async def _churn(assault: Assault) -> None:
    """Open connections and abandon them."""
    while assault.going:
        line = await assault.line()
        if line is not None:
            await line.send(b"GET / HTTP")
            line.close(reset=True)


async def _chunks(assault: Assault) -> None:
    """Send a body in chunks of one byte for as long as the server reads it."""
    head = b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    head += f"Authorization: {assault.bearer('mallory')}\r\n".encode()
    head += b"Content-Type: application/json\r\n\r\n"
    while assault.going:
        line = await assault.line()
        if line is None:
            return
        await line.push(head + b"1\r\n \r\n" * 150_000, 5)
        await line.answer(5)
        line.close()


async def _chunk_extensions(assault: Assault) -> None:
    """Send a chunk whose extension never ends."""
    head = b"POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;"
    while assault.going:
        line = await assault.line()
        if line is None:
            return
        await line.push(head, 5)
        while await line.push(b"a=" * 30_000, 1) and assault.left:
            continue
        line.close()


async def _zipped(assault: Assault) -> None:
    """Send a body that is declared as compressed: 1 KiB decompresses to 1 MiB of zeros."""
    import zlib

    body = zlib.compress(b" " * 1_000_000)
    data = request("POST", "/v1/auth/login", body, content_encoding="deflate")
    await assault.repeat(data, lines=2)


async def _multipart(assault: Assault) -> None:
    """Send a multipart form with a thousand parts to a route that expects JSON."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    kind = "multipart/form-data; boundary=x"
    data = request("POST", "/v1/auth/login", part * 1_000 + b"--x--", content_type=kind)
    await assault.repeat(data, lines=2)


_JUNK = "x" * 500

CALM = Attack("calm", "nobody attacks", _calm, 0.4)
ATTACKS = [
    CALM,
    Attack("url-schemes", "GET / and 10 000 times ://a:", path_of("://a:" * 10_000)),
    Attack("url-slashes", "GET / and 60 KB of ://", path_of("://" * (PIECE // 3)), short=False),
    Attack(
        "url-tokens", "GET / and 60 KB of token=", short=False, run=path_of("token=" * (PIECE // 6))
    ),
    Attack(
        "url-words", "GET / and 60 KB of letters and _", path_of("a_" * (PIECE // 2)), short=False
    ),
    Attack("url-jwt", "GET / and 60 KB of eyJ-", path_of("eyJ-" * (PIECE // 4)), short=False),
    Attack(
        "url-escapes", "GET / and 60 KB of %2e%2f", path_of("%2e%2f" * (PIECE // 6)), short=False
    ),
    Attack("url-folders", "GET / and 60 KB of a/", path_of("a/" * (PIECE // 2)), short=False),
    Attack("query-names", "a query of 30 000 times &a", path_of("v1/markets?a" + "&a" * 29_900)),
    Attack(
        "query-distinct",
        "a query of 10 000 names",
        short=False,
        run=path_of("v1/markets?" + "&".join(f"{n:x}" for n in range(11_000))),
    ),
    Attack("cookies", "60 KB of ; in a cookie", header_of("Cookie", ";" * PIECE)),
    Attack(
        "cookie-names",
        "100 cookies of 600 bytes",
        short=False,
        run=header_of("Cookie", *["a=;" * 200] * 99),
    ),
    Attack(
        "hops",
        "X-Forwarded-For of 6 000 trusted hops",
        header_of("X-Forwarded-For", ",".join(["127.0.0.1"] * 6_000)),
        short=False,
    ),
    Attack(
        "languages", "an Accept of 60 KB", header_of("Accept", "a/b;q=0.1," * 6_000), short=False
    ),
    Attack("host", "a Host of 60 KB", header_of("Host", "a" * PIECE), short=False),
    Attack(
        "header-flood", "99 headers of 600 bytes", header_of("X-Junk", *[_JUNK] * 98), short=False
    ),
    Attack(
        "request-id", "a request id of 60 KB", header_of("X-Request-Id", "-" * PIECE), short=False
    ),
    Attack("pipelined", "12 connections, 200 KB of GET /x each", _pipelined, 0.4),
    Attack("pipelined-upgrades", "600 pipelined Upgrade: x", _pipelined_upgrades, 0.4),
    Attack("pipelined-orders", "200 orders in one piece, then a reset", _pipelined_orders),
    Attack("churn", "connections thrown away as fast as they open", _churn),
    Attack("chunks", "a body in 150 000 chunks of one byte", _chunks, short=False),
    Attack("chunk-extension", "a chunk's extension without end", _chunk_extensions, short=False),
    Attack("zipped", "a body that says it is compressed", _zipped, short=False),
    Attack("multipart", "a form of 1 000 parts", _multipart, short=False),
]
