"""The server's deliberate mistakes fit the code as it is; `make sabotage` makes them.

To make one and run its test takes seconds, since an exchange has to start for it.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.server.sabotages import SABOTAGES
from tests.support.sabotage import Sabotage
from tools.sabotage import sabotaged

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
