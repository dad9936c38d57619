"""Payouts at the end of an event or of one of its markets: paying out, striking, undoing.

Statuses and orders have no part in it. The one rule: a holder of shares of an outcome is paid the
outcome's weight for each. All outcomes' weights add up to 1.00 (docs/market_rules.md, Events).
"""

from __future__ import annotations

from .ledger import Ledger
from .records import Event, Market, Notice
from .units import ONE_DOLLAR_PRICE

Weights = dict[int, int]
"""{outcome: what one share of it pays, in price units}; an outcome not named pays nothing."""


def pay_out(ledger: Ledger, event: Event, weights: Weights) -> None:
    """Pay every share its outcome's weight; nobody holds anything after that."""
    assert sum(weights.values()) == ONE_DOLLAR_PRICE, "the weights do not add up"
    assert set(weights) <= set(event.outcomes), "paid for what can not happen"
    for user, held in event.shares.items():
        payout = sum(held[outcome] * weight for outcome, weight in weights.items())
        ledger.pay(user, event, payout)
        event.shares[user] = dict.fromkeys(held, 0)
    for market in event.outcomes:
        realize(ledger, market, weights.get(market, 0))


def realize(ledger: Ledger, market: int, yes_price: int) -> None:
    """End every position in the market, its YES shares counted at yes_price, its NO at the rest."""
    for (_, where), position in ledger.positions.items():
        if where == market:
            yes, no = position.yes.count, position.no.count
            worth = yes * yes_price + no * (ONE_DOLLAR_PRICE - yes_price)
            position.realized += worth - position.yes.remove(yes) - position.no.remove(no)


def strike(ledger: Ledger, market: Market) -> list[Notice]:
    """Strike an outcome: its shares become worthless, and sets of the rest merge."""
    event = market.event
    realize(ledger, market.id, 0)
    event.struck.append(market.id)
    notices: list[Notice] = []
    for user in sorted(event.shares):
        del event.shares[user][market.id]
        notices += ledger.merge(user, market)
    return notices


def undo(ledger: Ledger, event: Event) -> None:
    """Give each user back what they paid net of what they received, fees included.

    Struck markets are undone with the rest: what was paid and received is one sum an event.
    """
    for user, held in event.shares.items():
        event.shares[user] = dict.fromkeys(held, 0)
        ledger.pay(user, event, -event.received.get(user, 0))
    for (_, where), position in ledger.positions.items():
        if where in event.markets:
            position.yes.remove(position.yes.count)
            position.no.remove(position.no.count)
            position.realized = 0
    for market in event.markets:
        ledger.markets[market].fees = 0
