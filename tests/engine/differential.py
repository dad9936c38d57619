"""The engine and the reference exchange, given the same commands and compared all the way.

As a program it is a campaign of any length:

    python -m tests.engine.differential --commands 10000000 --seed 1

Each seed is a run of its own; a difference names its seed and the one line that repeats it. Half of
the runs trade events of 2 to 50 markets, mixed with markets that stand alone.

Settled differences, which are no mistakes:
- the engine keeps no ended orders, so it says ORDER_NOT_OPEN of them whoever asks, where the
  reference says FORBIDDEN to a stranger;
- closing and resolving may take several steps; the status of the market meanwhile is not compared,
  only what it comes to;
- in small steps the orders of groups of several users end by turns, so their order is not compared.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from predmarket.engine import Exchange, book, steps
from predmarket.engine.book import BookSide, Order
from predmarket.engine.commands import Command
from predmarket.engine.events import Event
from predmarket.engine.position import Holding, Position
from predmarket.engine.replies import Reply
from predmarket.enums import OrderType
from tests.engine.audit import audit
from tests.engine.mirror import Mirror
from tests.engine.translate import Abstract, EventTuple, refusal, to_command, to_tuples
from tests.reference.exchange import OrderRow, ReferenceExchange
from tests.reference.generate import Generator, random_commands
from tests.reference.generate_events import EventGenerator
from tests.reference.generate_proposals import ProposalGenerator
from tests.reference.records import NONE

RUN_LENGTH = 2_500
"""Commands a run: longer ones cost more each, since the reference looks at all it ever saw."""

REPORT_SECONDS = 10
_MISSING = object()


class Engine:
    """The engine, with timers and steps driven as the core drives them."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.mirror = Mirror()
        self.orders: dict[int, OrderRow] = {}
        self.positions: dict[tuple[int, int], Position] = {}
        self.holdings: dict[tuple[int, int], Holding] = {}
        """Every order, position and holding as the store would have it: the engine itself forgets
        those that ended or were settled."""

    def apply(self, now: int, command: Command) -> list[EventTuple]:
        """Execute due timers, then the command, each with all of its steps."""
        rows = self.advance(now)
        reply, happened = self.execute(now, command)
        rows += to_tuples(happened) + refusal(reply)
        return rows + self._finish(now)

    def advance(self, now: int) -> list[EventTuple]:
        """Execute every timer due at or before ``now``."""
        rows: list[EventTuple] = []
        while (due := self.exchange.due(now)) is not None:
            at, command = due
            _, happened = self.execute(at, command)
            rows += to_tuples(happened)
            rows += self._finish(at)
        return rows

    def _finish(self, now: int) -> list[EventTuple]:
        rows: list[EventTuple] = []
        while (step := self.exchange.next_step()) is not None:
            _, happened = self.execute(now, step)
            rows += to_tuples(happened)
        return rows

    def execute(self, now: int, command: Command) -> tuple[Reply, list[Event]]:
        """Apply one command alone."""
        reply, happened = self.exchange.apply(now, command)
        self.mirror.read(happened)
        changes = self.exchange.take_changes()
        for order in changes.orders.values():
            self.orders[order.id] = order_row(order)
        self.positions.update({(one.user_id, one.market_id): one for one in changes.positions})
        self.holdings.update({(one.user_id, one.event_id): one for one in changes.holdings})
        return reply, happened


def order_row(order: Order) -> OrderRow:
    """Return an order in the reference's form."""
    price = order.price if order.type is OrderType.LIMIT else None
    qtys = (order.qty, order.filled)
    return (order.status.value, order.reason, price, *qtys, order.fees_paid)


