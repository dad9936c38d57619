"""The auditor: what must hold of the reference after every command.

Proves conservation (MARKET_RULES, Collateral 1 to 3) and what else the rules promise of any state.
"""

from __future__ import annotations

from math import ceil

from .exchange import ReferenceExchange
from .ledger import Ledger
from .records import CLOSES
from .units import ONE_DOLLAR_PRICE


def audit(exchange: ReferenceExchange) -> None:
    """Raise AssertionError if the exchange is in a state it must never be in."""
    ledger = exchange.ledger
    _audit_conservation(ledger)
    _audit_signs(ledger)
    _audit_orders(ledger)
    _audit_books(ledger)


def _audit_conservation(ledger: Ledger) -> None:
    """Shares come in pairs, each pair is backed by 1.00, and no money appears or vanishes."""
    yes = dict.fromkeys(ledger.markets, 0)
    no = dict.fromkeys(ledger.markets, 0)
    received = dict.fromkeys(ledger.markets, 0)
    for (_, market), position in ledger.positions.items():
        yes[market] += position.yes.count
        no[market] += position.no.count
        received[market] += position.received
    assert yes == no, "YES and NO shares differ"
    collateral = {market: count * ONE_DOLLAR_PRICE for market, count in yes.items()}
    fees = {market.id: market.fees for market in ledger.markets.values()}
    for market in ledger.markets:
        assert received[market] + fees[market] + collateral[market] == 0, "a market leaks"
    held = sum(ledger.cash.values()) + sum(collateral.values()) + sum(fees.values())
    assert held == ledger.net_deposits, "money appeared or vanished"


def _audit_signs(ledger: Ledger) -> None:
    """Nothing is negative, but available after a VOID; no free pair is left unmerged."""
    voided = {market.id for market in ledger.markets.values() if market.status == "VOIDED"}
    had_a_void = {user for user, market in ledger.positions if market in voided}
    for user in ledger.cash:
        assert ledger.locked(user) >= 0, "negative lock"
        assert ledger.available(user) >= 0 or user in had_a_void, "somebody owes money"
    for (user, market), position in ledger.positions.items():
        assert min(position.yes.cost, position.no.cost) >= 0, "negative cost"
        if position.yes.count == position.no.count == 0:
            assert position.yes.cost == position.no.cost == 0, "nothing costs something"
            continue
        free = [ledger.free(user, market, share) for share in ("YES", "NO")]
        assert min(free) == 0, "a free pair is not merged"


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
    """No book crosses, whoever owns the orders."""
    for market in sorted({order.market for order in ledger.live}):
        bids, asks = ledger.resting(market, "BUY"), ledger.resting(market, "SELL")
        assert not bids or not asks or bids[0].limit < asks[0].limit, "the book crosses"
