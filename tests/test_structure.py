"""The rules of the tests: separate helpers, no private names of others, a test for each module."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.sources import trees

ROOT = Path(__file__).resolve().parents[1]

INTERNALS = "tests/support/*_internals.py"
"""These modules alone take what is private to a library, where it has no public way."""
PATCHES = {"setattr", "getattr", "delattr", "__setattr__"}
"""Functions that take the name of a member as text."""

EVERYTHING_ELSE = "every other module"
"""In the list of a test package: all modules of its part that no test imports."""


@cache
def imports(tree: ast.Module, path: Path) -> list[tuple[int, str]]:
    """Return line and name of each import; a name may be that of a module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = path.parts[: len(path.parts) - node.level] if node.level else ()
            base = ".".join((*above, *((node.module,) if node.module else ())))
            found += [(node.lineno, base)]
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def of_tests(tree: ast.Module, path: Path) -> list[str]:
    """Return one line for each import from a test module or from a conftest."""
    return [
        f"{path}:{line}: imports {name}"
        for line, name in imports(tree, path)
        if name.startswith("tests.")
        and any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    ]


def private(tree: ast.Module, path: Path) -> list[str]:
    """Return one line for each private name of others: a member, an import, a patch."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not own(node.value):
            found.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.Call):
            found += [(node.lineno, name) for name in patched(node)]
    return [f"{path}:{line}: {name}" for line, name in found if hidden(name)]


def patched(call: ast.Call) -> list[str]:
    """Return the name of the member that a call like ``setattr(core, "work", 1)`` replaces."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name not in PATCHES or not call.args or own(call.args[0]):
        return []
    texts = [each.value for each in call.args[:2] if isinstance(each, ast.Constant)]
    return [text.rpartition(".")[2] for text in texts[:1] if isinstance(text, str)]


def own(value: ast.expr) -> bool:
    """Tell whether an expression is ``self`` or ``cls``."""
    return isinstance(value, ast.Name) and value.id in {"self", "cls"}


def hidden(name: str) -> bool:
    """Tell whether a name is private; ``_replace`` of a named tuple is not."""
    return name.startswith("_") and not name.endswith("__") and name != "_replace"


def test_no_test_imports_from_another_test() -> None:
    """Tests import shared helpers from modules of helpers only, mostly tests/support."""
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
    """Imports of modules and names and relative imports are all found."""
    assert of_tests(ast.parse(source), Path("tests/cli/test_x.py"))


def test_helpers_may_be_imported() -> None:
    """A module whose name merely contains such a word is no test."""
    source = "from tests.support.http_exchange import testing\nfrom pytest import test_case"
    assert of_tests(ast.parse(source), Path("tests/cli/test_x.py")) == []


def test_private_names_of_others_are_left_alone() -> None:
    """The number of private names of others may only fall, since each ties a test to code."""
    files = [(path, tree) for path, tree in trees("tests") if not path.match(INTERNALS)]
    assert [line for path, tree in files for line in private(tree, path)] == []


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
        ("patch.setattr(core, '_work', 1)", 1),
        ("patch.setattr('core.work._LIMIT', 1)", 1),
        ("getattr(self, '_work')", 0),
        ("patch.setattr(core, 'work', '_text')", 0),
    ],
)
def test_what_counts_as_private(source: str, count: int) -> None:
    """A private member of any other object counts, also when its name is a string."""
    assert len(private(ast.parse(source), Path("tests/test_x.py"))) == count


def modules() -> dict[str, bool]:
    """Return the package's modules by name; True for one that defines something."""
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            for node in tree.body
        )
        for path, tree in trees("predmarket")
    }


def listed(text: str) -> list[tuple[list[str], list[str]]]:
    """Return the lines of a test package's list: modules, and the tests that cover them."""
    return [
        (names.split(", "), re.findall(r"[\w./]+\.py", tests))
        for names, tests in re.findall(r"^- ([^:]+): (.+)$", text, re.MULTILINE)
    ]


def test_every_module_has_a_test() -> None:
    """A test imports each module, or the list in its test package names its test.

    A line about a folder covers its whole contents.
    """
    known = modules()
    imported = {name for path, tree in trees("tests") for _, name in imports(tree, path)}
    covered, wrong = set(imported), []
    for path, tree in trees("tests"):
        if path.name != "__init__.py":
            continue
        part = ".".join(("predmarket", *path.parts[1:-1]))
        for names, tests in listed(ast.get_docstring(tree) or ""):
            here = {f"{part}.{name}" for name in names if name != EVERYTHING_ELSE}
            if EVERYTHING_ELSE in names:
                here = {name for name in known if name.startswith(f"{part}.")}
            wrong += [f"{path}: there is no {name}" for name in here - known.keys()]
            lost = [name for name in tests if not (ROOT / path.parent / name).is_file()]
            wrong += [f"{path}: there is no {name}" for name in lost]
            wrong += [] if tests else [f"{path}: no test covers {names}"]
            covered |= here
            covered |= {one for one in known if any(one.startswith(f"{name}.") for name in here)}
    assert wrong == []
    assert [name for name, defines in known.items() if defines and name not in covered] == []


def test_a_list_of_covered_modules_is_read() -> None:
    """A line of the list may have several modules and tests, other folders, and a remark."""
    text = "Tests.\n\n- a, b.c: test_x.py, ../y/test_y.py (all)\n- d: test_z.py\n"
    assert listed(text) == [
        (["a", "b.c"], ["test_x.py", "../y/test_y.py"]),
        (["d"], ["test_z.py"]),
    ]
