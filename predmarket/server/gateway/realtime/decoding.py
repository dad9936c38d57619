"""Decodes clients' messages: the envelope quickly, its data as REST decodes a body."""

import msgspec

from predmarket.contracts import requests
from predmarket.contracts.realtime import ClientMessage
from predmarket.contracts.requests import Invalid

_decode = msgspec.json.Decoder(ClientMessage).decode
_NAMES = tuple(b'"%s"' % name.encode() for name in ClientMessage.__struct_encode_fields__)


class _Asked(msgspec.Struct, rename="camel"):
    request_id: str | None = None


def read(raw: bytes) -> ClientMessage:
    """Decode a client's message. Raises Invalid."""
    try:
        message = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        message = requests.decode(raw, ClientMessage)  # slow, and reports all mistakes
    data = bytes(message.data)
    # Fields of the same names within the data are no repeats.
    suspect = b"\\" in raw or any(raw.count(name) - data.count(name) > 1 for name in _NAMES)
    if suspect and (problems := requests.repeated(raw)):
        raise Invalid(*problems)
    return message


def request_id_of(raw: bytes) -> str | None:
    """Return the requestId of an invalid message, if it has one."""
    try:
        asked = msgspec.json.decode(raw, type=_Asked).request_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if asked is None else asked[:128]
