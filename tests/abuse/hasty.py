"""The program with its patience a twentieth, so that a test need not wait a minute for its end.

What is shortened are the waits for a client, one by one as they are named; that each of them exists
is what the test is about.
"""

from dataclasses import asdict

from predmarket.cli import main
from predmarket.server.gateway.protocol import connection, slow_client, websocket
from predmarket.server.gateway.realtime.limits import SocketLimits

HASTE = 20
_WAITS = (
    (connection, ("HEAD_SECONDS", "BODY_SECONDS", "KEEP_ALIVE_SECONDS")),
    (websocket, ("HANDSHAKE_SECONDS", "CLOSE_SECONDS")),
    (slow_client, ("READ_SECONDS",)),
)
_BOUNDS = ("ping_s", "silence_s", "idle_s")


def hurry() -> None:
    """Shorten every wait for a client."""
    for module, names in _WAITS:
        for name in names:
            setattr(module, name, getattr(module, name) / HASTE)
    shorter = [
        value / HASTE if name in _BOUNDS else value
        for name, value in asdict(SocketLimits()).items()
    ]
    SocketLimits.__init__.__defaults__ = tuple(shorter)


if __name__ == "__main__":
    hurry()
    main()