class Pair:
    """Both exchanges. Raises AssertionError at the first difference."""

    def __init__(self, *, stepwise: bool = False) -> None:
        self.engine = Engine()
        self.reference = ReferenceExchange()
        self.stepwise = stepwise

    def apply(self, abstract: Abstract) -> None:
        """Give both the command and compare the events."""
        markets = len(self.reference.ledger.markets)
        expected: list[EventTuple] = list(self.reference.apply(abstract))
        actual = self.engine.apply(abstract["ts"], to_command(abstract, markets))
        if expected[-1:] == [("REFUSED", "FORBIDDEN")] and self._has_ended(abstract):
            expected[-1] = ("REFUSED", "ORDER_NOT_OPEN")
        if self.stepwise:
            expected, actual = _in_steps(expected), _in_steps(actual)
        same("what happened", expected, actual)

    def _has_ended(self, abstract: Abstract) -> bool:
        ledger = self.reference.ledger
        order = ledger.orders.get(abstract.get("order", 0))
        return order is not None and order not in ledger.live

    def compare_state(self) -> None:
        """Compare the whole state of both, and audit the engine separately."""
        reference, engine = self.reference, self.engine
        state = engine.exchange.state
        ledger = state.ledger
        cash = {id: (account.available, account.locked) for id, account in ledger.accounts.items()}
        same("accounts", reference.accounts(), cash)
        same("positions", reference.positions(), self._positions())
        same("orders", reference.orders(), engine.orders)
        same("fees", reference.fees_collected(), ledger.fees)
        same("net deposits", reference.net_deposits(), ledger.net_deposits)
        switches = {id: account.deadman_at for id, account in ledger.accounts.items()}
        armed = {id: due for id, due in switches.items() if due is not None}
        same("dead-man switches", reference.ledger.deadman, armed)
        self._compare_markets()
        self._compare_events()
        self._compare_live()
        self._compare_groups()
        self._compare_proposals()
        told = {id: engine.mirror.cash.get(id, 0) for id in cash}
        same("cash by events", {id: sum(both) for id, both in cash.items()}, told)
        audit(engine.exchange)

    def _positions(self) -> dict[tuple[int, int], tuple[int, ...]]:
        rows: dict[tuple[int, int], tuple[int, ...]] = {}
        known = self.reference.ledger.markets
        for key, p in self.engine.positions.items():
            shares = (p.yes, p.no, p.reserved_yes, p.reserved_no)
            row = (*shares, p.cost_yes, p.cost_no, p.realized)
            if any(row):
                rows[key] = row
            if known[key[1]].stands_alone:
                received = known[key[1]].event.received.get(key[0], 0)
                same(f"cash received by {key}", received, -p.net_paid)
        return rows

    def _compare_events(self) -> None:
        """Compare events, and what everybody holds of each outcome of theirs."""
        reference, engine = self.reference, self.engine.exchange.state.market_events
        rows = {id: (event.open_interest, event.market_ids) for id, event in engine.items()}
        told = {id: (sets, markets) for id, (_, sets, markets) in reference.events().items()}
        same("events", told, rows)
        holdings, returned = {}, {}
        for (user, id), holding in self.engine.holdings.items():
            known = reference.ledger.events[id]
            nets = {market: self._net(user, market) for market in known.outcomes if market != NONE}
            held = {market: holding.base + net for market, net in nets.items()}
            held |= {} if known.exhaustive else {NONE: holding.base}
            if known.outcome is None and any(held.values()):
                holdings[user, id] = held
            ahead = sum(max(0, -net) for net in nets.values()) - holding.base
            if known.outcome is None and ahead:
                returned[user, id] = ahead
            received = known.received.get(user, 0)
            same(f"cash received by {user} in event {id}", received, -holding.net_paid)
        same("holdings", reference.holdings(), holdings)
        same("returned", reference.returned(), returned)
        for id, event in reference.ledger.events.items():
            same(f"closing time of event {id}", event.closes_at, engine[id].closes_at)
            fees = sum(reference.ledger.markets[market].fees for market in event.markets)
            same(f"fees of event {id}", fees, engine[id].fees)

    def _compare_groups(self) -> None:
        """Compare order groups and the fills that count for their limits."""
        state = self.engine.exchange.state
        counted: dict[int, int] = {}
        for _, _, id, qty in state.order_groups.counted(state.now):
            counted[id] = counted.get(id, 0) + qty
        groups = {
            id: (group.user_id, group.limit, group.status.value, counted.get(id, 0))
            for id, group in state.order_groups.by_id.items()
        }
        same("order groups", self.reference.groups(), groups)

    def _compare_proposals(self) -> None:
        """Compare proposals: their times, their authors, and whether two admins must agree."""
        state = self.engine.exchange.state
        every = [
            *((("market", id), market.proposal) for id, market in state.markets.items()),
            *((("event", id), event.proposal) for id, event in state.market_events.items()),
        ]
        rows = {
            subject: (one.effective_at, one.by_two, one.resolution.actor_id)
            for subject, one in every
            if one is not None
        }
        told = {
            subject: (known.at, known.by_two, known.actor)
            for subject, known in self.reference.ledger.proposals.items()
        }
        same("proposals", told, rows)

    def _net(self, user: int, market: int) -> int:
        position = self.engine.positions.get((user, market))
        return 0 if position is None else position.yes - position.no

    def _compare_markets(self) -> None:
        reference, mirror = self.reference, self.engine.mirror
        markets = self.engine.exchange.state.markets
        rows = {
            id: (market.status.value, market.open_interest, market.last_price, market.volume)
            for id, market in markets.items()
        }
        same("markets", reference.markets(), rows)
        for id, known in reference.ledger.markets.items():
            market = markets[id]
            same(f"closing time of market {id}", known.closes_at, market.closes_at)
            if known.stands_alone:
                same(f"fees of market {id}", known.fees, market.fees)
            sides = market.book.bids, market.book.asks
            levels = tuple([(level.price, level.qty) for level in side] for side in sides)
            same(f"book {id}", reference.book(id), levels)
            same(f"book {id} by events", reference.book(id), mirror.book(id))
            same(f"queue {id}", reference.queue(id), tuple(_queue(side) for side in sides))

    def _compare_live(self) -> None:
        """Compare the contents of each open order."""
        ledger = self.reference.ledger
        expected = {
            order.id: (order.limit, order.close_left, ledger.lock(order)) for order in ledger.live
        }
        actual = {
            order.id: (order.price, order.close, order.lock)
            for order in self.engine.exchange.state.orders.values()
        }
        same("what orders hold", expected, actual)


