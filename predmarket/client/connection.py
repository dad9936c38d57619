"""One connection to /realtime: requests and their answers, pings, and the meaning of its end.

It promises: every accepted request gets an answer or the loss of the connection. Reading never
waits for writing, so neither side can stall the other. The queue of writes is bounded.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from predmarket.client import errors, network_variables
from predmarket.client.errors import ApiError, ClientError, ConfigurationError, Unreachable
from predmarket.client.headers import LOOPBACK, USER_AGENT, bearer, check, retry_after_s
from predmarket.contracts.errors import STATUS
from predmarket.contracts.realtime import MAX_MESSAGE_BYTES, ServerMessage
from predmarket.enums import ErrorCode

PROBE_S = 2.0
"""After this time without a message the exchange is asked for a sign of life."""
_MAX_OUTGOING = 4_000
"""Messages that wait to be written: all that a feed may ask at once, and more."""
_MAX_SNAPSHOT_BYTES = 32 * 1024 * 1024
"""The longest message that is read: a book of every price, a thousand markets with their texts."""

UNAUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_LARGE = 4413
TOO_MANY = 4429
_ENDS = {
    1012: "the exchange is restarting",
    4408: "the exchange heard nothing for too long",
    UNAUTHENTICATED: "the exchange does not accept the token any more",
    FORBIDDEN: "the exchange does not allow this",
    TOO_LARGE: "a message was too large",
    TOO_MANY: "too many messages were sent",
}
_UNEXPLAINED = {1013: "the exchange gave this connection up"}
"""Meanings of codes for which the exchange should give a reason, if it gave none."""

_CLOSED_FOR = {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 413: "PAYLOAD_TOO_LARGE"}
_CODES = frozenset(code.value for code in ErrorCode)


class Lost(Exception):
    """The connection ended, or there was none. code is its close code, None if it was cut. refusal
    is the handshake's answer, if trying again is likely in vain.
    """

    def __init__(
        self,
        reason: str,
        code: int | None = None,
        *,
        retry_after_s: float | None = None,
        refusal: ApiError | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.retry_after_s = retry_after_s
        self.refusal = refusal

    def as_refusal(self) -> ApiError:
        """Return the meaning of a close code from 4400 to 4499, by the HTTP status in it."""
        status = (self.code or 4400) - 4000
        return ApiError(status, _CLOSED_FOR.get(status, f"HTTP_{status}"), self.reason)


@dataclass(frozen=True, slots=True)
class Heard:
    """A received message: its envelope and the whole text."""

    envelope: ServerMessage
    text: bytes


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """The two callbacks of a request; exactly one is called, once."""

    answered: Callable[[str, ServerMessage], None]
    lost: Callable[[Unreachable], None]

    @classmethod
    def of(cls, answer: "asyncio.Future[ServerMessage]") -> "PendingRequest":
        """Return a pending request that completes the future ``answer``."""

        def answered(_: str, message: ServerMessage) -> None:
            if not answer.done():
                answer.set_result(message)

        def lost(error: Unreachable) -> None:
            if not answer.done():
                answer.set_exception(error)

        return cls(answered, lost)


def address(url: str, *, cancel_on_disconnect: bool) -> str:
    """Return the feed's address of the exchange at ``url``."""
    scheme, _, rest = url.rstrip("/").partition("://")
    query = "?cancelOnDisconnect=1" if cancel_on_disconnect else ""
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/realtime{query}"


def refusal(answer: ServerMessage) -> ApiError:
    """Return the exception for an error message, with the status that REST would have."""
    body = _json(answer.data)
    code = body.get("code") if isinstance(body, dict) else None
    status = STATUS[ErrorCode(code)] if code in _CODES else 400
    return errors.refusal(status, {"error": body}, "", request_id=answer.request_id or None)


