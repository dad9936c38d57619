"""Every deliberate mistake matches the present code; `make sabotage` makes them."""

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
    """A mistake's old text occurs once, its new text is Python, and its test exists."""
    text = (ROOT / sabotage.file).read_text(encoding="utf-8")
    ast.parse(sabotaged(sabotage, text))
    module, _, name = sabotage.test.partition("::")
    tests = (ROOT / module).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name.partition('[')[0]}\(", tests, re.MULTILINE)


def test_names_are_unique() -> None:
    """Each name belongs to one row."""
    assert len({sabotage.name for sabotage in SABOTAGES}) == len(SABOTAGES)


def test_a_row_must_fit_the_code() -> None:
    """A row whose text is missing or occurs twice is an error."""
    for old in ("a", "b"):
        with pytest.raises(ValueError, match="times in"):
            sabotaged(Sabotage("x", "twice.py", old, "c", "?"), "a\na\n")


def test_survived_and_could_not_run_are_told_apart(tmp_path: Path) -> None:
    """A passing test means that the mistake survived; a missing test is an error."""
    (tmp_path / "test_it.py").write_text(
        "def test_right():\n    pass\ndef test_wrong():\n    assert False\n", encoding="utf-8"
    )
    assert run_tests(ENGINE, tmp_path, ["test_it.py::test_right"]) == PASSED
    assert run_tests(ENGINE, tmp_path, ["test_it.py::test_wrong"]) == FAILED
    with pytest.raises(RuntimeError, match="did not run"):
        run_tests(ENGINE, tmp_path, ["test_it.py::test_missing"])
