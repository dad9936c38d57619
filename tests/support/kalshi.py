"""Signed requests to the Kalshi-shaped API, for tests that need no client of others."""

import base64
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.support.http_exchange import Exchange, User

PATH = "/trade-api/v2"
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)

Json = dict[str, Any]
Private = RSAPrivateKey | Ed25519PrivateKey


@cache
def private_key(number: int = 0) -> RSAPrivateKey:
    """Return one of the tests' RSA keys, which take long to make."""
    del number
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def public_pem(private: Private) -> str:
    """Return a key's public part in PEM."""
    return (
        private.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def private_pem(private: Private) -> str:
    """Return a private key in PEM."""
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@dataclass(frozen=True)
class Signer:
    """A user's API key for signed requests."""

    url: str
    key_id: str
    private: Private
    http: httpx.AsyncClient

    def headers(self, method: str, path: str, at_ms: int | None = None) -> dict[str, str]:
        """Return the headers that sign a request."""
        stamp = str(int(time.time() * 1000) if at_ms is None else at_ms)
        message = f"{stamp}{method}{path}".encode()
        if isinstance(self.private, RSAPrivateKey):
            signature = self.private.sign(message, _PSS, hashes.SHA256())
        else:
            signature = self.private.sign(message)
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
            "KALSHI-ACCESS-TIMESTAMP": stamp,
        }

    async def call(
        self,
        method: str,
        path: str,
        expected: int = 200,
        body: object = None,
        **query: Any,  # noqa: ANN401 -- of any kind
    ) -> Any:  # noqa: ANN401 -- JSON
        """Return the JSON of a reply; check its status."""
        whole = PATH + path
        answer = await self.http.request(
            method,
            whole,
            json=body,
            params={name: str(value) for name, value in query.items()},
            headers=self.headers(method, whole),
        )
        assert answer.status_code == expected, answer.text
        return answer.json() if answer.content else None

    async def get(self, path: str, expected: int = 200, **query: Any) -> Any:  # noqa: ANN401 -- JSON
        """Send a GET request."""
        return await self.call("GET", path, expected, **query)

    async def post(self, path: str, body: object, expected: int = 200) -> Any:  # noqa: ANN401 -- JSON
        """Send a POST request."""
        return await self.call("POST", path, expected, body)


async def signer(
    exchange: Exchange,
    user: User,
    scopes: tuple[str, ...] = ("read", "trade"),
    private: Private | None = None,
) -> Signer:
    """Register a key of a user for signed requests."""
    key = private or private_key()
    body = {"name": "bot", "scopes": list(scopes), "publicKey": public_pem(key)}
    answer = await user.client.post("/v1/auth/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    return Signer(exchange.url, answer.json()["keyId"], key, exchange.anonymous)
