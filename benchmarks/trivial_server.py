"""The cheapest HTTP server Python can be: answers every request with the same bytes.

`python -m benchmarks.trivial_server` prints the port that it listens on and serves until its stdin
closes, so it ends with whoever started it.
"""

import asyncio
import sys
from typing import cast

import uvloop

REPLY = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"


class _Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's own class, no subclass of it

    def data_received(self, data: bytes) -> None:
        # a client with one request under way sends each in one piece
        self.transport.write(REPLY)


async def serve() -> None:
    """Serve on a free port until stdin ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
