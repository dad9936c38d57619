"""The exchange over HTTP answers and shows the same as the reference exchange.

Two tests show it: one with dense random commands, which a seed repeats, and one with hypothesis's
steps, which shrink to the few that matter. PREDMARKET_TEST_EXAMPLES=300 (`make contract`) makes
each a campaign of that many random runs on each database. Without it the runs are few, on SQLite,
and the same every time.
"""

import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from predmarket.server.storage.migrations import upgrade
from tests.conformance.machine import Trading
from tests.conformance.proposal_pair import ProposalPair
from tests.conformance.world import ADMINS, World
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import Generator, random_commands
from tests.reference.generate_proposals import ProposalGenerator
from tests.support.kept import KeptDatabase

CAMPAIGN = int(os.environ.get("PREDMARKET_TEST_EXAMPLES", "0"))
SEED = int(os.environ.get("PREDMARKET_TEST_SEED", "1"))
DATABASES = ["sqlite", "postgres"] if CAMPAIGN else ["sqlite"]
EXAMPLES = 4
STEPS = 40
RUNS = 1
COMMANDS = 260
LOOK_EVERY = 50
RESTART_EVERY = 100


class Proposals(ProposalGenerator):
    """Events and many proposals, by the admins that there are over HTTP."""

    admins = ADMINS

    def __init__(self, seed: int, exchange: ReferenceExchange, *, connections: bool) -> None:
        super().__init__(seed, exchange, connections=connections)
        self.kinds += self.kinds[-3:] * 3  # of proposals


class Worlds:
    """Creates exchanges on empty databases, one at a time."""

    def __init__(self, folder: Path, kept: KeptDatabase | None) -> None:
        self._folder = folder
        self._kept = kept
        self._made = 0
        self._empty = folder / "empty.db"
        if kept is None:
            upgrade(f"sqlite:///{self._empty}")

    def __call__(self) -> World:
        """Return a new exchange; the previous one must be closed."""
        self._made += 1
        folder = self._folder / str(self._made)
        folder.mkdir()
        if self._kept is not None:
            return World(self._kept.emptied(), folder)
        shutil.copy(self._empty, folder / "predmarket.db")
        return World(f"sqlite:///{folder / 'predmarket.db'}", folder)


@pytest.fixture(params=DATABASES)
def worlds(request: pytest.FixtureRequest, tmp_path: Path) -> Worlds:
    """Return a factory of exchanges, on each kind of database in a campaign."""
    postgres = request.param == "postgres"
    return Worlds(tmp_path, request.getfixturevalue("kept_postgres") if postgres else None)


@pytest.mark.timeout(0 if CAMPAIGN else 300)
@pytest.mark.parametrize("kind", [Generator, Proposals], ids=["markets", "events"])
def test_the_same_over_random_commands(worlds: Worlds, kind: type[Generator]) -> None:
    """Both exchanges agree over random commands; PREDMARKET_TEST_SEED repeats a run."""
    first = random.randrange(10**9) if CAMPAIGN and SEED == 1 else SEED
    for seed in range(first, first + (CAMPAIGN or RUNS)):
        world = worlds()
        pair, number = ProposalPair(world), 0
        try:
            drawn = random_commands(seed, pair.reference, COMMANDS, kind=kind)
            for number, command in enumerate(drawn, start=1):
                pair.do(command)
                if number % LOOK_EVERY == 0:
                    pair.look()
                if number % RESTART_EVERY == 0:
                    world.restart()
        except Exception as error:
            error.add_note(f"at command {number} of PREDMARKET_TEST_SEED={seed}")
            raise
        finally:
            world.close()


@pytest.mark.timeout(0 if CAMPAIGN else 600)  # shrinking a failure takes time
def test_the_same_over_steps_that_shrink(worlds: Worlds) -> None:
    """Both exchanges agree over random steps; hypothesis prints the steps of a difference."""

    class Machine(Trading):
        make_world = staticmethod(worlds)

    chosen = settings(
        max_examples=CAMPAIGN or EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=not CAMPAIGN,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=chosen)
