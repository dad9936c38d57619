"""The fast path and the ordinary path give the same answers to orders.

Two exchanges get the same bytes in the same order, one of them without its fast path. Each answer
must be the same in status, headers and body, and so must be the users' final holdings. The answers
contain the order ids and so depend on all earlier effects.
"""

import asyncio
import json
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from predmarket.server.gateway.app import Application
from predmarket.server.gateway.auth import passwords
from predmarket.server.gateway.protocol.order_fast_path import Cycle, OrderFastPath, Running
from predmarket.server.process import runtime
from predmarket.server.settings import Settings
from predmarket.testing.serving import serving
from tests.support.http_exchange import PASSWORD, Json

EXAMPLES = 300
SIDES = ("fast", "ordinary")
OWN = ("date", "x-request-id")
TIMES = ("createdAt", "updatedAt")

VALUES: dict[str, list[str]] = {
    "marketId": ['"rain"', "1", '"1"', '"snow"', "1.0", "null", '""', "9" * 40, "[1]", "true"],
    "side": ['"BUY"', '"SELL"', '"buy"', "1", "null", '"\\u0042UY"'],
    "type": ['"LIMIT"', '"MARKET"', '"STOP"', "{}"],
    "qty": ['"1"', "1", "2.50", '"0"', "1e2", "1e999999999", '"1e-9"', "-1", '"x"', "9" * 5000],
    "price": [
        '"0.5"',
        "0.45",
        "0.55",
        '"0.555"',
        "1",
        "null",
        '"0.5000"',
        "5e-1",
        '"' + "0" * 70 + '"',
    ],
    "timeInForce": ['"GTC"', '"IOC"', '"FOK"', '"GTD"', "null"],
    "expiresAt": ['"2099-01-01T00:00:00Z"', '"2001-01-01T00:00:00Z"', '"soon"', "1", "null"],
    "postOnly": ["true", "false", "null", '"true"'],
    "reduceOnly": ["true", "false", "null"],
    "maxSlippage": ['"0.05"', "0.9", "2", "null"],
    "selfTradePrevention": ['"SKIP"', '"CANCEL_MAKER"', '"CANCEL_BOTH"', '"NONE"'],
    "clientOrderId": [
        '"a"',
        '"b"',
        '"c:,{"',
        '""',
        '"' + "x" * 65 + '"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
    ],
    "deadline": ['"2099-01-01T00:00:00Z"', '"2001-01-01T00:00:00Z"', '"2099-01-01T00:00:00"'],
    "unknown": ["1", "[[[[[[]]]]]]"],
}
PLAIN = ("marketId", "side", "type", "qty", "price")
NO_OBJECT = [
    b"", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff", b"{}{}", b"\xef\xbb\xbf{}", b"[" * 2_000,
    b'{"side":' + b"[" * 990 + b"]" * 990 + b"}", b"{" + b'"side":"BUY",' * 3_000 + b'"qty":1}',
    b"{" + b",".join(b'"x%d":1' % n for n in range(50)) + b"}", b" " * 70_000,
    b'{"qty":"\xed\xa0\x80"}',
]  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw an order, mostly a valid one, with odd, missing, repeated or unknown fields."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(NO_OBJECT))
    names = [name for name in PLAIN if draw(st.integers(0, 19))]
    names += draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=3))
    odd = draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    pairs = [
        f'"{name}":{draw(st.sampled_from(VALUES[name])) if is_odd else VALUES[name][0]}'
        for name, is_odd in zip(names, odd, strict=True)
    ]
    space = draw(st.sampled_from(["", "", " ", "\n\t"]))
    return f"{{{space}{f'{space},{space}'.join(pairs)}{space}}}".encode()


LINES = [
    "content-type: application/json", "content-type: application/json; charset=utf-8",
    "content-type: text/plain", "content-type: APPLICATION/JSON", "content-type:",
    "x-request-id: mine", "x-request-id: \x7f", "origin: https://a.example", "accept: text/html",
    "cookie: predmarket_access=x", "expect: 100-continue", "connection: close", "host: y",
    "upgrade: x", "connection: upgrade", "idempotency-key: k", "content-encoding: gzip",
]  # fmt: skip
BEARERS = [
    "Bearer {token}",
    "bearer {token}",
    "Bearer  {token}",
    "Bearer x",
    "Basic x",
    "{token}",
    "",
]
TARGETS = ["/v1/orders", "/v1/orders?", "/v1/orders?x=1", "/v1/orders?x", "/v1/%6frders"]


@dataclass(frozen=True)
class Asked:
    """A request with a placeholder for its token."""

    head: str
    body: bytes
    user: int
    times: int

    def sent(self, token: str) -> bytes:
        """Return the request's bytes."""
        return self.head.replace("{token}", token).encode("latin-1") + b"\r\n\r\n" + self.body


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    """Draw a request; half of the heads are as clients send them."""
    body = draw(bodies())
    usual = draw(st.booleans())
    target, version, lines = "/v1/orders", "1.1", ["authorization: Bearer {token}"]
    if not usual:
        target = draw(st.sampled_from(TARGETS))
        version = draw(st.sampled_from(["1.1", "1.1", "1.1", "1.0"]))
        bearers = draw(st.lists(st.sampled_from(BEARERS), max_size=2))
        lines = [f"authorization: {bearer}" for bearer in bearers or BEARERS[:1]]
        lines += draw(st.lists(st.sampled_from(LINES), max_size=3))
    if draw(st.integers(0, 9)):
        lines = ["host: x", *lines]
    if not usual and version == "1.1" and draw(st.booleans()):
        lines.append("transfer-encoding: chunked")
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join([f"POST {target} HTTP/{version}", *lines])
    return Asked(head, body, draw(st.integers(1, 2)), draw(st.integers(1, 2)))


