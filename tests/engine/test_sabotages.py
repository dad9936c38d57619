"""The tests catch what they are there to catch: each deliberate mistake fails the test it names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.sabotages import SABOTAGES
from tests.support.sabotage import Sabotage
from tools.sabotage import (
    ENGINE,
    FAILED,
    PASSED,
    copy_of,
    is_caught,
    run_tests,
    sabotaged,
    unchanged_passes,
)


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    """A copy of the engine and of its tests."""
    with copy_of(ENGINE) as copy:
        yield copy


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=[sabotage.name for sabotage in SABOTAGES])
def test_each_is_caught(sabotage: Sabotage, copy: Path) -> None:
    """The mistake, made in a copy, makes its test fail."""
    assert is_caught(ENGINE, sabotage, copy), f"{sabotage.test} passes in spite of it"


def test_the_named_tests_pass_on_the_engine_as_it_is() -> None:
    """Else their failing would prove nothing."""
    assert unchanged_passes(ENGINE, SABOTAGES)


def test_names_are_unique() -> None:
    """A name finds one row."""
    assert len({sabotage.name for sabotage in SABOTAGES}) == len(SABOTAGES)


def test_a_row_must_fit_the_code() -> None:
    """A text that is not there, or twice, is an error of the table."""
    for old in ("a", "b"):
        with pytest.raises(ValueError, match="times in"):
            sabotaged(Sabotage("x", "twice.py", old, "c", "?"), "a\na\n")


def test_survived_and_could_not_run_are_told_apart(tmp_path: Path) -> None:
    """A passing test lets a mistake survive; a test that is not there proves nothing."""
    (tmp_path / "test_it.py").write_text(
        "def test_right():\n    pass\ndef test_wrong():\n    assert False\n", encoding="utf-8"
    )
    assert run_tests(ENGINE, tmp_path, ["test_it.py::test_right"]) == PASSED
    assert run_tests(ENGINE, tmp_path, ["test_it.py::test_wrong"]) == FAILED
    with pytest.raises(RuntimeError, match="did not run"):
        run_tests(ENGINE, tmp_path, ["test_it.py::test_missing"])
