"""Looks principals up anew when a batch may change what somebody sees.

That is so when a market's group changes, and when somebody who sees a market only until flat there
may be flat: they have no more shares of it, or an order ended and they had none. Each of the two
happens a limited number of times, since such a user can open nothing new there. A change of
membership reaches the principals by itself (routes/user_groups.py).
"""

from predmarket.enums import OrderStatus
from predmarket.server.gateway.auth.principals import Principals, Revocation
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.market_view import MarketView

_ENDED = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED})


class SightWatch:
    """Follows committed batches (broadcast.hub.Observer)."""

    def __init__(self, principals: Principals, view: MarketView) -> None:
        self._principals = principals
        self._view = view
        self._regroups = view.regroups

    def committed(self, changes: Changes) -> None:
        """Forget those whose sight the batch may have changed."""
        if self._regroups != self._view.regroups:
            self._regroups = self._view.regroups
            self._principals.forget_all()
        if self._principals.held.users:
            for user_id in self._maybe_flat(changes):
                self._principals.forget(Revocation("user", user_id))

    def _maybe_flat(self, changes: Changes) -> set[int]:
        """Return those who may be flat now where they were not."""
        users = self._principals.held.users
        ended = {
            one.order.user_id
            for one in changes.orders
            if one.order.status in _ENDED
            and (shares := users.get(one.order.user_id)) is not None
            and (unit := self._hidden_unit(one.order.market_id)) is not None
            and unit not in shares
        }
        sold = {
            one.user_id
            for one in changes.positions
            if one.user_id in users
            and not (one.position.yes or one.position.no)
            and self._hidden_unit(one.position.market_id) is not None
        }
        return ended | sold

    def _hidden_unit(self, market_id: int | None) -> int | None:
        """Return what somebody is flat in or not, None for a public market."""
        market = None if market_id is None else self._view.find(market_id)
        return None if market is None or market.group_id is None else market.unit

    def interrupted(self) -> None:
        """Forget everybody: batches were missed."""
        self._principals.forget_all()
