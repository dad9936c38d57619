"""Gives a server connections and sockets with faults."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from predmarket.server.errors import Refusal
from predmarket.server.gateway.context import FaultControl
from predmarket.server.gateway.faults.faulty_connection import FaultyConnection
from predmarket.server.gateway.faults.faulty_socket import FaultySocket
from predmarket.server.gateway.faults.injection import Faults
from predmarket.server.gateway.http.errors import envelope
from predmarket.server.gateway.protocol.config import ServerConfig

Other: TypeAlias = Callable[[str, Refusal, str], tuple[int, bytes] | None]
"""Returns the status and the body of a refusal of another API, None for our own."""


def install(config: ServerConfig, faults: FaultControl, other: Other | None) -> None:
    """Have a server's connections meet ``faults``; ``other`` words the refusals of other APIs."""
    assert isinstance(faults, Faults)  # there is no other control

    def worded(path: str, refusal: Refusal, id: str) -> tuple[int, bytes]:
        told = None if other is None else other(path, refusal, id)
        return told or (refusal.status, envelope(refusal, id))

    config.http = partial(FaultyConnection, faults, worded)  # type: ignore[assignment]  # it is called alone
    config.ws = partial(FaultySocket, faults)  # type: ignore[assignment]  # likewise
