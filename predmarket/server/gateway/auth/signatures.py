"""Identifies the sender of a signed request, by the public key that belongs to an API key.

The signature is over time, method and path, so a program proves that it has the private key and
never sends it. Whoever repeats a request within CLOCK_SECONDS is the sender for us, as with a
Bearer key: TLS protects both on their way, and a client order id makes a repeated order harmless.

This module alone needs the package ``cryptography``; it is imported only where signatures are.
"""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from litestar.enums import ScopeType

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.authenticator import Asked
from predmarket.server.gateway.auth.principals import Principal, Principals, Signer
from predmarket.server.gateway.limits.client_address import Client
from predmarket.units import Micros

PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey

CLOCK_SECONDS = 5
"""How far a request's time may be from the exchange's."""
RSA_BITS = 2_048, 4_096
"""The least and the most bits of an RSA key: a longer one takes too long to verify."""
RSA_EXPONENT_BITS = 32
"""The most bits of an RSA key's public exponent: with a longer one a check takes milliseconds."""
MAX_KEY_BYTES = 4_096
_PARSED_KEYS = 4_096
_WIDEST_HEADER = 1_024
_KEY, _SIGNATURE, _TIME = (
    b"kalshi-access-key",
    b"kalshi-access-signature",
    b"kalshi-access-timestamp",
)
_HEADERS = (_KEY, _SIGNATURE, _TIME)
_HASH = hashes.SHA256()
_PSS = padding.PSS(padding.MGF1(_HASH), padding.PSS.DIGEST_LENGTH)


def new_access_id() -> str:
    """Return the id under which a public key signs."""
    return str(uuid.uuid4())


def read_public_key(pem: str) -> bytes:
    """Return a public key in PEM as stored. Raises Invalid."""
    try:
        if len(pem) > MAX_KEY_BYTES:
            raise ValueError
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid(Problem("publicKey", "is no public key in PEM")) from None
    if isinstance(key, RSAPublicKey):
        least, most = RSA_BITS
        if not least <= key.key_size <= most:
            raise Invalid(Problem("publicKey", f"must have {least} to {most} bits"))
        if key.public_numbers().e.bit_length() > RSA_EXPONENT_BITS:
            long = f"must have a public exponent of at most {RSA_EXPONENT_BITS} bits"
            raise Invalid(Problem("publicKey", long))
    elif not isinstance(key, Ed25519PublicKey):
        raise Invalid(Problem("publicKey", "must be an RSA or an Ed25519 key"))
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def new_key_pair() -> tuple[str, bytes]:
    """Return a new RSA private key in PEM, and its public key as stored.

    It takes about a tenth of a second of processor: call it in a thread.
    """
    private = rsa.generate_private_key(65_537, RSA_BITS[0])
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode(), public


@lru_cache(maxsize=_PARSED_KEYS)
def _parsed(stored: bytes) -> PublicKey:
    key = serialization.load_der_public_key(stored)
    assert isinstance(key, RSAPublicKey | Ed25519PublicKey)  # read_public_key kept no other
    return key


def _is_signed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, message, _PSS, _HASH)
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _refused(why: str) -> Refusal:
    return Refusal(ErrorCode.UNAUTHENTICATED, why)


class Signatures:
    """Checks signatures; ``now`` is the exchange's time."""

    def __init__(self, principals: Principals, now: Callable[[], Micros]) -> None:
        self._principals = principals
        self._now = now
        self._failures = principals.unknown_keys.failures

    async def identify(self, asked: Asked) -> Principal | None:
        """Return a request's sender, None if it is not signed. Raises Refusal UNAUTHENTICATED.

        From here on log lines about the request name the sender.
        """
        found = {name: value for name, value in asked["headers"] if name in _HEADERS}
        if not found:
            return None
        access_id = self._access_id(found)
        client = asked["client"]
        if not self._failures.must_wait(client):
            return self._verified(asked, found, await self._signer(access_id, client))
        async with self._failures.turn(client, access_id):
            return self._verified(asked, found, await self._signer(access_id, client))

    def known(self, asked: Asked) -> Principal | None:
        """Return a request's sender if its key is cached, else None: the half without a wait.

        Where the check has to wait for its turn the answer is None, too. Raises Refusal
        UNAUTHENTICATED.
        """
        found = {name: value for name, value in asked["headers"] if name in _HEADERS}
        signer = self._principals.known_signer(self._access_id(found)) if found else None
        if signer is None or self._failures.must_wait(asked["client"]):
            return None
        return self._verified(asked, found, signer)

    async def _signer(self, access_id: str, client: Client | None) -> Signer:
        """Return the signer of an access id. One that does not exist counts. Raises Refusal."""
        signer = self._principals.known_signer(access_id)
        if signer is None:
            signer = await self._principals.signer(access_id, client)
        if signer is None:
            raise _refused("the key is not known, or has been revoked")
        return signer

    def _access_id(self, found: Mapping[bytes, bytes]) -> str:
        """Return the name of the key that signs. Raises Refusal."""
        if len(found) < len(_HEADERS):
            raise _refused("KALSHI-ACCESS-KEY, -SIGNATURE and -TIMESTAMP go together")
        self._check_time(found[_TIME])
        return found[_KEY].decode("latin-1")

    def _verified(self, asked: Asked, found: Mapping[bytes, bytes], signer: Signer) -> Principal:
        """Return the signer of a request. A wrong signature counts. Raises Refusal."""
        method = asked["method"] if asked["type"] == ScopeType.HTTP else "GET"
        path = asked["raw_path"].partition(b"?")[0]
        message = found[_TIME] + method.encode() + path
        try:
            signature = base64.b64decode(found[_SIGNATURE][:_WIDEST_HEADER], validate=True)
        except binascii.Error:
            raise _refused("the signature is not base64") from None
        if not _is_signed(_parsed(signer.public_key), signature, message):
            self._failures.failed(asked["client"])
            raise _refused("the signature is not that of this key over time, method and path")
        asked.setdefault("state", {})["user_id"] = signer.principal.user_id
        return signer.principal

    def _check_time(self, stamp: bytes) -> None:
        if not stamp.isdigit() or len(stamp) > 16:
            raise _refused("the timestamp must be milliseconds since 1970")
        apart = abs(int(stamp) * 1_000 - self._now())
        if apart > CLOCK_SECONDS * 1_000_000:
            raise _refused(
                f"the timestamp is {apart / 1_000_000:.0f} s from the exchange's clock; "
                f"at most {CLOCK_SECONDS} s are allowed"
            )
