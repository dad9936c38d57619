"""Brute force: each user's wealth in every outcome follows from the trades alone.

A trade of q at p in market j is worth q × (v − p) to its buyer when YES of j pays v, and as much
less to its seller. Here each trade is settled by itself, without shares, sets, reserves or merges,
and compared with what the exchange's holdings pay: for every winner, NONE, VOID, and for weights.
"""

from __future__ import annotations

import random
from copy import deepcopy

import pytest

from .audit import audit
from .exchange import ReferenceExchange
from .generate import random_commands
from .generate_events import EventGenerator
from .ledger import Ledger
from .records import NONE, Command, Event, Notice
from .units import ONE_DOLLAR_PRICE, parse_money, parse_price, parse_qty, show_price

Prices = dict[int, int]
"""{market: what YES of it pays}; a market not named pays nothing."""


class Trades:
    """All trades, each settled alone."""

    def __init__(self, exchange: ReferenceExchange) -> None:
        self.exchange = exchange
        self.rows: list[tuple[int, int, int, int, int]] = []
        """(user, market, quantity bought or, negative, sold, price, fee)."""

    def read(self, notices: list[Notice]) -> None:
        """Record both sides of each trade."""
        for notice in notices:
            if notice[0] == "MATCH":
                _, _, buy, sell, price, qty, _, buy_fee, sell_fee = notice
                for id_, sign, fee in ((buy, 1, buy_fee), (sell, -1, sell_fee)):
                    order = self.exchange.ledger.orders[int(id_)]
                    signed = sign * parse_qty(str(qty))
                    row = (signed, parse_price(str(price)), parse_money(str(fee)))
                    self.rows.append((order.user, order.market, *row))

    def worth(self, user: int, event: Event, prices: Prices) -> int:
        """Return the value of the user's trades in the event, less fees."""
        return sum(
            qty * (prices.get(market, 0) - price) - fee
            for owner, market, qty, price, fee in self.rows
            if owner == user and market in event.markets
        )


def _all_events(exchange: ReferenceExchange) -> list[Event]:
    """Return the events that are not final, those of markets that stand alone among them."""
    markets = exchange.ledger.markets.values()
    alone = [m.event for m in markets if m.stands_alone and m.status not in ("RESOLVED", "VOIDED")]
    events = exchange.ledger.events.values()
    return [*alone, *(event for event in events if event.outcome is None)]


def _check_every_outcome(exchange: ReferenceExchange, trades: Trades) -> None:
    """For every outcome, compare receipts and holdings with the value of the trades."""
    for event in _all_events(exchange):
        for user in event.shares:
            for outcome in event.outcomes:
                worth = event.received.get(user, 0) + exchange.ledger.payoff(user, event, outcome)
                assert worth == trades.worth(user, event, {outcome: ONE_DOLLAR_PRICE})


def _check_every_ending(exchange: ReferenceExchange, trades: Trades, chance: random.Random) -> None:
    """Resolve copies of each event in every possible way, and compare the receipts."""
    for id_, event in exchange.ledger.events.items():
        if event.outcome is not None:
            continue
        end: Command = {"op": "resolve_event", "event": id_, "ts": exchange.now, "weights": None}
        for outcome in event.outcomes:
            named = outcome if outcome != NONE else "NONE"
            prices = {outcome: ONE_DOLLAR_PRICE}
            _check_ending(exchange, trades, {**end, "outcome": named}, prices)
        one, other = chance.sample(event.outcomes, 2)
        weight = chance.randint(0, ONE_DOLLAR_PRICE)
        prices = {one: weight, other: ONE_DOLLAR_PRICE - weight}
        weights = [(outcome, show_price(price)) for outcome, price in prices.items()]
        _check_ending(exchange, trades, {**end, "outcome": "WEIGHTS", "weights": weights}, prices)
        _check_ending(exchange, trades, {**end, "outcome": "VOID"}, None)


def _check_ending(
    exchange: ReferenceExchange, trades: Trades, command: Command, prices: Prices | None
) -> None:
    """Resolve a copy and compare; without prices it is a VOID, which returns everything."""
    copy = deepcopy(exchange)
    assert ("REFUSED", "EVENT_NOT_FOUND") not in copy.apply(command)
    audit(copy)
    event = copy.ledger.events[command["event"]]
    assert event.outcome is not None
    assert not any(sum(held.values()) for held in event.shares.values())
    for user in event.shares:
        expected = 0 if prices is None else trades.worth(user, event, prices)
        assert event.received.get(user, 0) == expected


def _run(seed: int, count: int) -> ReferenceExchange:
    """Run commands in events and check every outcome on the way, every ending at the end."""
    exchange = ReferenceExchange()
    trades = Trades(exchange)
    for number, command in enumerate(random_commands(seed, exchange, count, kind=EventGenerator)):
        trades.read(exchange.apply(command))
        if number % 10 == 0:
            _check_every_outcome(exchange, trades)
    _check_every_ending(exchange, trades, random.Random(seed))
    return exchange


@pytest.mark.parametrize("seed", range(12))
def test_worth_follows_from_trades(seed: int) -> None:
    """The trades alone determine each user's worth, whatever merges, strikes or is reserved."""
    _run(seed, 500)


def test_worth_does_not_depend_on_merging(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds without any merge, so merging changes nobody's worth."""
    monkeypatch.setattr(Ledger, "merge", lambda *_: [])
    monkeypatch.setattr("tests.reference.test_event_worth.audit", lambda _: None)
    exchanges = [_run(seed, 500) for seed in range(4)]
    kept = 0
    for exchange in exchanges:
        for event in _all_events(exchange):
            kept += sum(min(exchange.ledger.free_shares(u, event).values()) for u in event.shares)
    assert kept > 0, "no complete set was ever kept"
