"""The configuration of the HTTP server: uvicorn's, with the parts of the application we add."""

from uvicorn.config import Config

from predmarket.server.gateway.limits.connections import Connections
from predmarket.server.gateway.protocol.order_fast_path import OrderFastPath


class ServerConfig(Config):
    """uvicorn's configuration. Each connection reads its parts of the application from it.

    ``fast_path`` answers plain orders, ``counters`` counts the connections of each address. None
    means that the server has neither. Sockets are accepted at ``socket_paths``.
    """

    fast_path: OrderFastPath | None = None
    counters: Connections | None = None
    socket_paths: frozenset[bytes] = frozenset({b"/realtime"})
