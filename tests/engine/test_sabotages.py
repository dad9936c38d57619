"""A deliberate mistake in the engine fails the test that it names.

One mistake in each file is made here; `make sabotage` makes them all.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.sabotages import SABOTAGES
from tests.support.sabotage import Sabotage
from tools.sabotage import ENGINE, copy_of, is_caught, unchanged_passes

ONE_A_FILE = [*{sabotage.file: sabotage for sabotage in SABOTAGES}.values()]


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    """A copy of the engine and of its tests."""
    with copy_of(ENGINE) as copy:
        yield copy


@pytest.mark.parametrize("sabotage", ONE_A_FILE, ids=[sabotage.name for sabotage in ONE_A_FILE])
def test_each_is_caught(sabotage: Sabotage, copy: Path) -> None:
    """The mistake, made in a copy, fails its test."""
    assert is_caught(ENGINE, sabotage, copy), f"{sabotage.test} passes in spite of it"


def test_the_named_tests_pass_on_the_engine_as_it_is() -> None:
    """The named tests pass on the unchanged engine."""
    assert unchanged_passes(ENGINE, ONE_A_FILE)
