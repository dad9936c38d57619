"""Every attack, in the order in which they are carried out: the last ones use up what there is."""

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
