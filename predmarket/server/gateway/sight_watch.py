"""Looks principals up anew when a batch may change what somebody sees.

That is so when a market's group changes, and when somebody who sees a market only until flat there
trades or cancels. A change of membership reaches the principals by itself (routes/user_groups.py).
"""

from predmarket.server.gateway.auth.principals import Principals, Revocation
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.market_view import MarketView


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
        users = self._principals.held.users
        if users:
            traded = {one.order.user_id for one in changes.orders}
            traded.update(one.user_id for one in changes.positions)
            for user_id in traded & users:
                self._principals.forget(Revocation("user", user_id))

    def interrupted(self) -> None:
        """Forget everybody: batches were missed."""
        self._principals.forget_all()
