"""Habits of the code that a tool can check: counts that may not grow, and required reasons."""

import ast
import importlib.metadata
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.support.sources import trees

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = sorted((ROOT / "predmarket").rglob("*.py"))
REASONED = [*PACKAGE, *sorted((ROOT / "tools").rglob("*.py")), *(ROOT / "benchmarks").rglob("*.py")]

MOST = {"Any": 93, "cast": 18}
"""How often the package may use what switches type checking off. Lower it when you can."""

EXPLAINED_AT_HEAD = {"predmarket/tui/widgets/direct_paint.py"}
"""Files that are there for what they suppress: the head of the module says why."""

_SUPPRESSED = re.compile(r"#\s*(?:noqa: [A-Z0-9, ]+|type: ignore\[[a-z-]+\])(.*)")

POSITIONAL = {
    "predmarket/engine/replies.py": "OrderRecord",  # created for every reply
    "predmarket/engine/sweeps.py": "Match",  # created for every trade
    "predmarket/server/gateway/order_entry.py": "PlaceOrder",  # created for every order
    "predmarket/server/core/change_feed.py": "UserFill",  # created twice for every trade
}
"""Where a record of more than eight fields is made by position, since names would cost time."""

UVICORN = {"_should_upgrade", "_start_asgi_task"}
"""What the protocols take that is private to uvicorn: methods of its HTTP protocol."""

TESTED = {"uvicorn": "0.54.0", "textual": "8.2.8"}
"""Libraries of which something private is called, and the version that the tests were run with."""


def package() -> Iterator[tuple[str, ast.Module]]:
    """Yield each file of the package, parsed."""
    for path, tree in trees("predmarket"):
        yield path.as_posix(), tree


def names_from(tree: ast.Module, module: str) -> set[str]:
    """Return the names that a file imports from a module."""
    return {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == module
        for name in node.names
    }


@pytest.mark.parametrize("name", MOST)
def test_what_switches_type_checking_off_does_not_grow(name: str) -> None:
    """The number of uses of typing's ``Any`` and ``cast`` may not grow."""
    count = 0
    for _, tree in package():
        if name in names_from(tree, "typing"):
            count += sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    assert count <= MOST[name]


def test_what_is_suppressed_says_why() -> None:
    """Each ``noqa`` and ``type: ignore`` has its reason on the same line."""
    bare = []
    for path in REASONED:
        if path.relative_to(ROOT).as_posix() in EXPLAINED_AT_HEAD:
            continue
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                found = _SUPPRESSED.search(token.string) if token.type == tokenize.COMMENT else None
                if found is not None and not re.search(r"\w\w", found[1]):
                    bare.append(f"{path.relative_to(ROOT)}:{token.start[0]}")
    assert bare == []


def test_records_of_many_fields_are_made_by_name() -> None:
    """More than eight positional arguments are refused, because two are soon exchanged."""
    found = {
        (path, getattr(node.func, "id", getattr(node.func, "attr", "")))
        for path, tree in package()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and len(node.args) > 8
    }
    records = {(path, name) for path, name in found if name[:1].isupper() and name != "Table"}
    assert records == set(POSITIONAL.items())


def test_what_is_private_to_uvicorn_stands_in_the_protocols() -> None:
    """Only the protocols use uvicorn's private names, which the installed version has."""
    folder = "predmarket/server/gateway/protocol/"
    for path, tree in package():
        used = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        private = (used & UVICORN) or {name for name in modules if name == "uvicorn._types"}
        assert not private or path.startswith(folder), path
    assert vars(HttpToolsProtocol).keys() >= UVICORN


def test_what_is_private_to_typer_stands_in_the_parser() -> None:
    """Only the parser imports typer's private module."""
    taking = {path for path, tree in package() if "_click" in names_from(tree, "typer")}
    assert taking == {"predmarket/cli/parser.py"}


@pytest.mark.parametrize("name", TESTED)
def test_the_version_whose_private_names_were_tested(name: str) -> None:
    """The installed version is the tested one; for another, run the tests of its users first."""
    assert importlib.metadata.version(name) == TESTED[name]
    pinned = re.search(rf'"{name}([^"]*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert pinned is not None
    assert pinned[1] == f"=={TESTED[name]}"
