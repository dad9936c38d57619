"""The simulation of shards: properties that hold whatever the costs are."""

import pytest

from benchmarks.shards import MAX_BATCH, Costs, Crowd, most_orders, simulate

COSTS = Costs(batch_s=0.004, command_s=0.001)


def test_a_lonely_order_takes_one_batch() -> None:
    """An order that arrives alone takes as long as a batch of one."""
    outcome = simulate(COSTS, shards=1, rate=5, seconds=10)
    assert outcome.p50_s == pytest.approx(COSTS.of(1))
    assert outcome.transfers == 0


def test_a_full_exchange_makes_everybody_wait() -> None:
    """The waiting time grows without end when more orders arrive than full batches can process."""
    most = MAX_BATCH / COSTS.of(MAX_BATCH)
    assert simulate(COSTS, 1, most * 0.8).p99_s < 0.5
    short, long = (simulate(COSTS, 1, most * 1.3, seconds=s).p99_s for s in (2.0, 4.0))
    assert long > 1.5 * short > 0.5


def test_orders_abroad_need_transfers() -> None:
    """A fixed share of the orders on another shard need a transfer, which is three commands."""
    crowd = Crowd(users=50, markets=8, skew=0, per_transfer=10)
    outcome = simulate(COSTS, 2, 300, crowd, seconds=5)
    assert outcome.transfers == pytest.approx(0.5 / 10, rel=0.2)
    without = simulate(COSTS, 2, 300, Crowd(50, 8, 0, 10**9), seconds=5)
    assert without.transfers < 0.001
    assert outcome.p99_s > without.p99_s


def test_one_market_cannot_be_cut() -> None:
    """One core processes all orders of one market, however many cores there are."""
    one, _ = most_orders(COSTS, 1, 0.4, crowd=Crowd(markets=1))
    four, _ = most_orders(COSTS, 4, 0.4, crowd=Crowd(markets=1))
    assert four == pytest.approx(one, rel=0.15)
    spread, _ = most_orders(COSTS, 4, 0.4, crowd=Crowd(markets=100, skew=0))
    assert spread > 3 * one