def _json(text: bytes | msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


class Connection:
    """An open connection. Made by ``opened``."""

    def __init__(
        self, socket: ClientConnection, silence_s: float, clock: Callable[[], float]
    ) -> None:
        self._socket = socket
        self._silence_s = silence_s
        self._clock = clock
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(_MAX_OUTGOING)
        self._waiting: dict[str, PendingRequest] = {}
        self._numbers = count(1)
        self._lost: Exception | None = None
        self.heard_at = clock()

    def ask(self, kind: str, data: Mapping[str, object], waiting: PendingRequest) -> str:
        """Send a request and return its id. Raises ClientError if it cannot be sent; then
        ``waiting`` is not called.
        """
        if self._lost is not None:
            raise Unreachable(f"not sent: {self._lost}")
        request_id = str(next(self._numbers))
        text = msgspec.json.encode({"type": kind, "data": data, "requestId": request_id})
        if len(text) > MAX_MESSAGE_BYTES:
            raise ClientError(f"a message has at most {MAX_MESSAGE_BYTES} bytes")
        self._post(text)
        self._waiting[request_id] = waiting
        return request_id

    def forget(self, request_id: str) -> None:
        """Forget a request whose caller no longer waits."""
        self._waiting.pop(request_id, None)

    async def messages(self) -> AsyncGenerator[Heard, None]:
        """Yield messages that answer no request. Raises Lost, or the error given to ``fail``."""
        while self._lost is None:
            text = await self._next()
            self.heard_at = self._clock()
            try:
                envelope = _decoder.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Lost("the exchange sent what is no message") from None
            if envelope.type == "ping":
                with suppress(Unreachable):  # the end of this loop reports it
                    self._post(b'{"type":"pong"}')
            elif not self._answers(envelope):
                yield Heard(envelope, text)
        raise self._lost

    def fail(self, reason: Exception) -> None:
        """Give the connection up; ``messages`` raises ``reason`` next."""
        self._lost = self._lost or reason

    def cut(self, reason: Lost) -> None:
        """Drop the connection at once."""
        self.fail(reason)
        self._socket.transport.abort()

    async def probe(self) -> None:
        """Send a ping after each silence, until the connection ends."""
        with suppress(ConnectionClosed, OSError):
            while True:
                await asyncio.sleep(PROBE_S)
                if self._clock() - self.heard_at >= PROBE_S:
                    await (await self._socket.ping())
                    self.heard_at = self._clock()

    async def write(self) -> None:
        """Write queued messages, until the connection ends."""
        with suppress(ConnectionClosed, OSError):
            while True:
                await self._socket.send(await self._outgoing.get(), text=True)

    def abandon(self) -> None:
        """Report to all waiting callers that no answer will come."""
        self.fail(Lost("the connection was closed"))
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            one.lost(Unreachable("the connection was lost before the answer came"))

    def _post(self, text: bytes) -> None:
        try:
            self._outgoing.put_nowait(text)
        except asyncio.QueueFull:
            self.fail(Lost("the exchange does not read"))
            raise Unreachable("not sent: the exchange does not read") from None

    def _answers(self, envelope: ServerMessage) -> bool:
        if envelope.request_id is UNSET or envelope.topic is not UNSET:
            return False
        waiting = self._waiting.pop(envelope.request_id, None)
        if waiting is not None:
            waiting.answered(envelope.request_id, envelope)
        return waiting is not None

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._silence_s):
                return await self._socket.recv(decode=False)
        except TimeoutError:
            raise Lost(f"nothing was heard for {self._silence_s:g} s") from None
        except ConnectionClosed as closed:
            if self._lost is not None:
                raise self._lost from None
            raise _closed(closed) from None


def _closed(closed: ConnectionClosed) -> Lost:
    frame = closed.rcvd
    if frame is None:
        return Lost("the connection was cut")
    reason = _ENDS.get(frame.code) or frame.reason or _UNEXPLAINED.get(frame.code)
    return Lost(reason or "the connection was cut", frame.code)


_decoder = msgspec.json.Decoder(ServerMessage)


@asynccontextmanager
async def opened(
    url: str,
    token: str | None,
    *,
    timeout_s: float,
    silence_s: float,
    clock: Callable[[], float],
) -> AsyncIterator[Connection]:
    """Connect to ``url`` (of a scheme ws or wss), and close at the end.

    Raises Lost if there is no connection, and ConfigurationError.
    """
    socket = await _connected(url, token, timeout_s)
    link = Connection(socket, silence_s, clock)
    beside = [asyncio.create_task(link.write()), asyncio.create_task(link.probe())]
    try:
        yield link
    finally:
        link.abandon()
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        await socket.close()


async def _connected(url: str, token: str | None, timeout_s: float) -> ClientConnection:
    headers = bearer(token)
    check(headers)
    parts = urlsplit(url)
    proxied = parts.hostname not in LOOPBACK
    if proxied:
        network_variables.require_usable(https=parts.scheme == "wss")
    try:
        return await connect(
            url,
            additional_headers=headers,
            user_agent_header=USER_AGENT,
            compression=None,
            proxy=True if proxied else None,
            open_timeout=timeout_s,
            close_timeout=2.0,
            ping_interval=None,  # the exchange sends pings as messages
            max_size=_MAX_SNAPSHOT_BYTES,
            max_queue=256,
        )
    except (InvalidProxy, ImportError) as error:
        raise network_variables.unusable(network_variables.socks(), error) from None
    except InvalidURI:
        raise ConfigurationError(f"{url} is not an address") from None
    except InvalidStatus as refused:
        raise _refused(refused) from None
    except (OSError, TimeoutError, InvalidHandshake, WebSocketException, EOFError) as error:
        raise Lost(f"cannot reach {url.partition('?')[0]}: {errors.why(error)}") from None


def _refused(refused: InvalidStatus) -> Lost:
    response = refused.response
    status = response.status_code
    if status in (408, 425, 429) or status >= 500:
        return Lost(
            f"the exchange answered {status}",
            TOO_MANY if status == 429 else None,
            retry_after_s=retry_after_s(response.headers.get("Retry-After")),
        )
    if status == 401:
        return Lost(_ENDS[UNAUTHENTICATED], UNAUTHENTICATED)
    body = _json(bytes(response.body or b""))
    error = errors.refusal(status, body, response.reason_phrase)
    return Lost(str(error), refusal=error)
