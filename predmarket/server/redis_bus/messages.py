"""The bus's messages and their encoding.

A reply is sent with a number for its type, because replies are not a tagged union. These numbers
and the order of fields are the format. During an upgrade gateways and cores of neighbouring
versions talk to each other, so append and never reorder.
"""

from typing import Any, TypeAlias

import msgspec

from predmarket.engine.commands import Command
from predmarket.engine.replies import (
    AccountDone,
    AllCreated,
    Canceled,
    EventDone,
    EventResolved,
    MarketDone,
    OrderDone,
    OrderGroupDone,
    Refused,
    Resolved,
    TransferDone,
)
from predmarket.server.core.bus import BusError, BusReply, Faulted, RepeatedOrder, RepeatedTransfer
from predmarket.server.redis.naming import Keys
from predmarket.units import Micros

PARCEL_FIELD = b"p"
REPLIES_FIELD = b"r"
BATCH_FIELD = b"n"
CHANGES_FIELD = b"c"
ANNOUNCEMENT_FIELD = b"a"


class _Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class Request(_Message, frozen=True):
    """A command with its gateway's number. After ``deadline`` nobody waits for it.

    ``follows`` and ``early`` are as in ``Bus.enqueue``; it follows the command with the number
    before.
    """

    number: int
    deadline: Micros
    command: Command
    follows: bool = False
    early: bool = False


class Parcel(_Message, frozen=True):
    """An entry of the command stream: commands that a gateway sent together, in order."""

    gateway: str
    requests: list[Request]


class Answer(_Message, frozen=True):
    """The reply to the command of that number; see ``reply_of``."""

    number: int
    kind: int
    body: msgspec.Raw


class Answers(_Message, frozen=True):
    """Replies to one gateway, to be given once its view holds ``batch``."""

    batch: int
    answers: list[Answer]


class Announcement(_Message, frozen=True):
    """The leading core's announcement of its status.

    ``stream`` is the epoch of the command stream that it reads, 0 while it reads none. ``batch`` is
    the last committed one, with the journal's ``hash``; ``now`` is the exchange's time, ``number``
    counts this leader's announcements.
    """

    epoch: int
    batch: int
    sequence: int
    stream: int
    leader: str
    healthy: bool
    durable: bool
    durability: dict[str, str]
    waiting: int
    ahead: Micros = 0
    now: Micros = 0
    number: int = 0
    hash: bytes = b""


_KINDS: tuple[type, ...] = (
    Refused, OrderDone, Canceled, AccountDone, TransferDone, MarketDone, Resolved, RepeatedOrder,
    RepeatedTransfer, EventDone, EventResolved, OrderGroupDone, AllCreated,
)  # fmt: skip
_KIND_OF = {kind: number for number, kind in enumerate(_KINDS)}
_FAULTED = 100

_encoder = msgspec.msgpack.Encoder()
_reply_decoders: list[msgspec.msgpack.Decoder[Any]] = [
    msgspec.msgpack.Decoder(kind) for kind in _KINDS
]
_text = msgspec.msgpack.Decoder(str)
_parcels = msgspec.msgpack.Decoder(Parcel)
_answers = msgspec.msgpack.Decoder(Answers)
_announcements = msgspec.msgpack.Decoder(Announcement)

Message: TypeAlias = Parcel | Answers | Announcement


def place_of_batch(keys: Keys, number: int) -> str:
    """Return the place for which a batch is signed: the stream, with the batch's number."""
    return f"{keys.batches}:{number}"


def number(text: bytes | None) -> int:
    """Read a batch's number; 0 for a text that is none."""
    return int(text) if text is not None and text.isdigit() and len(text) < 19 else 0


def encode(message: Message) -> bytes:
    """Encode a message."""
    return _encoder.encode(message)


def parcel(data: bytes) -> Parcel:
    """Decode a parcel. Raises msgspec.MsgspecError."""
    return _parcels.decode(data)


def answers(data: bytes) -> Answers:
    """Decode replies. Raises msgspec.MsgspecError."""
    return _answers.decode(data)


def announcement(data: bytes) -> Announcement:
    """Decode an announcement. Raises msgspec.MsgspecError."""
    return _announcements.decode(data)


def answer(number: int, reply: BusReply | Faulted) -> Answer:
    """Encode the reply to a command."""
    if isinstance(reply, Faulted):
        return Answer(number, _FAULTED, msgspec.Raw(_encoder.encode(str(reply))))
    return Answer(number, _KIND_OF[type(reply)], msgspec.Raw(_encoder.encode(reply)))


def reply_of(answer: Answer) -> BusReply | BusError:
    """Decode the reply in an answer. Raises msgspec.MsgspecError."""
    if answer.kind == _FAULTED:
        return Faulted(_text.decode(answer.body))
    if not 0 <= answer.kind < len(_KINDS):
        raise msgspec.ValidationError(f"a reply of the unknown kind {answer.kind}")
    reply: BusReply = _reply_decoders[answer.kind].decode(answer.body)
    return reply
