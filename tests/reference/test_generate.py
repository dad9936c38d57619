"""The generator is deterministic and reaches the cases that it targets."""

from __future__ import annotations

from .exchange import ReferenceExchange
from .generate import Generator, random_commands
from .generate_events import EventGenerator
from .records import Notice
from .units import parse_qty

REJECTIONS = {
    "DEADLINE_PASSED",
    "FOK_NOT_FILLABLE",
    "GROUP_TRIPPED",
    "INSUFFICIENT_FUNDS",
    "MARKET_NOT_FOUND",
    "MARKET_NOT_OPEN",
    "NOTHING_TO_REDUCE",
    "NO_LIQUIDITY",
    "ORDER_GROUP_NOT_FOUND",
    "POST_ONLY_WOULD_CROSS",
    "PRICE_OFF_TICK",
    "TOO_MANY_OPEN_ORDERS",
}
REFUSALS = {
    "FORBIDDEN",
    "INSUFFICIENT_FUNDS",
    "INVALID_TRANSITION",
    "LIMIT_EXCEEDED",
    "MARKET_NOT_FOUND",
    "MARKET_NOT_OPEN",
    "ORDER_GROUP_NOT_FOUND",
    "ORDER_NOT_FOUND",
    "ORDER_NOT_OPEN",
    "POST_ONLY_WOULD_CROSS",
    "PRICE_OFF_TICK",
    "QTY_BELOW_FILLED",
    "USER_NOT_FOUND",
}
CANCEL_REASONS = {
    "ADMIN",
    "DEADMAN",
    "DISCONNECT",
    "EXPIRED",
    "GROUP",
    "IOC",
    "MARKET_CLOSED",
    "MARKET_REMAINDER",
    "MARKET_RESOLVED",
    "SELF_TRADE",
    "USER",
}


EVENT_REFUSALS = REFUSALS | {
    "EVENT_DECIDES",
    "EVENT_IS_EXHAUSTIVE",
    "EVENT_NOT_FOUND",
    "NOTHING_TO_REDUCE",
    "VALIDATION_FAILED",
}


def _run(seed: int, count: int, kind: type[Generator] = Generator) -> tuple[list[Notice], bool]:
    """Return all events of a run, and whether anybody's available was ever negative."""
    exchange = ReferenceExchange()
    events: list[Notice] = []
    owed = False
    for command in random_commands(seed, exchange, count, connections=True, kind=kind):
        events += exchange.apply(command)
        owed = owed or any(available < 0 for available, _ in exchange.accounts().values())
    return events, owed


def test_same_seed_same_commands() -> None:
    """The same seed gives the same commands, so a difference can be reproduced."""
    assert _run(7, 1000) == _run(7, 1000)


def test_reaches_every_refusal_and_reason() -> None:
    """A few runs reach every code, trades, merges, and a debt by a VOID."""
    runs = [_run(seed, 2500) for seed in range(6)]
    events = [event for run, _ in runs for event in run]
    assert {event[2] for event in events if event[0] == "ORDER_REJECTED"} == REJECTIONS
    assert {event[1] for event in events if event[0] == "REFUSED"} == REFUSALS
    assert {event[2] for event in events if event[0] == "ORDER_CANCELED"} == CANCEL_REASONS
    assert sum(event[0] == "MATCH" for event in events) > 1000
    assert sum(event[0] == "MERGED" for event in events) > 50
    assert any(owed for _, owed in runs)


def test_events_reach_every_refusal_and_ending() -> None:
    """Runs with events reach every code of events and every way to end one."""
    refusals: set[str | int] = set()
    rejections: set[str | int] = set()
    endings: set[tuple[bool, str]] = set()
    merges = 0
    for seed in (13, 15):
        exchange = ReferenceExchange()
        for command in random_commands(seed, exchange, 2000, kind=EventGenerator):
            for notice in exchange.apply(command):
                if notice[0] == "REFUSED":
                    refusals.add(notice[1])
                elif notice[0] == "ORDER_REJECTED":
                    rejections.add(notice[2])
                merges += notice[0] == "MERGED"
        for event in exchange.ledger.events.values():
            if event.outcome is not None:
                ending = "WINNER" if event.outcome.isdigit() else event.outcome
                endings.add((event.exhaustive, ending))
    assert rejections == REJECTIONS
    assert refusals == EVENT_REFUSALS
    ways = {"WINNER", "WEIGHTS", "VOID"}
    kinds = {(exhaustive, way) for exhaustive in (False, True) for way in ways}
    assert endings == kinds | {(False, "NONE")}
    assert merges > 50


def test_never_asks_for_more_than_an_order_may_have() -> None:
    """Quantities of orders and amends stay within the limit that gateways enforce."""
    for seed in (3, 7, 1007):
        exchange = ReferenceExchange()
        for command in random_commands(seed, exchange, 1200):
            exchange.apply(command)
            if command.get("qty") is not None:
                assert 0 < parse_qty(command["qty"]) <= parse_qty("1000000")
