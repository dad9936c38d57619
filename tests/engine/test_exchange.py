"""The whole exchange: violated invariants raise, and it is deterministic on every machine."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from predmarket.engine import Exchange, InvariantError, snapshot
from predmarket.engine.book import Order
from predmarket.engine.commands import CancelAll, OpenAccount
from predmarket.engine.events import BookDelta
from predmarket.engine.ledger import Account, Ledger
from predmarket.engine.market import Market
from predmarket.enums import Side
from tests.engine.audit import digest
from tests.engine.desk import SECOND, A, B, C, Desk, after_example_1, after_example_3
from tests.engine.mirror import Mirror

ROOT = Path(__file__).parents[2]


# --- invariants ----------------------------------------------------------------------------


def _lock_made_smaller(desk: Desk) -> None:
    desk.account(A).locked = 0


def _cost_not_paid(desk: Desk) -> None:
    desk.market.collateral -= 1


def _share_from_nowhere(desk: Desk) -> None:
    desk.position(A).yes += 1
    desk.market.total_yes += 1


def _share_lost(desk: Desk) -> None:
    desk.position(A).no -= 1


def _interest_miscounted(desk: Desk) -> None:
    desk.market.open_interest += 1


def _reserve_too_large(desk: Desk) -> None:
    desk.position(A).reserved_yes = 2 * desk.position(A).yes + 1


def _close_part_too_large(desk: Desk) -> None:
    desk.exchange.state.orders[3].close += 1


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (_lock_made_smaller, "locked below zero"),
        (_cost_not_paid, "collateral differs"),
        (_share_from_nowhere, "open interest differ"),
        (_share_lost, "reserve out of bounds"),
        (_interest_miscounted, "open interest differ"),
        (_reserve_too_large, "reserve out of bounds"),
        (_close_part_too_large, "reserve out of bounds"),
    ],
)
def test_a_tampered_state_is_found(tamper: Callable[[Desk], None], message: str) -> None:
    """The next command that touches a tampered part raises InvariantError."""
    desk = after_example_1()
    desk.place(A, "SELL", "12", "0.70")
    tamper(desk)
    with pytest.raises(InvariantError, match=message):
        desk.exchange.apply(desk.now, CancelAll(A))


def test_money_made_within_a_command_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cash without a counterpart raises at the end of the same command."""
    desk = Desk()
    relock = Ledger.relock

    def generous(self: Ledger, order: Order, account: Account, market: Market) -> None:
        relock(self, order, account, market)
        account.available += 1

    monkeypatch.setattr(Ledger, "relock", generous)
    with pytest.raises(InvariantError, match="money was made or lost"):
        desk.place(A, "BUY", "1", "0.50")


def test_available_below_zero_is_found() -> None:
    """A negative available balance raises, unless a VOID causes it."""
    desk = Desk()
    desk.place(C, "BUY", "1", "0.50")
    desk.account(C).available = desk.account(C).locked = 0
    desk.exchange.state.orders[1].lock = -1
    with pytest.raises(InvariantError, match="available below zero"):
        desk.exchange.apply(desk.now, CancelAll(C))


def test_a_crossed_book_is_found() -> None:
    """A crossed level raises when a command touches it."""
    desk = Desk()
    desk.place(A, "BUY", "1", "0.40")
    desk.place(B, "SELL", "1", "0.60")
    order = desk.exchange.state.orders[1]
    bids = desk.market.book.bids
    bids.remove(order)
    order.price = 7000
    bids.add(order)
    with pytest.raises(InvariantError, match="crossed"):
        desk.amend(A, 1, None, "0.5")


def test_a_resolution_must_use_up_the_collateral() -> None:
    """A market whose payouts differ from its collateral cannot become final."""
    desk = after_example_1()
    desk.market.collateral += 1
    with pytest.raises(InvariantError, match="collateral left"):
        desk.resolve("YES")


def test_time_never_goes_back() -> None:
    """A command stamped before the last one raises, as a defect of the caller."""
    exchange = Exchange()
    exchange.apply(SECOND, OpenAccount(A))
    with pytest.raises(AssertionError, match="time"):
        exchange.apply(SECOND - 1, OpenAccount(B))


