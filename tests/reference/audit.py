"""The auditor of the reference: the invariants that hold after every command.

Checks conservation (docs/market_rules.md, Collateral) and the other invariants of the rules.
"""

from __future__ import annotations

from math import ceil

from .exchange import ReferenceExchange
from .ledger import Ledger
from .records import CLOSES, FINAL, NONE, Event
from .units import ONE_DOLLAR_PRICE


def audit(exchange: ReferenceExchange) -> None:
    """Raise AssertionError if the exchange is in a state it must never be in."""
    ledger = exchange.ledger
    _audit_conservation(ledger)
    _audit_signs(ledger)
    _audit_positions(ledger)
    _audit_orders(ledger)
    _audit_books(ledger)


def _events(ledger: Ledger) -> list[Event]:
    """Return every event, also those of markets that stand alone."""
    alone = [market.event for market in ledger.markets.values() if market.stands_alone]
    return [*ledger.events.values(), *alone]


def _audit_conservation(ledger: Ledger) -> None:
    """Shares come in sets, each set is backed by 1.00, and no money appears or vanishes."""
    held = sum(ledger.cash.values())
    for event in _events(ledger):
        collateral = ledger.sets(event) * ONE_DOLLAR_PRICE
        fees = sum(ledger.markets[market].fees for market in event.markets)
        assert sum(event.received.values()) + fees + collateral == 0, "an event leaks"
        dearest = max(
            sum(ledger.payoff(user, event, outcome) for user in event.shares)
            for outcome in event.outcomes
        )
        assert collateral == dearest, "the collateral is not what the exchange may owe"
        held += collateral + fees
    assert held == ledger.net_deposits, "money appeared or vanished"


def _audit_signs(ledger: Ledger) -> None:
    """Check that only available is ever negative, after a VOID, and that all free sets merged."""
    voided = {market.id for market in ledger.markets.values() if market.status == "VOIDED"}
    had_a_void = {user for user, market in ledger.positions if market in voided}
    for user in ledger.cash:
        assert ledger.locked(user) >= 0, "negative lock"
        assert ledger.available(user) >= 0 or user in had_a_void, "somebody owes money"
    for position in ledger.positions.values():
        for holding in (position.yes, position.no):
            assert min(holding.count, holding.cost) >= 0, "negative shares or cost"
            assert holding.count or not holding.cost, "nothing costs something"
    for event in _events(ledger):
        for user in event.shares:
            assert min(ledger.free_shares(user, event).values()) == 0, "a free set, or too few"


def _audit_positions(ledger: Ledger) -> None:
    """Check that shown positions add up to the holdings, and their costs to the payments."""
    for event in _events(ledger):
        for user, held in event.shares.items():
            assert set(held) == set(event.outcomes), "shares of what can not happen"
            cost = realized = 0
            for market in event.markets:
                position = ledger.position(user, market)
                cost += position.yes.cost + position.no.cost
                realized += position.realized
                net = position.yes.count - position.no.count
                if event.id is None:
                    assert held == {market: position.yes.count, NONE: position.no.count}
                elif ledger.markets[market].status in FINAL:
                    assert position.yes.count == position.no.count == 0, "final and not flat"
                else:
                    assert net == position.bought - position.sold, "not what was traded"
                    assert 0 in (position.yes.count, position.no.count), "long and short"
            returned = ledger.returned(user, event) * ONE_DOLLAR_PRICE
            received = event.received.get(user, 0)
            assert received == realized - cost + returned, "money not accounted for"


def _audit_orders(ledger: Ledger) -> None:
    """Open orders are the ones with something left, all of it reserved or locked."""
    for order in ledger.live:
        assert order.status == ("PARTIALLY_FILLED" if order.filled else "OPEN")
        assert order.left == order.close_left + order.open_left > 0
        assert min(order.close_left, order.open_left) >= 0
        share = CLOSES[order.side]
        assert ledger.free(order.user, order.market, share) >= 0, "reserved more than held"
        assert order.fees_paid == ceil(order.exact_fee), "fee is not the exact sum rounded up"
        assert ledger.markets[order.market].status in ("OPEN", "HALTED")


def _audit_books(ledger: Ledger) -> None:
    """Check that no book is crossed."""
    for market in sorted({order.market for order in ledger.live}):
        bids, asks = ledger.resting(market, "BUY"), ledger.resting(market, "SELL")
        assert not bids or not asks or bids[0].limit < asks[0].limit, "the book crosses"
