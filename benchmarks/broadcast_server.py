"""The yardstick of the fan-out row: the library `websockets`, and nothing but a broadcast.

`python -m benchmarks.broadcast_server` prints the port that it listens on and serves until its
stdin closes. Who says "order" gets an answer, and then everybody who has subscribed gets a message
as long as a delta of an order book.
"""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

ACK = '{"type":"order.ack","data":{}}'
DELTA = '{"type":"orderbook.delta","data":{"%s":0}}' % ("x" * 160)


async def main() -> None:
    """Serve on a free port until stdin ends."""
    subscribers: set[ServerConnection] = set()

    async def converse(connection: ServerConnection) -> None:
        try:
            async for message in connection:
                if "subscribe" in str(message):
                    subscribers.add(connection)
                    await connection.send('{"type":"subscribed"}')
                elif "order" in str(message):
                    await connection.send(ACK)
                    broadcast(subscribers, DELTA)
        except ConnectionClosed:
            pass
        finally:
            subscribers.discard(connection)

    async with serve(converse, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