# --- determinism ---------------------------------------------------------------------------

_TAPE = """
import hashlib
from tests.engine.audit import digest
from tests.engine.differential import Engine
from tests.engine.translate import to_command
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import random_commands

reference, engine, told = ReferenceExchange(), Engine(), hashlib.sha256()
apply = engine.exchange.apply
for abstract in random_commands(11, reference, 2000):
    markets = len(reference.ledger.markets)
    reference.apply(abstract)
    now, command = abstract["ts"], to_command(abstract, markets)
    while (due := engine.exchange.due(now)) is not None:
        told.update(repr(apply(*due)).encode())
    told.update(repr(apply(now, command)).encode())
print(told.hexdigest(), digest(engine.exchange))
"""


def test_the_same_in_every_process() -> None:
    """The same journal gives the same events and state under any PYTHONHASHSEED."""
    answers = {
        subprocess.run(
            [sys.executable, "-c", _TAPE],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(answers) == 1
    assert len(answers.pop().split()) == 2


def test_the_digest_sees_a_change() -> None:
    """Two states that differ in one millionth have different digests."""
    one, other = after_example_1(), after_example_1()
    assert digest(one.exchange) == digest(other.exchange)
    other.account(A).available += 1
    assert digest(one.exchange) != digest(other.exchange)


# --- changes for the store -----------------------------------------------------------------


def test_changes_are_handed_over_once() -> None:
    """The store gets each object changed since the last time, once, in its latest state."""
    desk = after_example_1()
    changes = desk.exchange.take_changes()
    assert sorted(changes.orders) == [1, 2]
    assert sorted(changes.accounts) == [A, B, C]
    assert sorted((one.user_id, one.market_id) for one in changes.positions) == [(A, 1), (B, 1)]
    assert sorted(changes.markets) == [1]
    assert changes.accounts[A].available == desk.account(A).available
    desk.place(C, "BUY", "1", "0.10")
    changes = desk.exchange.take_changes()
    assert sorted(changes.orders) == [3]
    assert sorted(changes.accounts) == [C]
    assert not changes.positions
    desk.cancel(C, 3)
    assert sorted(desk.exchange.take_changes().markets) == [1]
    assert sorted(desk.exchange.take_changes().orders) == []


def test_a_level_is_told_once_a_command() -> None:
    """A sweep over many orders of a level emits one delta with the level's final size."""
    desk = Desk()
    for price in ("0.50", "0.50", "0.51", "0.52"):
        desk.place(B, "SELL", "1", price)
    desk.place(A, "BUY", "3.5", "0.53")
    deltas = [event for event in desk.events if isinstance(event, BookDelta)]
    assert deltas == [
        BookDelta(1, Side.SELL, 5000, 0, 5),
        BookDelta(1, Side.SELL, 5100, 0, 6),
        BookDelta(1, Side.SELL, 5200, 50, 7),
    ]


def test_the_mirror_notices_a_gap() -> None:
    """The mirror detects a missing delta by its number."""
    mirror = Mirror()
    mirror.read([BookDelta(1, Side.BUY, 5000, 100, 1)])
    with pytest.raises(AssertionError, match="gap"):
        mirror.read([BookDelta(1, Side.BUY, 5000, 100, 3)])


def test_a_state_without_events_is_written_as_before() -> None:
    """The hash of a state without events equals that of versions without events."""
    desk = after_example_3()
    desk.create(maker_fee="0.01", taker_fee="0.07")
    desk.place(A, "BUY", "5", "0.40", market=2)
    desk.place(C, "SELL", "3", "0.40", market=2, tif="IOC")
    desk.place(C, "SELL", "2", "0.55", market=2)
    desk.status("HALTED", 2)
    desk.create()
    desk.resolve("VOID", market=3)
    before = "818c9dad126323c853c7e0656177d54b8a1fda1855f3ddabe46a8cc4093fe758"
    assert snapshot.digest(desk.exchange.state) == before
