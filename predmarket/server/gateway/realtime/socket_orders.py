"""Orders entered over a socket, by the same functions as REST.

A command goes to the core with a callback that acknowledges it, without a task. The callback runs
before the batch is delivered (broadcast/hub.py), so an order.ack comes before that order's
messages. If the answer has to be read from the database, those messages are held.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TypeAlias

import msgspec

from predmarket.contracts.orders import CancelAllRequest, Order, PlaceOrderRequest
from predmarket.contracts.realtime import (
    AmendOrderMessage,
    CancelOrderMessage,
    ClientMessage,
    OrderAck,
)
from predmarket.contracts.requests import decode
from predmarket.engine.commands import (
    CancelAll,
    CancelOrder,
    PlaceOrder,
)
from predmarket.engine.replies import Canceled, OrderDone, Refused
from predmarket.enums import Scope
from predmarket.server.core.bus import BusError, BusReply
from predmarket.server.errors import Refusal
from predmarket.server.gateway import order_entry, presenters
from predmarket.server.gateway.auth.principals import Principal
from predmarket.server.gateway.broadcast.topics import TopicKind
from predmarket.server.gateway.http.errors import code_of
from predmarket.server.gateway.http.params import order_id
from predmarket.server.gateway.limits.orders import UserLimit
from predmarket.server.gateway.realtime.client import SocketClient

Reply: TypeAlias = "asyncio.Future[BusReply]"
_More: TypeAlias = Coroutine[object, object, None]
_Step: TypeAlias = Callable[[SocketClient, ClientMessage, Principal], _More | None]
"""Carries a message out, or returns a coroutine that does, when it has to wait first."""

_ACK = "order.ack"
_ONES_OWN = (
    TopicKind.ORDERS,
    TopicKind.FILLS,
    TopicKind.BALANCES,
    TopicKind.POSITIONS,
    TopicKind.EVENTS,
)


def place(peer: SocketClient, message: ClientMessage) -> None:
    """Execute order.place."""
    _limited(peer, message, peer.context.limits.orders, _place)


def amend(peer: SocketClient, message: ClientMessage) -> None:
    """Execute order.amend."""
    _limited(peer, message, peer.context.limits.orders, _amend)


def cancel(peer: SocketClient, message: ClientMessage) -> None:
    """Execute order.cancel."""
    _limited(peer, message, peer.context.limits.cancels, _cancel)


def cancel_all(peer: SocketClient, message: ClientMessage) -> None:
    """Execute order.cancelAll."""
    _limited(peer, message, peer.context.limits.cancels, _cancel_all)


ORDERS: dict[str, Callable[[SocketClient, ClientMessage], None]] = {
    "order.place": place,
    "order.amend": amend,
    "order.cancel": cancel,
    "order.cancelAll": cancel_all,
}


def _limited(peer: SocketClient, message: ClientMessage, limit: UserLimit, step: _Step) -> None:
    """Take a permit, then run the step; at once, unless Redis has to be asked for the permit."""
    who = peer.user(Scope.TRADE)
    if limit.take_now(who.user_id):
        more = step(peer, message, who)
        if more is not None:
            peer.inbox.later(more, message.request_id)
        return

    async def ask_first() -> None:
        await limit.take(who.user_id)
        more = None if peer.ended else step(peer, message, who)
        if more is not None:
            await more

    peer.inbox.later(ask_first(), message.request_id)


def _place(peer: SocketClient, message: ClientMessage, who: Principal) -> _More | None:
    request = decode(bytes(message.data), PlaceOrderRequest)
    command = order_entry.place_command(peer.context.services, who, request)
    if not command.market_id:
        return _place_later(peer, message, request)
    _hand_in(peer, message, command)
    return None


async def _place_later(
    peer: SocketClient, message: ClientMessage, request: PlaceOrderRequest
) -> None:
    """Place an order in a market that another process may just have made."""
    services = peer.context.services
    await services.catch_up()
    if peer.ended:
        return
    command = order_entry.place_command(services, peer.user(Scope.TRADE), request)
    if not command.market_id:
        await order_entry.refuse_unknown(services, command)
    _hand_in(peer, message, command)


def _hand_in(peer: SocketClient, message: ClientMessage, command: PlaceOrder) -> None:
    services = peer.context.services
    if peer.connection is not None:
        command = msgspec.structs.replace(command, connection=peer.connection)
    reply = services.bus.enqueue(command, early=True)
    peer.inbox.in_flight += 1
    reply.add_done_callback(partial(_placed, peer, message.request_id, command))


def _placed(peer: SocketClient, request_id: str | None, command: PlaceOrder, answer: Reply) -> None:
    """Acknowledge an order, or send the reason of its refusal."""
    services = peer.context.services
    try:
        reply = answer.result()
        if isinstance(reply, OrderDone):
            order = presenters.order(reply.order, reply.fills, services.view)
            services.metrics.placement(command, None)
            peer.send(_ACK, OrderAck(order), request_id)
        elif isinstance(reply, Refused):
            raise Refusal.of(reply)
        else:
            peer.inbox.aside(_acknowledge(peer, request_id, _repeated(peer, command, reply)))
    except Exception as error:  # noqa: BLE001 -- every error is an answer
        if isinstance(error, Refusal | BusError):
            services.metrics.placement(command, code_of(error))
        peer.refuse(error, request_id)
    finally:
        peer.inbox.landed()


async def _repeated(peer: SocketClient, command: PlaceOrder, reply: BusReply) -> Order:
    services = peer.context.services
    _, order = await order_entry.placed(services, reply)
    services.metrics.placement(command, None)
    return order


def _amend(peer: SocketClient, message: ClientMessage, who: Principal) -> _More | None:
    request = decode(bytes(message.data), AmendOrderMessage)

    def hand_in(who: Principal, order_id: int) -> None:
        price = None if request.price is None else request.price.units
        qty = None if request.qty is None else request.qty.units
        services = peer.context.services
        command = order_entry.amend_command(services, who, order_id, price, qty)
        reply = services.bus.enqueue(command, early=True)
        peer.inbox.in_flight += 1
        changed = partial(_changed, peer, message.request_id, order_id, who, False)
        reply.add_done_callback(changed)

    return _of_order(peer, who, request.order_id, hand_in)


def _cancel(peer: SocketClient, message: ClientMessage, who: Principal) -> _More | None:
    request = decode(bytes(message.data), CancelOrderMessage)

    def hand_in(who: Principal, order_id: int) -> None:
        command = CancelOrder(who.user_id, order_id, as_admin=who.is_admin)
        reply = peer.context.services.bus.enqueue(command)
        peer.inbox.in_flight += 1
        changed = partial(_changed, peer, message.request_id, order_id, who, who.is_admin)
        reply.add_done_callback(changed)

    return _of_order(peer, who, request.order_id, hand_in)


def _of_order(
    peer: SocketClient, who: Principal, ref: int | str, hand_in: Callable[[Principal, int], None]
) -> _More | None:
    """Hand in what is to be done with an order, at once where its id is given.

    Raises Refusal ORDER_NOT_FOUND.
    """
    if not isinstance(ref, str):
        hand_in(who, order_id(str(ref)))
        return None

    async def find_first() -> None:
        found = await order_entry.id_of_order(peer.context.services, who, ref)
        if not peer.ended:
            hand_in(peer.user(Scope.TRADE), found)

    return find_first()


def _changed(
    peer: SocketClient,
    request_id: str | None,
    order_id: int,
    who: Principal,
    as_admin: bool,
    answer: Reply,
) -> None:
    """Acknowledge an amend or a cancel, or send the reason of its refusal."""
    services = peer.context.services
    try:
        reply = answer.result()
        if isinstance(reply, OrderDone) and not reply.order.filled:
            order = presenters.order(reply.order, (), services.view)
            peer.send(_ACK, OrderAck(order), request_id)
        else:
            # Its fills or its owner have to be read.
            step = order_entry.changed(services, reply, order_id, who, as_admin=as_admin)
            peer.inbox.aside(_acknowledge(peer, request_id, step))
    except Exception as error:  # noqa: BLE001 -- every error is an answer
        peer.refuse(error, request_id)
    finally:
        peer.inbox.landed()


def _acknowledge(
    peer: SocketClient, request_id: str | None, order: Coroutine[object, object, Order]
) -> Coroutine[object, object, None]:
    """Return the step that acknowledges an order once it is read; from now on its own messages,
    and what it does to cash and shares, wait for that."""
    held = peer.subscriptions.own(peer.principal, _ONES_OWN)
    for subscription in held:
        subscription.hold()

    async def step() -> None:
        try:
            peer.send(_ACK, OrderAck(await order), request_id)
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            peer.refuse(error, request_id)
        finally:
            for subscription in held:
                subscription.release()

    return step()


def _cancel_all(peer: SocketClient, message: ClientMessage, who: Principal) -> _More | None:
    wanted = decode(bytes(message.data) or b"{}", CancelAllRequest)
    ref, event, context = wanted.market_id, wanted.event_id, peer.context
    view = context.services.view
    if (ref is not None and view.find(ref) is None) or (
        event is not None and view.find_event(event) is None
    ):
        return _cancel_all_later(peer, message, wanted)
    market_id = None if ref is None else context.market(ref, who).id
    event_id = None if event is None else context.event(event, who).id
    command = CancelAll(who.user_id, market_id, wanted.side, event_id=event_id)
    _hand_in_cancel_all(peer, message, command)
    return None


async def _cancel_all_later(
    peer: SocketClient, message: ClientMessage, wanted: CancelAllRequest
) -> None:
    """Cancel all orders in a market or event that another process may just have made."""
    market_id = event_id = None
    if wanted.market_id is not None:
        market_id = (await peer.context.find_market(wanted.market_id, peer.principal)).id
    if wanted.event_id is not None:
        event_id = (await peer.context.find_event(wanted.event_id, peer.principal)).id
    if not peer.ended:
        user_id = peer.user(Scope.TRADE).user_id
        command = CancelAll(user_id, market_id, wanted.side, event_id=event_id)
        _hand_in_cancel_all(peer, message, command)


def _hand_in_cancel_all(peer: SocketClient, message: ClientMessage, command: CancelAll) -> None:
    reply = peer.context.services.bus.enqueue(command)
    peer.inbox.in_flight += 1
    reply.add_done_callback(partial(_all_canceled, peer, message.request_id))


def _all_canceled(peer: SocketClient, request_id: str | None, answer: Reply) -> None:
    try:
        reply = answer.result()
        assert isinstance(reply, Canceled)
        peer.send(_ACK, OrderAck(canceled=list(reply.order_ids)), request_id)
    except Exception as error:  # noqa: BLE001 -- every error is an answer
        peer.refuse(error, request_id)
    finally:
        peer.inbox.landed()
