"""The victim: a client that reads a book and its balance, and trades, at a steady pace.

`python -m tests.abuse.victim PORT KEY MARKET PID` runs in its own process, so that the attacker's
work is not measured as the server's. It reads commands on stdin: "start", and "stop", which it
answers with a line of JSON (Report).

The pace is an open loop: a request is due every PACE_S, whatever the state of the earlier ones. It
goes out on a new connection if those are not answered yet, and its latency counts from its due
time. Otherwise a stall of three seconds would be one slow request among hundreds, and no percentile
would show it.

The clock stands still while the server's event loop (the main thread of process PID) or the victim
itself is ready to run and waits for a CPU, where the system tells (schedstat). The load of other
processes, the attackers among them, is not the server's stall.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TypeAlias

from tests.abuse.wire import request

PACE_S = 0.02
_ANSWER_S = 20.0

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Report:
    """The latencies of all requests in seconds, and the failures."""

    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the latency within which this share of the requests was answered, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Clock:
    """A clock that excludes the time in which one of these processes waited for a CPU.

    When two of them waited at the same time, the longer wait counts; the clock never runs
    backwards.
    """

    def __init__(self, *pids: int) -> None:
        self._files = [f"/proc/{pid}/task/{pid}/schedstat" for pid in pids]
        self._waits = self._read()
        self._at = time.monotonic()
        self._now = 0.0

    def now(self) -> float:
        """Return the clock's time in seconds."""
        waits, at = self._read(), time.monotonic()
        waited = max(new - old for new, old in zip(waits, self._waits, strict=True))
        self._now += max(0.0, at - self._at - waited)
        self._waits, self._at = waits, at
        return self._now

    def _read(self) -> list[float]:
        """Return each process's wait for a CPU so far; 0 where the system does not tell."""
        waits = []
        for file in self._files:
            try:
                with open(file) as stat:
                    waits.append(int(stat.read().split()[1]) / 1e9)
            except OSError:
                waits.append(0.0)
        return waits


class Victim:
    """One client with as many connections as it needs; every fourth request opens a new one."""

    def __init__(self, port: int, key: str, market: str) -> None:
        self._port = port
        self._idle: list[Streams] = []
        bearer = f"Bearer {key}"
        order = json.dumps(
            {"marketId": market, "side": "BUY", "type": "LIMIT", "price": "0.01", "qty": "1",
             "timeInForce": "IOC"}
        ).encode()  # fmt: skip
        self._turns = [
            ("order", request("POST", "/v1/orders", order, authorization=bearer), 201),
            ("book", request("GET", f"/v1/orderbook/{market}", authorization=bearer), 200),
            ("balance", request("GET", "/v1/user/balance", authorization=bearer), 200),
            (
                "new",
                request("GET", f"/v1/markets/{market}", authorization=bearer, connection="close"),
                200,
            ),
        ]
        self._turn = 0

    async def ask(self) -> str:
        """Send the next request; return the failure, or "" on success."""
        name, data, wanted = self._turns[self._turn % len(self._turns)]
        self._turn += 1
        streams: Streams | None = None
        try:
            async with asyncio.timeout(_ANSWER_S):
                streams = None if name == "new" else self._kept()
                if streams is None:
                    streams = await asyncio.open_connection("127.0.0.1", self._port)
                status = await _exchange(streams, data)
        except (OSError, EOFError, TimeoutError) as error:
            if streams is not None:
                streams[1].close()
            return f"{name}: {str(error) or type(error).__name__}"
        if name == "new":
            streams[1].close()
        else:
            self._idle.append(streams)
        return "" if status == wanted else f"{name}: {status}"

    def _kept(self) -> Streams | None:
        """Return an idle connection that the server has not closed, if there is one."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def renew(self) -> None:
        """Close the idle connections, so that the next requests open new ones."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


async def _exchange(streams: Streams, data: bytes) -> int:
    """Send a request, read its whole answer, and return the status."""
    reader, writer = streams
    writer.write(data)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.find(b"content-length:")
    if at >= 0:
        await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]))
    return int(head[9:12])


async def watch(victim: Victim, clock: Clock, over: asyncio.Event) -> Report:
    """Send requests until the end is signalled, and wait for their answers."""
    report = Report()

    async def one(due: float) -> None:
        wrong = await victim.ask()
        if wrong:
            report.refused.append(wrong)
        report.seconds.append(clock.now() - due)

    victim.renew()
    asked: set[asyncio.Task[None]] = set()
    due = clock.now()
    while not over.is_set():
        now = clock.now()
        if now >= due:
            asked.add(asyncio.create_task(one(due)))
            due += PACE_S
        await asyncio.sleep(max(0.0, due - clock.now()))
    await asyncio.gather(*asked)
    return report


async def serve(victim: Victim, clock: Clock) -> None:
    """Execute the commands on stdin until its end."""
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    print("ready", flush=True)
    while (await stdin.readline()).strip() == b"start":
        over = asyncio.Event()
        watching = asyncio.create_task(watch(victim, clock, over))
        await stdin.readline()
        over.set()
        print(json.dumps(asdict(await watching)), flush=True)


def main() -> None:
    """Serve the commands on stdin."""
    port, key, market, pid = sys.argv[1:]
    clock = Clock(int(pid), os.getpid())
    asyncio.run(serve(Victim(int(port), key, market), clock))


if __name__ == "__main__":
    main()
