"""The ASGI application of the Kalshi-shaped socket: /realtime's, with other clients.

A handshake may be signed; without a signature a client gets the public channels alone. A wrong
signature is refused with 401.
"""

from litestar.types import WebSocketScope

from predmarket.server.errors import Refusal
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.context import Context
from predmarket.server.gateway.kalshi.errors import envelope, explain
from predmarket.server.gateway.kalshi.guards import identify
from predmarket.server.gateway.kalshi.socket_client import KalshiSocketClient
from predmarket.server.gateway.kalshi.socket_feed import SocketFeed
from predmarket.server.gateway.protocol.websocket import Socket
from predmarket.server.gateway.realtime.client import SocketClient
from predmarket.server.gateway.realtime.endpoint import Realtime
from predmarket.server.gateway.realtime.limits import SocketLimits

PATH = "/trade-api/ws/v2"


class KalshiRealtime(Realtime):
    """The ASGI application behind /trade-api/ws/v2."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, context.services.hub, SocketLimits(ping_s=10.0))
        self._feed = SocketFeed(context)
        context.services.hub.observers.append(self._feed)

    async def _identify(self, scope: WebSocketScope, token: str) -> Principal | None:
        del token
        return await identify(self._context, scope)

    def _lets_in(self, refused: Refusal) -> bool:
        del refused
        return False

    def _told(self, refused: Refusal, id: str) -> bytes:
        return envelope(explain(refused), id)

    def _client(self, socket: Socket, scope: WebSocketScope, address: str) -> SocketClient:
        return KalshiSocketClient(self.shared, self._feed, socket, scope, address)
