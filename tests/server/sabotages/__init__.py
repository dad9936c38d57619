"""Deliberate mistakes in the server, each with the test that must catch it.

Snippets are short, so that nearby changes do not affect them. Where one no longer fits, `make test`
says so (tests/tools/test_sabotage.py). `make sabotage` makes each mistake and runs its test.
"""

from tests.server.sabotages import (
    core,
    events,
    gateway,
    identity,
    order_groups,
    realtime,
    redis_bus,
    sight,
)

SABOTAGES = (
    *core.SABOTAGES,
    *events.SABOTAGES,
    *gateway.SABOTAGES,
    *identity.SABOTAGES,
    *order_groups.SABOTAGES,
    *realtime.SABOTAGES,
    *redis_bus.SABOTAGES,
    *sight.SABOTAGES,
)
