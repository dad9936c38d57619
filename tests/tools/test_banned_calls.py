"""The check that keeps the engine deterministic finds every violation and nothing else."""

from pathlib import Path

import pytest

from tools.banned_calls import ROOT, check, violations


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from datetime import datetime",
        "import random as r",
        "def f():\n    from asyncio import sleep",
        "open('x')",
        "print(1)",
        "float(1)",
        "hash('a')",
        "x = 0.5",
        "x = 1j",
        "x = 1 / 2",
        "x /= 2",
    ],
)
def test_each_kind_of_nondeterminism_is_refused(source: str) -> None:
    """A line of each kind is one violation."""
    assert len(list(violations(source, "x.py"))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import heapq",
        "from collections.abc import Iterator",
        "from predmarket.units import Price",
        "from . import book",
        "x = 7 // 2 % 3",
        "x = '1 / 2'  # time.time()",
        "order.id",
    ],
)
def test_exact_code_passes(source: str) -> None:
    """Exact code has no violation."""
    assert list(violations(source, "x.py")) == []


def test_a_violation_in_a_sub_package_is_found_with_its_line(tmp_path: Path) -> None:
    """Files in sub-packages count too, and the report has file and line."""
    (tmp_path / "predmarket/engine/deep").mkdir(parents=True)
    for name in ("units.py", "enums.py"):
        (tmp_path / "predmarket" / name).write_text("")
    (tmp_path / "predmarket/engine/deep/book.py").write_text("x = 1\ny = x / 2\n")
    assert check(tmp_path) == [
        "predmarket/engine/deep/book.py:2: / makes a float; // and % are exact"
    ]


def test_the_project_itself_passes() -> None:
    """The present engine has no violation."""
    assert check(ROOT) == []