class Side:
    """One of the two exchanges, with a client."""

    def __init__(self, url: str, app: Application) -> None:
        self.host = urlsplit(url).hostname
        self.port = urlsplit(url).port
        self.app = app
        self.tokens: list[str] = []

    async def send(self, *messages: bytes) -> list[Any]:
        """Send requests one after the other on a connection; return the parts to compare."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            answers = []
            for message in messages:
                writer.write(message)
                answer = await self._answer(reader)
                answers.append(answer)
                if answer is None or answer[1].get("connection") == "close":
                    break
            return answers
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Any:  # noqa: ANN401 -- to be compared
        async with asyncio.timeout(60):
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                while " 100 " in head.partition("\r\n")[0]:
                    head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            first, *lines = head.rstrip().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
        given = headers["x-request-id"]
        if "error" in body:
            assert body["requestId"] == given
        kept = {name: value for name, value in headers.items() if name not in OWN}
        if given != "mine":
            kept.pop("content-length")  # the ids may differ in length
        kept["x-request-id"] = given if given == "mine" else "new"
        shown = {k: v for k, v in body.items() if k not in (*TIMES, "requestId")}
        return first, kept, shown, self._counted()

    async def call(self, path: str, body: Json | None, token: str = "") -> Json:
        """Make a call of the API and return its answer."""
        raw = b"" if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        lines = [f"{method} {path} HTTP/1.1", "host: x", f"content-length: {len(raw)}"]
        lines += [f"authorization: Bearer {token}"] if token else []
        ((first, _, shown, _),) = await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
        assert first.split()[1] in ("200", "201"), shown
        return dict(shown)

    def _counted(self) -> list[tuple[dict[str, str], float]]:
        """Return the counts of orders and requests by their labels."""
        found = self.app.context.services.metrics.registry.collect()
        return [
            (sample.labels, sample.value)
            for family in found
            for sample in family.samples
            if sample.name in ("order_placement_total", "http_request_duration_seconds_count")
        ]

    async def prepare(self, node: runtime.Node) -> None:
        """Create a market and two users with little money; return their tokens."""
        for name in ("boss", "ann", "bob"):
            body = {"email": f"{name}@example.com", "password": PASSWORD}
            session = await self.call("/v1/auth/register", body)
            self.tokens.append(session["accessToken"])
            if name == "boss":
                async with node.db.write() as connection:
                    await connection.execute(text("UPDATE users SET role = 'ADMIN'"))
        boss, *others = self.tokens
        await self.call("/v1/markets", {"slug": "rain", "question": "Will it?"}, boss)
        for number, token in enumerate(others, 2):
            gift = {"userId": number, "amount": "300", "reason": "test"}
            await self.call("/v1/user/transfer", gift, boss)
            await self.call("/v1/auth/me", None, token)

    async def owned(self) -> list[Any]:
        """Return the users' final orders, balances and positions."""
        paths = ("/v1/user/balance", "/v1/user/positions", "/v1/orders?limit=100")
        found = [await self.call(path, None, token) for token in self.tokens for path in paths]
        for page in found:
            for item in page.get("items", ()):
                for time in TIMES:
                    item.pop(time, None)
                page["nextCursor"] = page.get("nextCursor") is None
        return found


async def serve_two(
    folder: Path, sides: list[Side], ready: asyncio.Event, end: asyncio.Event
) -> None:
    """Serve two exchanges, each on the database in its folder, until the end of the tests."""
    async with AsyncExitStack() as stack:
        for name in SIDES:
            limits = dict.fromkeys(
                ("auth_rate_limit", "auth_window_limit", "order_rate_limit"), "off"
            )
            given = {"port": 0, "data_dir": str(folder / name), "cors_origin": "https://a.example"}
            url = f"sqlite:///{folder / name / 'predmarket.db'}"
            options = Settings.load({**given, "database_url": url, **limits})
            node = await stack.enter_async_context(runtime.node(options, wait_s=0))
            sides.append(Side(*await stack.enter_async_context(serving(node))))
            await sides[-1].prepare(node)
        ready.set()
        await end.wait()


def test_either_way_answers_alike(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both paths give the same status, headers, body, metrics and effects."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    begin, went = OrderFastPath.begin, [0, 0]
    sides: list[Side] = []

    def fast_or_not(
        fast_path: OrderFastPath, cycle: Cycle, bearer: bytes, running: Running
    ) -> bool:
        if fast_path is not sides[0].app.fast_path:
            return False
        done = begin(fast_path, cycle, bearer, running)
        went[done] += 1
        return done

    monkeypatch.setattr(OrderFastPath, "begin", fast_or_not)
    for name in SIDES:
        (tmp_path / name).mkdir()
        shutil.copy(sqlite_template, tmp_path / name / "predmarket.db")
    with asyncio.Runner() as runner:
        ready, end = asyncio.Event(), asyncio.Event()
        serving_two = runner.get_loop().create_task(serve_two(tmp_path, sides, ready, end))
        runner.run(ready.wait())

        async def ask_both(asked: Asked) -> list[list[Any]]:
            messages = [[asked.sent(side.tokens[asked.user])] * asked.times for side in sides]
            return [await side.send(*sent) for side, sent in zip(sides, messages, strict=True)]

        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
        @given(requests())
        def answers_alike(asked: Asked) -> None:
            fast, ordinary = runner.run(ask_both(asked))
            assert fast == ordinary

        try:
            answers_alike()
            assert runner.run(sides[0].owned()) == runner.run(sides[1].owned())
            assert went[True] > EXAMPLES // 4
        finally:
            end.set()
            runner.run(asyncio.wait_for(serving_two, 60))
