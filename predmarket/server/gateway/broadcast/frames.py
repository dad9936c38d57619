"""Encodes messages: the envelope in a WebSocket frame, once for all receivers.

A server's frame is not masked, so all receivers get the same bytes.
"""

import time
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from predmarket.contracts.realtime import ServerMessage

_TEXT = 0x81
"""A whole text message in one frame."""

_encode = msgspec.json.Encoder().encode


class _Envelope(msgspec.Struct, rename="camel", gc=False):
    """contracts.realtime.ServerMessage before its data is JSON."""

    type: str
    ts: int
    data: Any
    topic: str | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET
    request_id: str | UnsetType = UNSET


assert _Envelope.__struct_encode_fields__ == ServerMessage.__struct_encode_fields__


def frame(payload: bytes) -> bytes:
    """Return a text message's frame."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def message(
    type: str,
    data: object,
    *,
    topic: str | UnsetType = UNSET,
    seq: int | UnsetType = UNSET,
    last_seq: int | UnsetType = UNSET,
    request_id: str | None = None,
) -> bytes:
    """Return a server's message in its frame, stamped with the time."""
    asked = UNSET if request_id is None else request_id
    ts = time.time_ns() // 1_000_000
    return frame(_encode(_Envelope(type, ts, data, topic, seq, last_seq, asked)))
