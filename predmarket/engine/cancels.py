"""Cancelling many orders at once: a user's, or those tied to a connection that has ended.

Invariant: orders end in the order of their ids, so that a replay ends them in the same one.
"""

from collections.abc import Iterable

from predmarket.engine.book import Order
from predmarket.engine.commands import CancelAll, Disconnect
from predmarket.engine.replies import Canceled
from predmarket.engine.state import State
from predmarket.terms import CancelReason


def cancel_all(state: State, command: CancelAll) -> Canceled:
    """Cancel a user's open orders in the order of their ids."""
    account = state.ledger.accounts.get(command.user_id)
    if account is None:
        return Canceled(())
    ids = sorted(
        order.id
        for order in account.orders.values()
        if (command.market_id is None or order.market_id == command.market_id)
        and (command.side is None or order.side is command.side)
    )
    return _cancel_each(state, ids, command.reason)


def disconnect(state: State, command: Disconnect) -> Canceled:
    """Cancel the open orders of a connection, or of all of a gateway's, in the order of ids."""
    found: Iterable[Order] = state.orders.values()
    if command.user_id is not None:
        account = state.ledger.accounts.get(command.user_id)
        found = () if account is None else account.orders.values()
    ids = sorted(order.id for order in found if _tied(order, command))
    return _cancel_each(state, ids, CancelReason.DISCONNECT)


def _tied(order: Order, command: Disconnect) -> bool:
    """Tell whether an order ends with a connection."""
    if order.connection is None:
        return False
    if command.connection is not None:
        return order.connection == command.connection
    return order.connection.rpartition("-")[0] == command.gateway


def _cancel_each(state: State, ids: list[int], reason: CancelReason) -> Canceled:
    for id in ids:
        state.cancel(state.orders[id], reason)
    return Canceled(tuple(ids))
