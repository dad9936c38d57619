"""The rules of the tests: helpers have modules of their own, and private members stay private."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PRIVATE = 215
"""Uses of private members of others. Each ties a test to an implementation: the number may only
fall: lower it when it does."""


@cache
def trees(folder: str) -> list[tuple[Path, ast.Module]]:
    """Return the files below a folder, by their path from the root, with their syntax trees."""
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def imports(tree: ast.Module, path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that is imported; a name may be that of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.parts[: len(path.parts) - node.level] if node.level else ()
            base = ".".join((*above, *((node.module,) if node.module else ())))
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def of_tests(tree: ast.Module, path: Path) -> list[str]:
    """Return one line for each import from a test module or from a conftest."""
    return [
        f"{path}:{line}: imports {name}"
        for line, name in imports(tree, path)
        if name.startswith("tests.")
        and any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    ]


def private(tree: ast.Module) -> int:
    """Count the uses of private members of others, and the imports of private names."""
    count = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not own(node.value):
            count += hidden(node.attr)
        elif isinstance(node, ast.ImportFrom):
            count += sum(hidden(alias.name) for alias in node.names)
    return count


def own(value: ast.expr) -> bool:
    """Tell whether an attribute of this is the object's own."""
    return isinstance(value, ast.Name) and value.id in {"self", "cls"}


def hidden(name: str) -> bool:
    """Tell whether a name is private; ``_replace`` of a named tuple is not."""
    return name.startswith("_") and not name.endswith("__") and name != "_replace"


def test_no_test_imports_from_another_test() -> None:
    """What several tests need is in a module of helpers, most of it in tests/support."""
    assert [line for path, tree in trees("tests") for line in of_tests(tree, path)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import tests.cli.test_help",
        "from tests.cli.conftest import Run",
        "from tests.cli import conftest",
        "from .conftest import run",
        "from . import test_order",
    ],
)
def test_every_way_to_import_from_a_test_is_seen(source: str) -> None:
    """Whole modules, names, relative ones."""
    assert of_tests(ast.parse(source), Path("tests/cli/test_x.py"))


def test_helpers_may_be_imported() -> None:
    """A name that merely contains such a word is no test."""
    source = "from tests.support.http_exchange import testing\nfrom pytest import test_case"
    assert of_tests(ast.parse(source), Path("tests/cli/test_x.py")) == []


def test_private_members_of_others_grow_fewer() -> None:
    """A test that needs one more has to ask for it in public."""
    assert sum(private(tree) for _, tree in trees("tests")) <= PRIVATE


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("core._work", 1),
        ("self._work", 0),
        ("self.core._work", 1),
        ("x.__dict__", 0),
        ("from a import _b, c", 1),
        ("super()._put()", 1),
        ("now._replace(a=1)", 0),
    ],
)
def test_what_counts_as_private(source: str, count: int) -> None:
    """A member of anything but the object itself."""
    assert private(ast.parse(source)) == count
