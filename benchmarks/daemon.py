"""A real daemon with funded traders, for the rows that load it over HTTP."""

import itertools
import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks import load
from predmarket.server.process import start
from predmarket.server.storage import migrations
from tests.support.exchange import ExchangeProcess
from tests.support.postgres import PostgresServer, fresh_database

MARKET = "will-it-rain-tomorrow"
TRADERS = 16


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running exchange. ``tokens`` are its traders' access tokens.

    ``markets`` are the slugs of those that its orders are for.
    """

    process: ExchangeProcess
    tokens: list[str]
    markets: Sequence[str] = (MARKET,)

    def orders(self, path: str = "/v1/orders") -> Callable[[], bytes]:
        """Return a source of requests: limit orders at crossing prices, 0.45 to 0.55.

        Each carries a client order id, as every careful client's does; ids never repeat.
        """
        return self._requests(path, orders(self.markets))

    def batches(self, size: int) -> Callable[[], bytes]:
        """Return a source of requests with ``size`` such orders each."""
        order = orders()
        return self._requests(
            "/v1/orders/batch",
            lambda: b'{"orders":[%s]}' % b",".join([order() for _ in range(size)]),
        )

    def _requests(self, path: str, next_body: Callable[[], bytes]) -> Callable[[], bytes]:
        draw = random.Random(1)
        heads = [
            load.request(
                "POST", path, authorization=f"Bearer {token}", content_type="application/json"
            ).partition(b"Content-Length: 0\r\n")
            for token in self.tokens
        ]

        def next_request() -> bytes:
            before, _, after = draw.choice(heads)
            body = next_body()
            return before + b"Content-Length: %d\r\n" % len(body) + after + body

        return next_request


def orders(markets: Sequence[str] = (MARKET,)) -> Callable[[], bytes]:
    """Return a source of such orders as JSON."""
    draw = random.Random(1)
    slugs = [slug.encode() for slug in markets]
    numbers = itertools.count()
    run = random.randbytes(4).hex()

    def next_order() -> bytes:
        return (
            b'{"marketId":"%s","side":"%s","type":"LIMIT","price":"0.%d","qty":"%d",'
            b'"clientOrderId":"%s-%d"}'
            % (
                draw.choice(slugs),
                draw.choice((b"BUY", b"SELL")),
                draw.randint(45, 55),
                draw.randint(1, 99),
                run.encode(),
                next(numbers),
            )
        )

    return next_order


@contextmanager
def daemon(
    server: PostgresServer | None,
    prepare: Callable[[str], None] | None = None,
    **settings: str,
) -> Iterator[Daemon]:
    """Start an exchange on ``server``, or on SQLite when there is none, with these settings.

    ``prepare`` fills the seeded database at a URL before the start.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if server is None:
            url = f"sqlite:///{folder / 'predmarket.db'}"
        else:
            url = stack.enter_context(fresh_database(server.url()))
        migrations.upgrade(url)
        if prepare is not None:
            start.seed({"database_url": url, "data_dir": str(folder)}, force=False)
            prepare(url)
        credit = {"SIGNUP_CREDIT": "1000000", "LOG_LEVEL": "error", **settings}
        process = ExchangeProcess(
            folder, url, "--seed", settings=credit, program="benchmarks.empty"
        )
        process.start()
        try:
            yield Daemon(process, sign_up(process.url))
        finally:
            process.stop()


def sign_up(url: str) -> list[str]:
    """Register the traders; return their access tokens."""
    tokens = []
    for number in range(TRADERS):
        body = {"email": f"trader{number}@example.com", "password": "correct horse"}
        reply = httpx.post(f"{url}/v1/auth/register", json=body, timeout=30)
        reply.raise_for_status()
        tokens.append(str(json.loads(reply.content)["accessToken"]))
    return tokens
