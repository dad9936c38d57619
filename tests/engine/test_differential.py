"""The engine and the reference exchange decide the same for any commands.

The two share no code. A failure names its seed and the one line that repeats it; the campaign of
any length is ``python -m tests.engine.differential``.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predmarket.engine import Exchange
from predmarket.engine.commands import Command
from predmarket.engine.events import Event
from predmarket.engine.snapshot import snapshot
from tests.engine import differential
from tests.engine.audit import audit
from tests.engine.differential import Pair, kind_of, same, small_steps, step_of
from tests.engine.translate import EventTuple, to_command, to_tuples
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import Generator, random_commands
from tests.reference.generate_events import EventGenerator
from tests.reference.generate_proposals import ProposalGenerator
from tests.reference.strategies import (
    Step,
    concrete,
    opening,
    opening_with_event,
    steps,
    steps_with_event,
)


@pytest.mark.parametrize("seed", range(1, 41))
def test_the_same_over_random_commands(seed: int) -> None:
    """Both agree over 40 runs of 2 500 commands.

    Half of the runs have events, four of these proposals, and every fourth run small steps.
    """
    differential.run(seed, 2_500, every=25)


@pytest.mark.parametrize("seed", [*range(101, 106), 124])
def test_the_same_state_after_every_command(seed: int) -> None:
    """In short runs the whole state agrees after every command."""
    differential.run(seed, 800, every=1)


@settings(max_examples=100)
@given(steps(), st.sampled_from(("0", "0.07", "0.25")), st.sampled_from((None, 1, 2)))
def test_the_same_over_steps_that_shrink(drawn: list[Step], fee: str, step: int | None) -> None:
    """Both agree over hypothesis's commands, which shrink to small failing cases."""
    pair = Pair(stepwise=step is not None)
    with small_steps(step):
        for abstract in [*opening(fee), *drawn]:
            pair.apply(concrete(abstract, pair.reference))
            pair.compare_state()


@settings(max_examples=60)
@given(
    steps_with_event(), st.sampled_from(("0", "0.07")), st.sampled_from((None, 1, 2)), st.booleans()
)
def test_the_same_over_steps_with_an_event(
    drawn: list[Step], fee: str, step: int | None, exhaustive: bool
) -> None:
    """Both agree over an event of three markets with trades, strikes, additions and resolution."""
    pair = Pair(stepwise=step is not None)
    with small_steps(step):
        for abstract in [*opening_with_event(fee, exhaustive=exhaustive), *drawn]:
            pair.apply(concrete(abstract, pair.reference))
            pair.compare_state()


@pytest.mark.parametrize("seed", range(12))
def test_commands_between_steps(seed: int) -> None:
    """Commands that conflict with steps wait, others proceed, and every invariant holds.

    A second engine reaches the same state from the same journal, byte for byte.
    """
    exchange, chance = Exchange(), random.Random(seed)
    reference = ReferenceExchange()
    waiting: list[Command] = []
    journal: list[tuple[int, Command]] = []
    waited = 0

    def apply(now: int, command: Command) -> None:
        now = max(now, exchange.state.now)
        exchange.apply(now, command)
        journal.append((now, command))
        audit(exchange)

    with small_steps(seed % 3 + 1):
        kind = EventGenerator if seed % 2 else Generator
        for abstract in random_commands(seed, reference, 700, connections=True, kind=kind):
            known = len(reference.ledger.markets)
            reference.apply(abstract)
            now = abstract["ts"]
            while (due := exchange.due(now)) is not None:
                apply(*due)
            waiting.append(to_command(abstract, known))
            for command in [*waiting]:
                if exchange.waits_for(command) is None:
                    waiting.remove(command)
                    apply(now, command)
            waited += len(waiting)
            step = exchange.next_step()
            if step is not None and (chance.random() < 0.1 or len(waiting) > 20):
                apply(now, step)
        while (step := exchange.next_step()) is not None:
            apply(exchange.state.now, step)
        assert not exchange.state.unfinished
        assert waited
        again = Exchange()
        for at, command in journal:
            again.apply(at, command)
    assert snapshot(again.state) == snapshot(exchange.state)


def test_a_difference_names_its_seed_and_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without merge events is found, and the message has the command to repeat it."""

    def silent(happened: list[Event]) -> list[EventTuple]:
        return [row for row in to_tuples(happened) if row[0] != "MERGED"]

    monkeypatch.setattr(differential, "to_tuples", silent)
    with pytest.raises(AssertionError) as failure:
        differential.run(3, 500, every=1)
    note = failure.value.__notes__[0]
    assert "--seed 3 " in note
    assert note.endswith("--every 1")


def test_some_runs_are_stepwise_in_every_size() -> None:
    """The test's seeds include steps of 1, 2 and 3 and runs without steps.

    Runs with and without events have both, as do the few with proposals.
    """
    drawn = {(kind_of(seed), step_of(seed)) for seed in range(1, 41)}
    assert drawn == {
        *((kind, step) for kind in (Generator, EventGenerator) for step in (None, 1, 2, 3)),
        (ProposalGenerator, None),
        (ProposalGenerator, 2),
    }


def test_same_shows_both_sides() -> None:
    """The message of a difference has both values."""
    with pytest.raises(AssertionError, match=r"(?s)fees.*reference 1.*engine *2"):
        same("fees", 1, 2)
