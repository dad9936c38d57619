"""Writes within one turn of the event loop are sent as one."""

import asyncio

import pytest

from predmarket.server.gateway.protocol.coalescing_transport import CoalescingTransport


class Socket(asyncio.Transport):
    """A transport that records its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes | str] = []

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return "closed" in self.seen or "aborted" in self.seen

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Record a write."""
        self.seen.append(bytes(data))

    def close(self) -> None:
        """Record the close."""
        self.seen.append("closed")

    def abort(self) -> None:
        """Record an abort."""
        self.seen.append("aborted")


@pytest.fixture
def socket() -> Socket:
    """Return a transport that records its calls."""
    return Socket()


async def test_head_and_body_are_one_write(socket: Socket) -> None:
    """Head and body are sent in one write; writes of the next turn are sent separately."""
    transport = CoalescingTransport(socket)
    transport.write(b"head")
    transport.write(b"body")
    assert socket.seen == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert socket.seen == [b"headbody", b"next"]


async def test_closing_loses_nothing(socket: Socket) -> None:
    """An answer before a close is sent completely."""
    transport = CoalescingTransport(socket)
    transport.write(b"last")
    transport.close()
    await asyncio.sleep(0)
    assert socket.seen == [b"last", "closed"]


async def test_an_abort_sends_nothing_more(socket: Socket) -> None:
    """Data before an abort is dropped, because nobody will read it."""
    transport = CoalescingTransport(socket)
    transport.write(b"lost")
    transport.abort()
    await asyncio.sleep(0)
    assert socket.seen == ["aborted"]
