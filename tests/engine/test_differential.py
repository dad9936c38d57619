"""The engine decides what the reference exchange decides, on any commands at all.

The two share no code. A failure names its seed and the one line that repeats it; the campaign of
any length is ``python -m tests.engine.differential``.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predmarket.engine.events import Event
from tests.engine import differential
from tests.engine.audit import audit
from tests.engine.differential import Engine, Pair, same, small_steps, step_of
from tests.engine.translate import EventTuple, to_command, to_tuples
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import random_commands
from tests.reference.strategies import Step, concrete, opening, steps


@pytest.mark.parametrize("seed", range(1, 49))
def test_the_same_over_random_commands(seed: int) -> None:
    """48 runs of 2 500 commands, every fourth with closings taken in small steps."""
    differential.run(seed, 2_500, every=25)


@pytest.mark.parametrize("seed", range(101, 107))
def test_the_same_state_after_every_command(seed: int) -> None:
    """Short runs in which everything is compared every time."""
    differential.run(seed, 800, every=1)


@settings(max_examples=100)
@given(steps(), st.sampled_from(("0", "0.07", "0.25")), st.sampled_from((None, 1, 2)))
def test_the_same_over_steps_that_shrink(drawn: list[Step], fee: str, step: int | None) -> None:
    """The same over commands that hypothesis makes small when they differ."""
    pair = Pair(stepwise=step is not None)
    with small_steps(step):
        for abstract in [*opening(fee), *drawn]:
            pair.apply(concrete(abstract, pair.reference))
            pair.compare_state()


@pytest.mark.parametrize("seed", range(6))
def test_steps_may_take_their_time(seed: int) -> None:
    """Commands between the steps of a closing or a resolution find and leave everything sound."""
    engine, chance = Engine(), random.Random(seed)
    exchange, reference = engine.exchange, ReferenceExchange()
    waits = 0
    with small_steps(1):
        for abstract in random_commands(seed, reference, 700):
            known = len(reference.ledger.markets)
            reference.apply(abstract)
            now = abstract["ts"]
            while (due := exchange.due(now)) is not None:
                exchange.apply(*due)
            exchange.apply(now, to_command(abstract, known))
            audit(exchange)
            step = exchange.unfinished()
            if step is not None:
                waits += 1
                if chance.random() < 0.3:
                    exchange.apply(now, step)
        while (step := exchange.unfinished()) is not None:
            exchange.apply(exchange.state.now, step)
    audit(exchange)
    assert waits > 20
    assert not any(market.unfinished for market in exchange.state.markets.values())


def test_a_difference_names_its_seed_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that keeps silent about merges is found, and the note says what to run again."""

    def silent(happened: list[Event]) -> list[EventTuple]:
        return [row for row in to_tuples(happened) if row[0] != "MERGED"]

    monkeypatch.setattr(differential, "to_tuples", silent)
    with pytest.raises(AssertionError) as failure:
        differential.run(3, 500, every=1)
    note = failure.value.__notes__[0]
    assert "--seed 3 " in note
    assert note.endswith("--every 1")


def test_some_runs_are_stepwise_in_every_size() -> None:
    """Among the seeds of the test run are steps of 1, 2 and 3, and runs in one go."""
    assert {step_of(seed) for seed in range(1, 49)} == {None, 1, 2, 3}


def test_same_shows_both_sides() -> None:
    """The message of a difference holds what each side says."""
    with pytest.raises(AssertionError, match=r"(?s)fees.*reference 1.*engine *2"):
        same("fees", 1, 2)
