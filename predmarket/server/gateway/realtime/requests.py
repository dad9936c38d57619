"""Requests of clients other than orders: subscribe, unsubscribe, snapshot, auth, pong."""

from collections.abc import Callable

from predmarket.contracts.realtime import (
    Authenticated,
    AuthRequest,
    ClientMessage,
    SnapshotRequest,
    Subscribed,
    SubscribeRequest,
    Unsubscribed,
    UnsubscribeRequest,
)
from predmarket.contracts.requests import decode
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.realtime.client import SocketClient
from predmarket.server.gateway.realtime.limits import TOPICS_A_TOKEN, UNAUTHENTICATED


def subscribe(peer: SocketClient, message: ClientMessage) -> None:
    """Execute subscribe."""
    asked = decode(bytes(message.data), SubscribeRequest).topics
    peer.spend(len(asked) // TOPICS_A_TOKEN)
    if peer.ended:
        return
    peer.reader.take(len(asked))
    wanted = peer.subscriptions.read(asked, peer.principal)
    peer.send("subscribed", Subscribed(wanted.named), message.request_id)
    peer.subscriptions.begin(wanted.begun)


def unsubscribe(peer: SocketClient, message: ClientMessage) -> None:
    """Execute unsubscribe; a topic without a subscription is no error."""
    asked = decode(bytes(message.data), UnsubscribeRequest).topics
    peer.spend(len(asked) // TOPICS_A_TOKEN)
    if peer.ended:
        return
    gone = [peer.subscriptions.topic(name, peer.principal) for name in asked]
    for topic in gone:
        peer.subscriptions.drop(topic)
    names = list(dict.fromkeys(topic.name for topic in gone))
    peer.send("unsubscribed", Unsubscribed(names), message.request_id)


def snapshot(peer: SocketClient, message: ClientMessage) -> None:
    """Execute snapshot."""
    peer.in_use()
    name = decode(bytes(message.data), SnapshotRequest).topic
    peer.reader.take()
    topic = peer.subscriptions.topic(name, peer.principal)
    peer.subscriptions.snapshot(topic, message.request_id)


def auth(peer: SocketClient, message: ClientMessage) -> None:
    """Execute auth."""
    request = decode(bytes(message.data), AuthRequest)
    peer.inbox.later(_sign_in(peer, request, message.request_id), message.request_id)


async def _sign_in(peer: SocketClient, request: AuthRequest, request_id: str | None) -> None:
    token = request.token
    principal = await peer.context.principals.principal(token, token, peer.scope["client"])
    if peer.ended:
        return
    if principal is None:
        peer.close(UNAUTHENTICATED, "the token is not valid")
        return
    before = peer.principal
    if before is not None and before.user_id != principal.user_id:
        raise Refusal(ErrorCode.FORBIDDEN, "the connection is another user's")
    peer.cancel_wanted |= request.cancel_on_disconnect
    peer.sign_in(principal)
    if request_id is not None:
        peer.send("authenticated", Authenticated(principal.user_id), request_id)


def pong(peer: SocketClient, message: ClientMessage) -> None:
    """Take a pong: that it arrived is enough."""


REQUESTS: dict[str, Callable[[SocketClient, ClientMessage], None]] = {
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "snapshot": snapshot,
    "auth": auth,
    "pong": pong,
}
