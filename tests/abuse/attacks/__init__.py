"""Every attack, in the order of execution: the last ones exhaust the server's resources."""

from tests.abuse.attacks import bodies, http, identity, idle, orders, reads, sockets

ATTACKS = [
    *http.ATTACKS,
    *bodies.ATTACKS,
    *sockets.ATTACKS,
    *identity.ATTACKS,
    *reads.ATTACKS,
    *orders.ATTACKS,
    *idle.ATTACKS,
]
