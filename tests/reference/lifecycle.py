"""The life of a market: created, opened, halted, closed, reopened, resolved or voided.

Invariant: a final market (RESOLVED, VOIDED) is flat and never changes again.
"""

from __future__ import annotations

from .ledger import Ledger
from .records import FINAL, Command, Event, Market
from .units import ONE_DOLLAR_PRICE, parse_price, parse_rate

# What update_market may do; RESOLVED and VOIDED are reached by resolve only.
ALLOWED = {
    ("DRAFT", "OPEN"),
    ("OPEN", "HALTED"),
    ("HALTED", "OPEN"),
    ("OPEN", "CLOSED"),
    ("HALTED", "CLOSED"),
    ("CLOSED", "OPEN"),
}


def create(ledger: Ledger, command: Command) -> list[Event]:
    """Add a market under the next id."""
    market = Market(
        id=len(ledger.markets) + 1,
        tick=parse_price(command["tick"]),
        maker_rate=parse_rate(command["maker_fee"]),
        taker_rate=parse_rate(command["taker_fee"]),
        closes_at=command["closes_at"],
        status=command["status"],
    )
    ledger.markets[market.id] = market
    return [("MARKET_STATUS", market.id, market.status)]


def update(ledger: Ledger, command: Command) -> list[Event]:
    """Change the closing time, the status, or both; a refused status leaves the time too."""
    market = ledger.markets.get(command["market"])
    if market is None:
        return [("REFUSED", "MARKET_NOT_FOUND")]
    before, after = market.status, command["status"]
    if before in FINAL or (after is not None and (before, after) not in ALLOWED):
        return [("REFUSED", "INVALID_TRANSITION")]
    if "closes_at" in command:
        market.closes_at = command["closes_at"]
    if after is None:
        return []
    if after == "CLOSED":
        return close(ledger, market)
    reopened = (before, after) == ("CLOSED", "OPEN")
    if reopened and market.closes_at is not None and market.closes_at <= command["ts"]:
        market.closes_at = None
    market.status = after
    return [("MARKET_STATUS", market.id, after)]


def close(ledger: Ledger, market: Market) -> list[Event]:
    """Stop trading; what rests is cancelled."""
    market.status = "CLOSED"
    closed: Event = ("MARKET_STATUS", market.id, "CLOSED")
    return [closed, *_cancel_resting(ledger, market, "MARKET_CLOSED")]


def resolve(ledger: Ledger, command: Command) -> list[Event]:
    """Pay out at the outcome, or undo everything (VOID); the market is final after that."""
    market = ledger.markets.get(command["market"])
    if market is None:
        return [("REFUSED", "MARKET_NOT_FOUND")]
    if market.status in FINAL:
        return [("REFUSED", "INVALID_TRANSITION")]
    void = command["outcome"] == "VOID"
    market.status = "VOIDED" if void else "RESOLVED"
    events: list[Event] = [("MARKET_STATUS", market.id, market.status)]
    events += _cancel_resting(ledger, market, "MARKET_RESOLVED")
    if void:
        _undo(ledger, market)
    elif command["outcome"] == "SCALAR":
        _pay_out(ledger, market, parse_price(command["price"]))
    else:
        _pay_out(ledger, market, ONE_DOLLAR_PRICE if command["outcome"] == "YES" else 0)
    return events


def _cancel_resting(ledger: Ledger, market: Market, reason: str) -> list[Event]:
    resting = [*ledger.resting(market.id, "BUY"), *ledger.resting(market.id, "SELL")]
    return ledger.end_all(resting, reason)


def _pay_out(ledger: Ledger, market: Market, yes_price: int) -> None:
    """Pay yes_price for each YES share and the rest of 1.00 for each NO share."""
    for (user, where), position in ledger.positions.items():
        if where != market.id:
            continue
        yes, no = position.yes.count, position.no.count
        payout = yes * yes_price + no * (ONE_DOLLAR_PRICE - yes_price)
        position.realized += payout - position.yes.remove(yes) - position.no.remove(no)
        ledger.pay(user, market.id, payout)


def _undo(ledger: Ledger, market: Market) -> None:
    """Give each user back what they paid net of what they received, fees included."""
    for (user, where), position in ledger.positions.items():
        if where != market.id:
            continue
        position.yes.remove(position.yes.count)
        position.no.remove(position.no.count)
        position.realized = 0
        ledger.pay(user, market.id, -position.received)
    market.fees = 0