def same(what: str, expected: object, actual: object) -> None:
    """Raise AssertionError with both values unless they are equal; tables show the differences."""
    if expected != actual:
        if isinstance(expected, dict) and isinstance(actual, dict):
            agreed = [key for key in expected if expected[key] == actual.get(key, _MISSING)]
            expected = {key: row for key, row in expected.items() if key not in agreed}
            actual = {key: row for key, row in actual.items() if key not in agreed}
        raise AssertionError(f"{what}\n  reference {expected}\n  engine    {actual}")


def _queue(side: BookSide) -> list[int]:
    return [order.id for level in side for order in level]


def _in_steps(rows: list[EventTuple]) -> list[EventTuple]:
    """Return the rows without statuses and the order of groups' ends, which steps change."""
    told = [row for row in rows if row[0] != "MARKET_STATUS"]
    ends = [index for index, row in enumerate(told) if row[2:] == ("GROUP",)]
    if ends:
        told[ends[0] :] = sorted(told[ends[0] :], key=str)
    return told


def run(seed: int, commands: int, *, every: int) -> None:
    """Compare one run of random commands: events always, the state after every ``every``th."""
    step = step_of(seed)
    pair = Pair(stepwise=step is not None)
    number = 0
    try:
        with small_steps(step):
            drawn = random_commands(
                seed, pair.reference, commands, connections=True, kind=kind_of(seed)
            )
            for number, abstract in enumerate(drawn, start=1):
                pair.apply(abstract)
                if number % every == 0 or number == commands:
                    pair.compare_state()
    except Exception as error:
        error.add_note(f"differs at command {number}; repeat: {repeat_line(seed, number)}")
        raise


def step_of(seed: int) -> int | None:
    """Return the step size of a run's closings; None in three runs of four."""
    return seed // 4 % 3 + 1 if seed % 4 == 0 else None


def kind_of(seed: int) -> type[Generator]:
    """Return the generator of this run's commands.

    Every other four runs have events, and every fourth four of these proposals, too.
    """
    if seed // 4 % 8 == 7:
        return ProposalGenerator
    return EventGenerator if seed // 4 % 2 == 1 else Generator


def repeat_line(seed: int, commands: int) -> str:
    """Return the shell command that reproduces the difference at its first sign."""
    size = f"--commands {commands} --length {commands} --every 1"
    return f"python -m tests.engine.differential --seed {seed} {size}"


@contextmanager
def small_steps(step: int | None) -> Iterator[None]:
    """Limit every step to ``step`` orders or positions, and every run to as many orders."""
    with pytest.MonkeyPatch.context() as patch:
        if step is not None:
            patch.setattr(steps, "STEP", step)
            patch.setattr(book, "RUN", step)
        yield


def campaign(seed: int, commands: int, length: int, every: int) -> None:
    """Compare runs of successive seeds until ``commands`` are compared; 0 means for ever."""
    started = reported = time.monotonic()
    done = 0
    while not commands or done < commands:
        size = min(length, commands - done) if commands else length
        run(seed, size, every=every)
        done += size
        seed += 1
        now = time.monotonic()
        if now - reported >= REPORT_SECONDS or done == commands:
            reported = now
            rate = done / max(now - started, 0.001)
            sys.stdout.write(f"{done} commands equal, {rate:.0f}/s, next seed {seed}\n")
            sys.stdout.flush()


def main() -> None:
    """Run a campaign by the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.differential")
    parser.add_argument("--commands", type=int, default=0, help="how many; 0: until stopped")
    parser.add_argument("--seed", type=int, default=1, help="the first run's seed")
    parser.add_argument("--length", type=int, default=RUN_LENGTH, help="commands a run")
    parser.add_argument("--every", type=int, default=50, help="compare the state so often")
    chosen = parser.parse_args()
    campaign(chosen.seed, chosen.commands, chosen.length, chosen.every)


if __name__ == "__main__":
    main()
