"""Every deliberate mistake fits the code as it is; `make sabotage` makes them."""

import ast
import re
from pathlib import Path

import pytest

from tests.engine.sabotages import SABOTAGES as OF_ENGINE
from tests.server.sabotages import SABOTAGES as OF_SERVER
from tests.support.sabotage import Sabotage
from tools.sabotage import ENGINE, FAILED, PASSED, run_tests, sabotaged

SABOTAGES = (*OF_ENGINE, *OF_SERVER)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=[sabotage.name for sabotage in SABOTAGES])
def test_each_fits_the_code(sabotage: Sabotage) -> None:
    """Its text is there once, what it becomes is Python, and its test exists."""
    text = (ROOT / sabotage.file).read_text(encoding="utf-8")
    ast.parse(sabotaged(sabotage, text))
    module, _, name = sabotage.test.partition("::")
    tests = (ROOT / module).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name.partition('[')[0]}\(", tests, re.MULTILINE)


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
