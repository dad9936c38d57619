"""Limits of one client or one user: the settings that end in RATE_LIMIT, and connections.

client_address.py finds the address that a request comes from. sign_in.py counts calls about signing
in, orders.py orders, reads.py reads, connections.py the connections of one address. All but the
last count in Redis where there is one (redis_leases.py leases from it), so that all gateways share
the limits, and in this process (local_window.py) where there is none or while it is away.
"""

from dataclasses import dataclass

from predmarket.server.gateway.limits.client_address import Proxies
from predmarket.server.gateway.limits.connections import Connections
from predmarket.server.gateway.limits.orders import UserLimit
from predmarket.server.gateway.limits.reads import ReadLimit
from predmarket.server.gateway.limits.sign_in import SignInLimits
from predmarket.server.redis.client import Redis
from predmarket.server.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a gateway.

    ``orders`` counts what asks the book for something: each order placed, in a batch too, amends
    and previews. ``cancels`` counts calls that only take away risk: cancel, cancel-all,
    cancel-after. It is as large but apart, so that who has used up the orders can always cancel.
    ``reads`` counts reads and their rows, ``connections`` open connections.
    """

    auth: SignInLimits
    orders: UserLimit
    cancels: UserLimit
    reads: ReadLimit
    connections: Connections

    @classmethod
    def of(cls, settings: Settings, redis: Redis | None) -> "Limits":
        """Return the limits that the settings say."""
        return cls(
            SignInLimits(settings.auth_rate_limit, settings.auth_window_limit, redis),
            UserLimit("orders", settings.order_rate_limit, redis),
            UserLimit("cancels", settings.order_rate_limit, redis),
            ReadLimit(settings.read_rate_limit, redis),
            Connections(settings.max_connections_per_address, Proxies(settings.trusted_proxies)),
        )


__all__ = ["Limits"]
