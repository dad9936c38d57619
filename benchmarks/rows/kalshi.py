"""One signed order a request through the Kalshi-shaped API, beside POST /v1/orders."""

import base64
import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from benchmarks import load
from benchmarks.daemon import MARKET, Daemon, daemon
from benchmarks.rows.http import CONNECTIONS, SECONDS, closed_loop
from benchmarks.table import Line

PATH = "/trade-api/v2/portfolio/events/orders"
TURNS = 7
_SIGNED_EVERY = 1.0
"""Seconds that a trader's requests carry one signature: making one takes longer than an order, and
the exchange verifies that of each request whatever came before."""
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


def measure() -> Iterator[Line]:
    """Yield orders a second on SQLite; both ways in take turns."""
    with daemon(None, KALSHI="on") as exchange:
        requests = _Requests(exchange)
        signed, plain = [], []
        for _ in range(TURNS):
            signed.append(_run(exchange, requests))
            plain.append(closed_loop(exchange))
        rate, yardstick = (
            statistics.median(result.rate for result in results) for results in (signed, plain)
        )
        errors = sum(result.errors for result in (*signed, *plain))
        conditions = (
            f"SQLite, synchronous=full, closed loop, {CONNECTIONS} connections, RSA 2048, "
            f"{errors} errors"
        )
        yield Line(
            "kalshi", "signed orders", rate, "/s", "POST /v1/orders", yardstick, "≥ 0.7 ×",
            conditions,
        )  # fmt: skip


def _run(exchange: Daemon, next_request: Callable[[], bytes]) -> load.Result:
    return load.run(
        load.closed_loop(
            "127.0.0.1",
            exchange.process.port,
            next_request,
            connections=CONNECTIONS,
            seconds=SECONDS,
        )
    )


class _Requests:
    """A source of requests: signed limit orders at crossing prices, 0.45 to 0.55."""

    def __init__(self, exchange: Daemon) -> None:
        self._traders = [_Trader(exchange.process.url, token) for token in exchange.tokens]
        self._draw = random.Random(1)
        self._numbers = itertools.count()
        self._run = random.randbytes(4).hex()

    def __call__(self) -> bytes:
        draw = self._draw
        body = (
            b'{"ticker":"%s","side":"%s","price":"0.%d","count":"%d.00",'
            b'"time_in_force":"good_till_canceled","self_trade_prevention_type":"maker",'
            b'"client_order_id":"%s-%d"}'
            % (
                MARKET.upper().encode(),
                draw.choice((b"bid", b"ask")),
                draw.randint(45, 55),
                draw.randint(1, 99),
                self._run.encode(),
                next(self._numbers),
            )
        )
        before, after = draw.choice(self._traders).head()
        return before + b"Content-Length: %d\r\n" % len(body) + after + body


class _Trader:
    """A trader with a key of their own."""

    def __init__(self, url: str, token: str) -> None:
        self._private: RSAPrivateKey = rsa.generate_private_key(65_537, 2_048)
        public = self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        body = {"name": "bench", "scopes": ["read", "trade"], "publicKey": public.decode()}
        headers = {"Authorization": f"Bearer {token}"}
        reply = httpx.post(f"{url}/v1/auth/api-keys", json=body, headers=headers, timeout=30)
        reply.raise_for_status()
        self._key_id = str(reply.json()["keyId"])
        self._signed_at = 0.0
        self._head = b"", b""

    def head(self) -> tuple[bytes, bytes]:
        """Return the head of a request, before and behind its length."""
        now = time.time()
        if now - self._signed_at > _SIGNED_EVERY:
            self._signed_at = now
            stamp = str(int(now * 1000))
            message = f"{stamp}POST{PATH}".encode()
            signature = self._private.sign(message, _PSS, hashes.SHA256())
            before, _, after = load.request(
                "POST",
                PATH,
                content_type="application/json",
                kalshi_access_key=self._key_id,
                kalshi_access_signature=base64.b64encode(signature).decode(),
                kalshi_access_timestamp=stamp,
            ).partition(b"Content-Length: 0\r\n")
            self._head = before, after
        return self._head
