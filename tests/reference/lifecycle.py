"""The life of a market: created, opened, halted, closed, reopened, resolved or voided.

Invariant: a final market (RESOLVED, VOIDED) is flat and never changes again. What belongs to an
event ends with it (events.py); alone it can only be struck, which is what resolving it NO means.
"""

from __future__ import annotations

from . import settlement
from .ledger import Ledger
from .records import FINAL, NONE, Command, Event, Market, Notice
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
OUTCOMES_AT_LEAST = 2


def create(ledger: Ledger, command: Command) -> list[Notice]:
    """Add a market that stands alone, under the next id."""
    event = Event(
        id=None,
        tick=parse_price(command["tick"]),
        maker_rate=parse_rate(command["maker_fee"]),
        taker_rate=parse_rate(command["taker_fee"]),
    )
    notices = add(ledger, event, command["status"])
    ledger.markets[event.markets[0]].closes_at = command["closes_at"]
    return notices


def add(ledger: Ledger, event: Event, status: str) -> list[Notice]:
    """Add a market to an event, under the next id; its holders of NONE hold as much of it."""
    market = Market(
        id=len(ledger.markets) + 1,
        event=event,
        tick=event.tick,
        maker_rate=event.maker_rate,
        taker_rate=event.taker_rate,
        closes_at=event.closes_at,
        status=status,
    )
    ledger.markets[market.id] = market
    event.markets.append(market.id)
    for held in event.shares.values():
        held[market.id] = held[NONE]
    return [("MARKET_STATUS", market.id, market.status)]


def update(ledger: Ledger, command: Command) -> list[Notice]:
    """Change the closing time, the status, or both; a refused status leaves the time too."""
    market = ledger.markets.get(command["market"])
    if market is None:
        return [("REFUSED", "MARKET_NOT_FOUND")]
    before, after = market.status, command["status"]
    if before in FINAL or (after is not None and (before, after) not in ALLOWED):
        return [("REFUSED", "INVALID_TRANSITION")]
    if after is not None and proposed(ledger, market):
        return [("REFUSED", "INVALID_TRANSITION")]
    if "closes_at" in command:
        closes_at, event = command["closes_at"], market.event
        if event.closes_at is not None and closes_at is not None and closes_at >= event.closes_at:
            return [("REFUSED", "VALIDATION_FAILED")]
        market.closes_at = event.closes_at if closes_at is None else closes_at
    return [] if after is None else change(ledger, [market], after, command["ts"])


def proposed(ledger: Ledger, market: Market) -> bool:
    """Tell whether a resolution of the market, or of its event, is proposed."""
    subjects = [("market", market.id)]
    if market.event.id is not None:
        subjects.append(("event", market.event.id))
    return any(subject in ledger.proposals for subject in subjects)


def change(ledger: Ledger, markets: list[Market], after: str, ts: int) -> list[Notice]:
    """Put markets into a status that each may take; what rests where trade ends is cancelled."""
    notices: list[Notice] = []
    for market in markets:
        if (market.status, after) == ("CLOSED", "OPEN") and _passed(market.closes_at, ts):
            _clear_closing_time(ledger, market, ts)
        market.status = after
        notices.append(("MARKET_STATUS", market.id, after))
    if after == "CLOSED":
        notices += cancel_resting(ledger, markets, "MARKET_CLOSED")
    return notices


def _passed(closes_at: int | None, ts: int) -> bool:
    return closes_at is not None and closes_at <= ts


def _clear_closing_time(ledger: Ledger, market: Market, ts: int) -> None:
    """Have a market follow its event again; a closing time of the event that passed goes, too."""
    event, passed = market.event, market.event.closes_at
    if _passed(passed, ts):
        event.closes_at = None
        for id_ in event.markets:
            other = ledger.markets[id_]
            if other.closes_at == passed and other.status not in FINAL:
                other.closes_at = None
    market.closes_at = event.closes_at


def resolve(ledger: Ledger, command: Command) -> list[Notice]:
    """Pay out at the outcome, or undo everything (VOID); the market is final after that."""
    code = why_not(ledger, command)
    if code is not None:
        return [("REFUSED", code)]
    market, outcome = ledger.markets[command["market"]], command["outcome"]
    ledger.proposals.pop(("market", market.id), None)
    if not market.stands_alone:
        return _strike(ledger, market)
    notices = end(ledger, [market], "VOIDED" if outcome == "VOID" else "RESOLVED")
    if outcome == "VOID":
        settlement.undo(ledger, market.event)
        return notices
    yes_price = {"YES": ONE_DOLLAR_PRICE, "NO": 0}.get(outcome)
    if yes_price is None:
        yes_price = parse_price(command["price"])
    weights = {market.id: yes_price, NONE: ONE_DOLLAR_PRICE - yes_price}
    settlement.pay_out(ledger, market.event, weights)
    return notices


def why_not(ledger: Ledger, command: Command) -> str | None:
    """Return the reason why a market cannot be resolved so.

    One of an event can only be resolved NO, if its event has no proposal and enough outcomes are
    left after this and after every strike that is proposed.
    """
    market = ledger.markets.get(command["market"])
    if market is None:
        return "MARKET_NOT_FOUND"
    if market.status in FINAL:
        return "INVALID_TRANSITION"
    if market.stands_alone:
        return None
    event = market.event
    others = [id_ for id_ in event.markets if ("market", id_) in ledger.proposals]
    left = len(event.outcomes) - len({*others, market.id})
    if command["outcome"] != "NO" or ("event", event.id) in ledger.proposals:
        return "EVENT_DECIDES"
    return "EVENT_DECIDES" if left < OUTCOMES_AT_LEAST else None


def _strike(ledger: Ledger, market: Market) -> list[Notice]:
    """Resolve a market of an event NO; the event decides everything else."""
    notices = end(ledger, [market], "RESOLVED")
    return notices + settlement.strike(ledger, market)


def end(ledger: Ledger, markets: list[Market], status: str) -> list[Notice]:
    """Make markets final and cancel what rests in them."""
    for market in markets:
        market.status = status
    notices: list[Notice] = [("MARKET_STATUS", market.id, status) for market in markets]
    return notices + cancel_resting(ledger, markets, "MARKET_RESOLVED")


def cancel_resting(ledger: Ledger, markets: list[Market], reason: str) -> list[Notice]:
    """Cancel all that rests in some markets: bids, then asks, the first to trade first."""
    notices: list[Notice] = []
    for market in markets:
        for side in ("BUY", "SELL"):
            notices += ledger.end_all(ledger.resting(market.id, side), reason)
    return notices
