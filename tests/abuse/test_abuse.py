"""No attack in its short form stops the exchange; `make abuse` runs them at full size."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.abuse.arena import FEW, SHORT, TURNS, Arena, Size
from tests.abuse.assault import BUSY, VICTIM_P99_S, Attack, Outcome, carry_out, left_open
from tests.abuse.attacks import ATTACKS
from tests.abuse.hasty import HASTE
from tests.support.exchange import HASTY

LONGEST_S = 60 / HASTE
"""Bound on a connection's minute of inactivity, by the shortened waits."""


@contextmanager
def arena(folder: Path, database_url: str, size: Size) -> Iterator[Arena]:
    """Run an exchange with a victim process."""
    made = Arena(folder, database_url, size, program=HASTY)
    try:
        made.prepare()
        made.start()
        yield made
    finally:
        made.close()


async def _tried(arena: Arena, attack: Attack) -> Outcome:
    """Carry an attack out, and repeat it if the victim waited too long.

    A machine's hiccup does not come again; a defect does. The second run's bound is BUSY times as
    wide, because other tests and the check run on the same CPUs. `make abuse` on an idle machine
    uses the bound itself.
    """
    outcome = await carry_out(arena, attack)
    for turn in range(1, TURNS):
        if outcome.died or not outcome.slow:
            break
        for line in outcome.held:
            line.close()
        outcome = await carry_out(arena, attack, turn=turn)
        outcome.allowance = (BUSY - 1) * VICTIM_P99_S
    return outcome


@pytest.mark.timeout(600)
async def test_no_attack_keeps_the_victim_waiting(tmp_path: Path, migrated_sqlite_url: str) -> None:
    """No attack delays the victim beyond a p99 of 250 ms or has it refused.

    The server's memory stays bounded, and no answer is a 500.
    """
    succeeded = {}
    with arena(tmp_path, migrated_sqlite_url, SHORT) as exchange:
        for attack in ATTACKS:
            if attack.short and not attack.holds:
                outcome = await _tried(exchange, attack)
                if outcome.faults:
                    succeeded[attack.name] = outcome.faults
                if outcome.died:
                    break
    assert succeeded == {}


@pytest.mark.timeout(300)
async def test_silent_connections_are_closed(tmp_path: Path, migrated_sqlite_url: str) -> None:
    """The server closes connections on which a client begins something and then stays silent."""
    holding = [attack for attack in ATTACKS if attack.short and attack.holds]
    with arena(tmp_path, migrated_sqlite_url, FEW) as exchange:
        outcomes = [await _tried(exchange, attack) for attack in holding]
        lines = [line for outcome in outcomes for line in outcome.held]
        await left_open(exchange, lines, 2 * LONGEST_S)
        for outcome in outcomes:
            outcome.left_open = await left_open(exchange, outcome.held, 0)
        for line in lines:
            line.close()
    faults = {outcome.attack.name: outcome.faults for outcome in outcomes}
    assert {name: found for name, found in faults.items() if found} == {}
