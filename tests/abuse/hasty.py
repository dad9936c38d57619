"""Runs the program with its waits for clients shortened to a twentieth.

A test then does not have to wait a minute for a timeout. Each shortened wait is named here, one by
one; the tests check that each of the waits exists.
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
