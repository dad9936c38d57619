"""Limits of one client or one user: the settings that end in RATE_LIMIT, and connections.

client_address.py finds a request's client address. sign_in.py counts sign-in calls, orders.py
orders, reads.py reads, and connections.py the connections of one address. With Redis all gateways
share the limits (redis_leases.py). Without Redis, or while it is unavailable, this process counts
by itself (local_window.py). Connections are always counted in this process.
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

    ``orders`` counts placed orders (each one of a batch), amends and previews. ``cancels`` counts
    calls that only reduce risk: cancel, cancel-all, cancel-after. It is a separate limit of the
    same size, so that a user without permits for orders can still cancel. ``reads`` counts reads
    and their rows, ``connections`` open connections.
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
