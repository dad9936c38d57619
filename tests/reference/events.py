"""The life of an event: created, extended, opened, halted, closed, resolved or voided.

Invariants: an event of an outcome is final, and so is every market of it. Until then at least two
outcomes are left, NONE counted.
"""

from __future__ import annotations

from . import lifecycle, settlement
from .ledger import Ledger
from .records import FINAL, NONE, Command, Event, Market, Notice
from .units import ONE_DOLLAR_PRICE, parse_price, parse_rate

MARKETS_AT_LEAST, MARKETS_AT_MOST = 2, 200
MOST_OPEN_FIRST = ("OPEN", "HALTED", "CLOSED", "DRAFT")


def create(ledger: Ledger, command: Command) -> list[Notice]:
    """Add an event under the next id, and its markets under the next ids of markets."""
    if not MARKETS_AT_LEAST <= command["markets"] <= MARKETS_AT_MOST:
        return [("REFUSED", "VALIDATION_FAILED")]
    event = Event(
        id=len(ledger.events) + 1,
        exhaustive=command["exhaustive"],
        tick=parse_price(command["tick"]),
        maker_rate=parse_rate(command["maker_fee"]),
        taker_rate=parse_rate(command["taker_fee"]),
        closes_at=command["closes_at"],
    )
    assert event.id is not None
    ledger.events[event.id] = event
    notices: list[Notice] = []
    for _ in range(command["markets"]):
        notices += lifecycle.add(ledger, event, command["status"])
    return notices


def add_market(ledger: Ledger, command: Command) -> list[Notice]:
    """Add a market to a live event; it takes the event's tick, fees, closing time and status."""
    event = ledger.events.get(command["event"])
    if event is None:
        return [("REFUSED", "EVENT_NOT_FOUND")]
    if event.outcome is not None:
        return [("REFUSED", "INVALID_TRANSITION")]
    if event.exhaustive:
        return [("REFUSED", "EVENT_IS_EXHAUSTIVE")]
    if len(event.markets) >= MARKETS_AT_MOST:
        return [("REFUSED", "LIMIT_EXCEEDED")]
    return lifecycle.add(ledger, event, status(ledger, event))


def status(ledger: Ledger, event: Event) -> str:
    """Return the most open status of the markets that are not final."""
    statuses = [market.status for market in unfinished(ledger, event)]
    return min(statuses, key=MOST_OPEN_FIRST.index)


def unfinished(ledger: Ledger, event: Event) -> list[Market]:
    """Return the event's markets that are not final, in the order in which they came."""
    markets = [ledger.markets[id_] for id_ in event.markets]
    return [market for market in markets if market.status not in FINAL]


def update(ledger: Ledger, command: Command) -> list[Notice]:
    """Change the closing time, the status, or both, of all markets that are not final."""
    event = ledger.events.get(command["event"])
    if event is None:
        return [("REFUSED", "EVENT_NOT_FOUND")]
    after = command["status"]
    markets = unfinished(ledger, event)
    changing = [
        market
        for market in markets
        if (market.status, after) in lifecycle.ALLOWED and not lifecycle.proposed(ledger, market)
    ]
    if event.outcome is not None or (after is not None and not changing):
        return [("REFUSED", "INVALID_TRANSITION")]
    if "closes_at" in command:
        _set_closing_time(event, markets, command["closes_at"])
    return [] if after is None else lifecycle.change(ledger, changing, after, command["ts"])


def _set_closing_time(event: Event, markets: list[Market], closes_at: int | None) -> None:
    """Give the event a closing time; a market keeps its own only while that is earlier."""
    for market in markets:
        follows = market.closes_at == event.closes_at
        own = market.closes_at
        if follows or (own is not None and closes_at is not None and own >= closes_at):
            market.closes_at = closes_at
    event.closes_at = closes_at


def resolve(ledger: Ledger, command: Command) -> list[Notice]:
    """Pay out by winner, by NONE or by weights, or undo everything (VOID); all is final then."""
    code = why_not(ledger, command)
    if code is not None:
        return [("REFUSED", code)]
    event, outcome = ledger.events[command["event"]], command["outcome"]
    weights = [] if outcome == "VOID" else _weights(command)
    event.outcome = str(outcome)
    markets = unfinished(ledger, event)
    ledger.proposals.pop(("event", command["event"]), None)
    for market in markets:
        ledger.proposals.pop(("market", market.id), None)
    if outcome == "VOID":
        notices = lifecycle.end(ledger, markets, "VOIDED")
        settlement.undo(ledger, event)
    else:
        notices = lifecycle.end(ledger, markets, "RESOLVED")
        settlement.pay_out(ledger, event, dict(weights))
    return notices


def why_not(ledger: Ledger, command: Command) -> str | None:
    """Return the first reason why an event cannot be resolved so."""
    event = ledger.events.get(command["event"])
    if event is None:
        return "EVENT_NOT_FOUND"
    if event.outcome is not None:
        return "INVALID_TRANSITION"
    return None if command["outcome"] == "VOID" else _refusal(event, _weights(command))


def _weights(command: Command) -> list[tuple[int, int]]:
    """Return (outcome, what one share of it pays) for all that the command names."""
    outcome = command["outcome"]
    if outcome == "WEIGHTS":
        return [(named, parse_price(weight)) for named, weight in command["weights"]]
    return [(NONE if outcome == "NONE" else outcome, ONE_DOLLAR_PRICE)]


def _refusal(event: Event, weights: list[tuple[int, int]]) -> str | None:
    """Return the first reason why an event can not be resolved by these weights."""
    for outcome, _ in weights:
        if outcome == NONE:
            if event.exhaustive:
                return "EVENT_IS_EXHAUSTIVE"
        elif outcome not in event.markets:
            return "MARKET_NOT_FOUND"
        elif outcome in event.struck:
            return "INVALID_TRANSITION"
    named = [outcome for outcome, _ in weights]
    each = [weight for _, weight in weights]
    possible = all(0 <= weight <= ONE_DOLLAR_PRICE for weight in each)
    if len(named) != len(set(named)) or not possible or sum(each) != ONE_DOLLAR_PRICE:
        return "VALIDATION_FAILED"
    return None
