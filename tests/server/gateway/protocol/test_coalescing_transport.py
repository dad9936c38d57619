"""Writes within one turn of the event loop go out as one."""

import asyncio

import pytest

from predmarket.server.gateway.protocol.coalescing_transport import CoalescingTransport


class Socket(asyncio.Transport):
    """A transport that notes what reaches it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes | str] = []

    def is_closing(self) -> bool:
        """Tell whether it was ended."""
        return "closed" in self.seen or "aborted" in self.seen

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Note a write."""
        self.seen.append(bytes(data))

    def close(self) -> None:
        """Note the end."""
        self.seen.append("closed")

    def abort(self) -> None:
        """Note a rude end."""
        self.seen.append("aborted")


@pytest.fixture
def socket() -> Socket:
    """A socket to write to."""
    return Socket()


async def test_head_and_body_are_one_write(socket: Socket) -> None:
    """They come one after the other; the next turn's come apart."""
    transport = CoalescingTransport(socket)
    transport.write(b"head")
    transport.write(b"body")
    assert socket.seen == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert socket.seen == [b"headbody", b"next"]


async def test_closing_loses_nothing(socket: Socket) -> None:
    """An answer that closes its connection is sent whole before."""
    transport = CoalescingTransport(socket)
    transport.write(b"last")
    transport.close()
    await asyncio.sleep(0)
    assert socket.seen == [b"last", "closed"]


async def test_an_abort_sends_nothing_more(socket: Socket) -> None:
    """What nobody will read is dropped."""
    transport = CoalescingTransport(socket)
    transport.write(b"lost")
    transport.abort()
    await asyncio.sleep(0)
    assert socket.seen == ["aborted"]
